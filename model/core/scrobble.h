/* scrobble.h - "this user started this track now": the record that everything starts from.
 * Strings are borrowed from the buffer it was read from and live as long as that; they are not
 * NUL-terminated. */
#ifndef OUTRO_CORE_SCROBBLE_H
#define OUTRO_CORE_SCROBBLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/event_time.h"

/* A longer user id is rejected: ids are kept in fixed-size state records. */
#define USER_ID_MAX 64

struct slice {
    const char *data; /* borrowed, UTF-8 */
    size_t size;      /* bytes */
};

struct scrobble {
    struct slice user_id; /* 1 .. USER_ID_MAX bytes */
    struct event_time time;
    struct slice artist; /* as written; see names.h for the form it is compared in */
    struct slice track;
    struct slice artist_mbid; /* may be empty */
    struct slice track_mbid;  /* may be empty */
    int64_t duration_ms;      /* of the track; 0 = unknown */
};

#endif
