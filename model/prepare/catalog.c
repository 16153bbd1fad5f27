#include "prepare/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "core/array.h"

enum { BLOCK_BYTES = 1 << 20 };

int catalog_init(struct catalog *catalog, struct err *err)
{
    *catalog = (struct catalog){0};
    arena_init(&catalog->names, BLOCK_BYTES);
    if (key_index_init(&catalog->variant_index, err) == 0 &&
        key_index_init(&catalog->track_index, err) == 0 &&
        key_index_init(&catalog->artist_index, err) == 0 &&
        key_index_init(&catalog->title_index, err) == 0)
        return 0;
    catalog_clear(catalog);
    return -1;
}

void catalog_clear(struct catalog *catalog)
{
    key_index_clear(&catalog->variant_index);
    key_index_clear(&catalog->track_index);
    key_index_clear(&catalog->artist_index);
    key_index_clear(&catalog->title_index);
    free(catalog->variants);
    free(catalog->tracks);
    free(catalog->artists);
    free(catalog->titles);
    free(catalog->uses);
    free(catalog->mbids);
    arena_clear(&catalog->names);
    free(catalog->artist_word.data);
    free(catalog->track_word.data);
    *catalog = (struct catalog){0};
}

/* Room for item `needed - 1` of an array of catalog. */
static int room(void *array, size_t *capacity, size_t needed, size_t item_bytes, struct err *err)
{
    void **place = array;
    void *moved = array_grow(*place, capacity, needed, item_bytes);
    if (!moved)
        return err_set(err, ERR_MEMORY, "out of memory for %zu names", needed);
    *place = moved;
    return 0;
}

/* The number of a word; the first variant that has it is noted. */
static int put_word(struct key_index *index, struct index_key key, uint32_t **firsts,
                    size_t *capacity, uint32_t variant, uint32_t *number, struct err *err)
{
    int is_new = key_index_put(index, key, number, err);
    if (is_new <= 0)
        return is_new;
    if (index->count > *capacity && room(firsts, capacity, index->count, sizeof **firsts, err) < 0)
        return -1;
    (*firsts)[*number] = variant;
    return 0;
}

/* The words of a variant, as keys. */
struct word_keys {
    struct index_key artist, title, track;
    bool has_artist, has_title; /* it is more than white space */
};

static int find_words(struct catalog *catalog, const struct variant *variant,
                      struct word_keys *keys, struct err *err)
{
    struct slice artist, title;
    if (word_of(variant_artist(variant), &catalog->artist_word, &artist, err) < 0 ||
        word_of(variant_track(variant), &catalog->track_word, &title, err) < 0)
        return -1;
    keys->artist = index_key_of(artist);
    keys->title = index_key_of(title);
    keys->track = index_key_add(keys->artist, title);
    keys->has_artist = artist.size > 0;
    keys->has_title = title.size > 0;
    key_index_prefetch(&catalog->track_index, keys->track);
    key_index_prefetch(&catalog->artist_index, keys->artist);
    key_index_prefetch(&catalog->title_index, keys->title);
    return 0;
}

/* A variant's track, by its words. */
static int put_track(struct catalog *catalog, const struct word_keys *keys, uint32_t variant,
                     struct err *err)
{
    uint32_t number;
    int is_new = key_index_put(&catalog->track_index, keys->track, &number, err);
    if (is_new < 0)
        return -1;
    catalog->variants[variant].track = number;
    if (is_new == 0)
        return 0;
    struct track track = {
        .artist_mbid = "", .variant = variant, .artist = CATALOG_NO_WORD, .title = CATALOG_NO_WORD};
    if ((keys->has_artist &&
         put_word(&catalog->artist_index, keys->artist, &catalog->artists,
                  &catalog->artist_capacity, variant, &track.artist, err) < 0) ||
        (keys->has_title && put_word(&catalog->title_index, keys->title, &catalog->titles,
                                     &catalog->title_capacity, variant, &track.title, err) < 0))
        return -1;
    if (number >= catalog->track_capacity &&
        room(&catalog->tracks, &catalog->track_capacity, (size_t)number + 1,
             sizeof *catalog->tracks, err) < 0)
        return -1;
    catalog->tracks[number] = track;
    return 0;
}

static int add_variant(struct catalog *catalog, struct slice artist, struct slice track,
                       uint32_t number, struct err *err)
{
    size_t needed = (size_t)number + 1;
    if (number >= catalog->variant_capacity && room(&catalog->variants, &catalog->variant_capacity,
                                                    needed, sizeof *catalog->variants, err) < 0)
        return -1;
    if (number >= catalog->uses_capacity &&
        room(&catalog->uses, &catalog->uses_capacity, needed, sizeof *catalog->uses, err) < 0)
        return -1;
    char *names = arena_alloc(&catalog->names, artist.size + track.size);
    if (!names)
        return err_set(err, ERR_MEMORY, "out of memory for %zu names", needed);
    memcpy(names, artist.data, artist.size);
    memcpy(names + artist.size, track.data, track.size);
    catalog->variants[number] = (struct variant){
        .names = names, .artist_size = (uint16_t)artist.size, .track_size = (uint16_t)track.size};
    catalog->uses[number] = (struct variant_uses){0};
    return 0;
}

static int add_mbid(struct catalog *catalog, struct slice mbid, uint32_t variant, struct err *err)
{
    if (room(&catalog->mbids, &catalog->mbid_capacity, catalog->mbid_count + 1,
             sizeof *catalog->mbids, err) < 0)
        return -1;
    char *copy = arena_copy(&catalog->names, mbid.data, mbid.size);
    if (!copy)
        return err_set(err, ERR_MEMORY, "out of memory for an MBID");
    catalog->mbids[catalog->mbid_count++] = (struct variant_mbid){copy, variant};
    catalog->uses[variant].has_mbid = true;
    return 0;
}

int catalog_put(struct catalog *catalog, struct index_key key, struct slice artist,
                struct slice track, uint32_t *number, struct err *err)
{
    int is_new = key_index_put(&catalog->variant_index, key, number, err);
    if (is_new < 0 || (is_new > 0 && add_variant(catalog, artist, track, *number, err) < 0))
        return -1;
    __builtin_prefetch(&catalog->uses[*number], 1);
    return 0;
}

int catalog_use(struct catalog *catalog, uint32_t number, struct slice artist_mbid, struct err *err)
{
    struct variant_uses *uses = &catalog->uses[number];
    uses->plays += uses->plays < UINT32_MAX;
    return artist_mbid.size > 0 && !uses->has_mbid ? add_mbid(catalog, artist_mbid, number, err)
                                                   : 0;
}

/* Variants become tracks. What a variant needs of the indexes is asked for some variants before it
 * is looked at, since each lies anywhere in a large table. */
static int find_tracks(struct catalog *catalog, struct err *err)
{
    enum { AHEAD = 16 };
    struct word_keys keys[AHEAD];
    uint32_t count = catalog->variant_index.count;
    for (size_t i = 0; i < (size_t)count + AHEAD; i++) {
        if (i >= AHEAD && put_track(catalog, &keys[i % AHEAD], (uint32_t)(i - AHEAD), err) < 0)
            return -1;
        if (i < count && find_words(catalog, &catalog->variants[i], &keys[i % AHEAD], err) < 0)
            return -1;
    }
    return 0;
}

/* The first MBID of a track stands, whichever of its variants brought it. */
static void give_mbids(struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->mbid_count; i++) {
        const struct variant_mbid *mbid = &catalog->mbids[i];
        struct track *track = &catalog->tracks[catalog->variants[mbid->variant].track];
        if (track->artist_mbid[0] == '\0')
            track->artist_mbid = mbid->text;
    }
}

int catalog_finish(struct catalog *catalog, struct err *err)
{
    key_index_close(&catalog->variant_index);
    if (find_tracks(catalog, err) < 0)
        return -1;
    key_index_close(&catalog->track_index);
    key_index_close(&catalog->artist_index);
    key_index_close(&catalog->title_index);
    give_mbids(catalog);
    for (uint32_t i = 0; i < catalog->variant_index.count; i++) {
        uint32_t *plays = &catalog->tracks[catalog->variants[i].track].plays;
        uint32_t more = catalog->uses[i].plays;
        *plays = *plays > UINT32_MAX - more ? UINT32_MAX : *plays + more;
    }
    free(catalog->mbids);
    free(catalog->uses);
    catalog->mbids = NULL;
    catalog->uses = NULL;
    return 0;
}
