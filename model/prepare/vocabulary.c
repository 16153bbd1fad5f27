#include "prepare/vocabulary.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Reserved words beside these hold capitals, which no lower-cased word does. */
static const char *const RESERVED[] = {"<s>", "</s>"};

/* Numbers 0 .. count - 1 by descending counts, ties in the order they have: a radix sort, since
 * there may be millions. @return order or scratch, where they ended */
static uint32_t *sort_by_count(uint32_t *order, uint32_t *scratch, size_t count,
                               const uint32_t *counts)
{
    enum { BITS = 11, BUCKETS = 1 << BITS };
    for (unsigned shift = 0; shift < 32; shift += BITS) {
        size_t starts[BUCKETS + 1] = {0};
        for (size_t i = 0; i < count; i++)
            starts[(~counts[order[i]] >> shift & (BUCKETS - 1)) + 1]++;
        for (size_t b = 0; b < BUCKETS; b++)
            starts[b + 1] += starts[b];
        for (size_t i = 0; i < count; i++)
            scratch[starts[~counts[order[i]] >> shift & (BUCKETS - 1)]++] = order[i];
        uint32_t *other = order;
        order = scratch;
        scratch = other;
    }
    return order;
}

/* Sorts order in place. @return 0, -1 with ERR_MEMORY */
static int most_common_first(uint32_t *order, size_t count, const uint32_t *counts, struct err *err)
{
    uint32_t *scratch = malloc((count ? count : 1) * sizeof *scratch);
    if (!scratch)
        return err_set(err, ERR_MEMORY, "out of memory for %zu words", count);
    if (sort_by_count(order, scratch, count, counts) != order)
        memcpy(order, scratch, count * sizeof *order);
    free(scratch);
    return 0;
}

/* Numbers 0 .. count - 1, most plays first. @param plays caller's, freed here  @return new, or NULL
 */
static uint32_t *most_played_first(uint32_t *plays, uint32_t count, struct err *err)
{
    uint32_t *order = malloc((count ? count : 1) * sizeof *order);
    if (!order)
        err_set(err, ERR_MEMORY, "out of memory for %u names", count);
    for (uint32_t i = 0; order && i < count; i++)
        order[i] = i;
    if (order && most_common_first(order, count, plays, err) < 0) {
        free(order);
        order = NULL;
    }
    free(plays);
    return order;
}

uint32_t *vocabulary_tracks(const struct catalog *catalog, struct err *err)
{
    uint32_t count = catalog->track_index.count;
    uint32_t *plays = malloc((count ? count : 1) * sizeof *plays);
    if (!plays) {
        err_set(err, ERR_MEMORY, "out of memory for %u tracks", count);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++)
        plays[i] = catalog->tracks[i].plays;
    return most_played_first(plays, count, err);
}

uint32_t *vocabulary_artists(const struct catalog *catalog, const uint64_t *plays, struct err *err)
{
    uint32_t count = catalog->artist_index.count;
    uint32_t *clipped = malloc((count ? count : 1) * sizeof *clipped);
    if (!clipped) {
        err_set(err, ERR_MEMORY, "out of memory for %u artists", count);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++)
        clipped[i] = plays[i] < UINT32_MAX ? (uint32_t)plays[i] : UINT32_MAX;
    return most_played_first(clipped, count, err);
}

void vocabulary_clear(struct vocabulary *vocabulary)
{
    free(vocabulary->order);
    free(vocabulary->counts);
    free(vocabulary->ids);
    *vocabulary = (struct vocabulary){0};
}

int vocabulary_word(const struct catalog *catalog, enum vocabulary_kind kind, uint32_t number,
                    struct word_buffer *buffer, struct slice *out, struct err *err)
{
    bool artists = kind == VOCABULARY_ARTISTS;
    const struct variant *variant =
        &catalog->variants[artists ? catalog->artists[number] : catalog->titles[number]];
    return word_of(artists ? variant_artist(variant) : variant_track(variant), buffer, out, err);
}

static int refuse_reserved(const struct vocabulary *vocabulary, enum vocabulary_kind kind,
                           const struct catalog *catalog, struct err *err)
{
    struct word_buffer buffer = {0};
    struct slice word;
    int status = 0;
    for (uint32_t i = 0; i < vocabulary->count && status == 0; i++) {
        status = vocabulary_word(catalog, kind, i, &buffer, &word, err);
        for (size_t r = 0; r < sizeof RESERVED / sizeof *RESERVED && status == 0; r++)
            if (word.size == strlen(RESERVED[r]) && memcmp(word.data, RESERVED[r], word.size) == 0)
                status = err_set(
                    err, ERR_INPUT,
                    "%s \"%s\" is a reserved word of the vocabulary: take it out of the log",
                    kind == VOCABULARY_ARTISTS ? "artist" : "track", RESERVED[r]);
    }
    free(buffer.data);
    return status;
}

/* The number of a track's word; CATALOG_NO_WORD when it is empty. */
static uint32_t word_number(enum vocabulary_kind kind, const struct track *track)
{
    return kind == VOCABULARY_ARTISTS ? track->artist : track->title;
}

int vocabulary_make(struct vocabulary *vocabulary, enum vocabulary_kind kind,
                    const struct catalog *catalog, const uint32_t *tracks, struct err *err)
{
    uint32_t count =
        kind == VOCABULARY_ARTISTS ? catalog->artist_index.count : catalog->title_index.count;
    size_t room = count ? count : 1;
    *vocabulary = (struct vocabulary){
        .order = malloc(room * sizeof(uint32_t)),
        .counts = calloc(room, sizeof(uint32_t)),
        .ids = calloc(room, sizeof(uint32_t)),
        .count = count,
    };
    if (!vocabulary->order || !vocabulary->counts || !vocabulary->ids) {
        vocabulary_clear(vocabulary);
        return err_set(err, ERR_MEMORY, "out of memory for %u words", count);
    }
    uint32_t seen = 0;
    for (uint32_t i = 0; i < catalog->track_index.count; i++) {
        uint32_t word = word_number(kind, &catalog->tracks[tracks[i]]);
        if (word != CATALOG_NO_WORD && vocabulary->counts[word]++ == 0)
            vocabulary->order[seen++] = word;
    }
    if (most_common_first(vocabulary->order, count, vocabulary->counts, err) < 0 ||
        refuse_reserved(vocabulary, kind, catalog, err) < 0) {
        vocabulary_clear(vocabulary);
        return -1;
    }
    for (uint32_t i = 0; i < count; i++)
        vocabulary->ids[vocabulary->order[i]] = VOCABULARY_FIRST + i;
    return 0;
}
