/* table_row.h - a row of the Last.fm-1K table as a scrobble: user \t time \t artist mbid \t artist
 * \t track mbid \t track, UTF-8. Pure. What copies of it are found to have:
 * - a header in the first line (`#...`, or a second column called timestamp): skipped
 * - carriage returns and empty columns at the end: taken away. Inside a name a carriage return is a
 *   character like others
 * - a tab in a name, so seven columns or more: understood when one of them alone can be the track's
 *   MBID (the only one that looks like one, or else the only empty one), since what is before it is
 *   the artist and what is behind it the track; the tab stays in the name
 * - columns missing, an empty user, artist or track, a day or an hour that does not exist, bytes
 * that are no UTF-8 or a NUL: refused */
#ifndef OUTRO_DATA_TABLE_ROW_H
#define OUTRO_DATA_TABLE_ROW_H

#include <stdbool.h>

#include "core/err.h"
#include "core/scrobble.h"

enum log_line {
    LOG_LINE_SCROBBLE,
    LOG_LINE_SKIP,      /* blank, or the header of a table */
    LOG_LINE_NO_LISTEN, /* a record of something else: still playing, an episode, played for 0 ms */
    LOG_LINE_NOBODY,    /* a scrobble that names no user; err says so */
    LOG_LINE_BAD        /* err says why */
};

/** @param line without its end, borrowed: the scrobble's slices point into it
 *  @param first whether it is the first line of its file, which may be a header
 *  @return SCROBBLE, SKIP or BAD */
enum log_line table_row_parse(struct slice line, bool first, struct scrobble *out,
                              struct err *err) MUST_CHECK;

#endif
