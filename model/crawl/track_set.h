/* track_set.h - the tracks of a crawl: each (artist, track) once, compared as names.h says, in the
 * order in which they came and as they were first written. */
#ifndef OUTRO_CRAWL_TRACK_SET_H
#define OUTRO_CRAWL_TRACK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"

struct track_name {
    struct slice artist, track; /* borrowed from the set */
};

struct track_set;

struct track_set *track_set_new(struct err *err) MUST_CHECK; /* NULL with ERR_MEMORY */
void track_set_free(struct track_set *set);                  /* NULL is fine */

/** Adds a track if it is new; the names are copied. @return 0, -1 ERR_MEMORY */
int track_set_add(struct track_set *set, struct slice artist, struct slice track,
                  struct err *err) MUST_CHECK;

uint32_t track_set_count(const struct track_set *set);
/** @param index below the count */
struct track_name track_set_get(const struct track_set *set, uint32_t index);
/** Where a track is. @return false: not in the set */
bool track_set_find(const struct track_set *set, struct slice artist, struct slice track,
                    uint32_t *index);

#endif
