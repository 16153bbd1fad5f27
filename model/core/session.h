/* session.h - a finished listening session, as it is published (schemas/session.json). A value. */
#ifndef OUTRO_CORE_SESSION_H
#define OUTRO_CORE_SESSION_H

#include <stdint.h>

#include "core/event_time.h"
#include "core/scrobble.h"

struct session {
    char user_id[USER_ID_MAX + 1];
    uint32_t number;   /* from 1, per user */
    uint32_t revision; /* 0 at first, + 1 each time it is published again after a late scrobble */
    struct event_time start;
    struct event_time end; /* last start, plus that track's duration when known */
    int64_t length_ms;     /* end - start */
    uint32_t scrobbles;    /* that it counts, late ones included, duplicates not */
};

#endif
