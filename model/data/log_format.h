/* log_format.h - one line of a listening log, in any readable form, as a scrobble. The form is told
 * by the line itself:
 * `{...` is JSON (our own, ListenBrainz), `key \t {...` is JSON behind its user id (what `outro
 * events` writes), and all else is the Last.fm-1K row `user \t time \t artist mbid \t artist \t
 * track mbid \t track`. */
#ifndef OUTRO_DATA_LOG_FORMAT_H
#define OUTRO_DATA_LOG_FORMAT_H

#include <stdbool.h>

#include "core/err.h"
#include "core/scrobble.h"
#include "data/scrobble_json.h"

enum log_line {
    LOG_LINE_SCROBBLE,
    LOG_LINE_SKIP, /* blank, or the header of a table */
    LOG_LINE_BAD   /* err says why */
};

/** @param line borrowed; the scrobble's slices point into it or into scratch
 *  @param first whether it is the first line of its file, which may be a header */
enum log_line log_line_parse(struct slice line, bool first, struct scrobble_scratch *scratch,
                             struct scrobble *out, struct err *err) MUST_CHECK;

/** Whether a line that gave a scrobble is a row of a table, not JSON. */
bool log_line_is_table(struct slice line);

#endif
