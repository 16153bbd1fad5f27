/* log_page.h - an answer of an interface that holds many scrobbles, cut into them:
 * - Last.fm, user.getRecentTracks: {"recenttracks":{"@attr":{"user":U},"track":[T, ...]}}; of a
 *   single track the array is left out. Some tools keep what is inside of "recenttracks" alone.
 * - ListenBrainz, listens of a user: {"payload":{"user_id":U,"listens":[L, ...]}}
 * Pure: works on the text of one answer, which is held whole. */
#ifndef OUTRO_DATA_LOG_PAGE_H
#define OUTRO_DATA_LOG_PAGE_H

#include "data/json_walk.h"

struct log_page {
    struct slice user; /* a JSON value as it is written; size 0 when the page names nobody */
    struct slice only; /* the single track that stands without an array; size 0 when given out */
    struct json_walk walk;
    bool is_broken; /* after the last element: the page was no JSON behind it */
};

/** @param text one JSON value, borrowed for the life of the page  @return false when it is no page
 * but a record, or nothing known */
bool log_page_open(struct slice text, struct log_page *page);

/** @param out one track or listen, borrowed as the text is  @return false at the end */
bool log_page_next(struct log_page *page, struct slice *out);

#endif
