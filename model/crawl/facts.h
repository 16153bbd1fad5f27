/* facts.h - what Last.fm knows of a track, as far as it is kept. Values; names of tags are borrowed
 * from the text that they were read from. */
#ifndef OUTRO_CRAWL_FACTS_H
#define OUTRO_CRAWL_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/scrobble.h"

/* Last.fm shows five to ten; more, and longer ones, are left out. */
#define TRACK_TAGS_MAX 100
#define TAG_BYTES_MAX  256

struct track_tag {
    struct slice name; /* 1 .. TAG_BYTES_MAX bytes */
    int64_t count;     /* -1: none was said */
};

struct track_facts {
    uint32_t duration_ms; /* 0 = unknown; at most DURATION_MAX_MS */
    size_t tag_count;
    struct track_tag tags[TRACK_TAGS_MAX]; /* in Last.fm's order */
};

#endif
