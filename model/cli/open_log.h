/* open_log.h - how every command opens its listening log: with the progress line while it reads,
 * and with the complaints about bad rows shown once the line is gone. */
#ifndef OUTRO_CLI_OPEN_LOG_H
#define OUTRO_CLI_OPEN_LOG_H

#include <stdbool.h>

#include "core/err.h"
#include "data/log.h"

/** log_open, with complaints to standard error; options' complaints and progress are not looked at.
 *  @param quiet no progress line (complaints are shown all the same)  @return new log, or NULL with
 * err */
struct log *open_log(const char *path, const struct log_options *options, bool quiet,
                     struct err *err) MUST_CHECK;

#endif
