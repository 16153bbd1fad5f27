/* vocabulary.h - tracks by how often they were played, and the words of artists, tracks and
 * countries by how often they occur, each with the number that the re-implemented system gives it:
 * 0 to 4 are reserved, then 5, 6, ... with the most common first, ties by first appearance. Artists
 * and track names are counted over tracks, countries over profiles. Read-only once made. */
#ifndef OUTRO_PREPARE_VOCABULARY_H
#define OUTRO_PREPARE_VOCABULARY_H

#include <stdint.h>

#include "core/err.h"
#include "data/profiles.h"
#include "prepare/catalog.h"

enum { VOCABULARY_UNKNOWN = 0, VOCABULARY_FIRST = 5 };

struct vocabulary {
    uint32_t *order;  /* (count) numbers of the words, most common first */
    uint32_t *counts; /* (count) by number of the word */
    uint32_t *ids;    /* (count) by number of the word */
    uint32_t count;
};

void vocabulary_clear(struct vocabulary *vocabulary);

/** Numbers of the tracks, most played first. @return new, caller frees; NULL with ERR_MEMORY */
uint32_t *vocabulary_tracks(const struct catalog *catalog, struct err *err) MUST_CHECK;

/** Numbers of the artists, most played first. @param plays by number  @return new, caller frees;
 * NULL with ERR_MEMORY */
uint32_t *vocabulary_artists(const struct catalog *catalog, const uint64_t *plays,
                             struct err *err) MUST_CHECK;

enum vocabulary_kind { VOCABULARY_ARTISTS, VOCABULARY_TITLES };

/** @param tracks what vocabulary_tracks gave  @return 0; -1: ERR_MEMORY, ERR_INPUT (a reserved
 * word) */
int vocabulary_make(struct vocabulary *vocabulary, enum vocabulary_kind kind,
                    const struct catalog *catalog, const uint32_t *tracks,
                    struct err *err) MUST_CHECK;

/** The word of an artist or a track name. @param out borrowed from buffer */
int vocabulary_word(const struct catalog *catalog, enum vocabulary_kind kind, uint32_t number,
                    struct word_buffer *buffer, struct slice *out, struct err *err) MUST_CHECK;

/* Countries are few: words of their own. */
struct country {
    char *word;
    uint32_t count;
};

struct countries {
    struct country *all; /* (count) most common first: number i has id i + VOCABULARY_FIRST */
    size_t count, capacity;
};

/** @param profiles may be NULL */
int countries_make(struct countries *countries, const struct profiles *profiles,
                   struct err *err) MUST_CHECK;
void countries_clear(struct countries *countries);
/** Id of a country as it is written; 0 unknown or empty. @return 0, -1 with ERR_MEMORY */
int countries_find(const struct countries *countries, const char *country, uint32_t *id,
                   struct err *err) MUST_CHECK;

#endif
