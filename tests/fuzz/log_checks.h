/* log_checks.h - what must hold for whatever a log is read into, whatever its bytes. */
#ifndef OUTRO_FUZZ_LOG_CHECKS_H
#define OUTRO_FUZZ_LOG_CHECKS_H

#include <stdint.h>

#include "data/log_format.h"

/** A line or an element that was parsed: a scrobble is one, and survives being written as JSON and
 * read again, since that is what `outro events` sends through a topic; what is refused has a
 * reason, and nothing else has one. */
void log_checks_parsed(enum log_line kind, const struct scrobble *scrobble, const struct err *err);

/** Reads the bytes as a log of a form, whatever they are packed in. @return 0 */
int log_checks_read(enum log_form form, const uint8_t *data, size_t size);

#endif
