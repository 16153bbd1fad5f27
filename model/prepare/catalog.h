/* catalog.h - the artists and tracks of a log, each with a number. Names come as they are written
 * (a variant); once all have come, variants whose words are the same are one track. All numbers are
 * dense and count by first appearance. Filled by one thread, then read by many. */
#ifndef OUTRO_PREPARE_CATALOG_H
#define OUTRO_PREPARE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/scrobble.h"
#include "prepare/key_index.h"
#include "prepare/words.h"

#define CATALOG_NO_WORD UINT32_MAX

/* A name pair as it was written. */
struct variant {
    const char *names; /* artist, then track, without a gap */
    uint32_t track;    /* its number, once catalog_finish was called */
    uint16_t artist_size, track_size;
};

/* What every row changes, apart from what it does not. */
struct variant_uses {
    uint32_t plays; /* saturating */
    bool has_mbid;
};

struct variant_mbid {
    const char *text;
    uint32_t variant;
};

struct track {
    const char *artist_mbid; /* the first that is not empty; "" none */
    uint32_t variant;        /* the first */
    uint32_t artist;         /* CATALOG_NO_WORD when it is nothing but white space, as the next */
    uint32_t title;          /* of the track's word alone, without the artist */
    uint32_t plays;          /* saturating */
};

struct catalog {
    struct key_index variant_index, track_index, artist_index, title_index;
    struct variant *variants;
    struct track *tracks;
    uint32_t *artists, *titles; /* the first variant of each */
    struct variant_uses *uses;
    struct variant_mbid *mbids; /* (mbid_count) artist MBIDs, each variant's first, as they came */
    size_t mbid_count;
    size_t variant_capacity, track_capacity, artist_capacity, title_capacity, uses_capacity;
    size_t mbid_capacity;
    struct arena names;
    struct word_buffer artist_word, track_word;
};

/** Caller's memory. @return 0, -1 with ERR_MEMORY */
int catalog_init(struct catalog *catalog, struct err *err) MUST_CHECK;
void catalog_clear(struct catalog *catalog);

/** The variant of a row. @param key catalog_key of its names  @return 0, -1 with ERR_MEMORY */
int catalog_put(struct catalog *catalog, struct index_key key, struct slice artist,
                struct slice track, uint32_t *number, struct err *err) MUST_CHECK;
/** Counts a row of a variant, which catalog_put gave; apart from it, since the two wait for
 * different places of a large memory. @return 0, -1 with ERR_MEMORY */
int catalog_use(struct catalog *catalog, uint32_t number, struct slice artist_mbid,
                struct err *err) MUST_CHECK;

/** No more rows come: finds the tracks, artists and titles. @return 0, -1 with ERR_MEMORY */
int catalog_finish(struct catalog *catalog, struct err *err) MUST_CHECK;

static inline struct index_key catalog_key(struct slice artist, struct slice track)
{
    return index_key_add(index_key_of(artist), track);
}

static inline struct slice variant_artist(const struct variant *variant)
{
    return (struct slice){variant->names, variant->artist_size};
}

static inline struct slice variant_track(const struct variant *variant)
{
    return (struct slice){variant->names + variant->artist_size, variant->track_size};
}

#endif
