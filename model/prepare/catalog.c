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

/* A track's number by the words of its names. */
static int put_track(struct catalog *catalog, const struct scrobble *row, uint32_t variant,
                     uint32_t *number, struct err *err)
{
    struct slice artist, title;
    if (word_of(row->artist, &catalog->artist_word, &artist, err) < 0 ||
        word_of(row->track, &catalog->track_word, &title, err) < 0)
        return -1;
    struct index_key artist_key = index_key_of(artist);
    int is_new =
        key_index_put(&catalog->track_index, index_key_add(artist_key, title), number, err);
    if (is_new <= 0)
        return is_new;
    struct track track = {
        .artist_mbid = "", .variant = variant, .artist = CATALOG_NO_WORD, .title = CATALOG_NO_WORD};
    if ((artist.size > 0 && put_word(&catalog->artist_index, artist_key, &catalog->artists,
                                     &catalog->artist_capacity, variant, &track.artist, err) < 0) ||
        (title.size > 0 && put_word(&catalog->title_index, index_key_of(title), &catalog->titles,
                                    &catalog->title_capacity, variant, &track.title, err) < 0))
        return -1;
    if (*number >= catalog->track_capacity &&
        room(&catalog->tracks, &catalog->track_capacity, (size_t)*number + 1,
             sizeof *catalog->tracks, err) < 0)
        return -1;
    catalog->tracks[*number] = track;
    return 0;
}

static int add_variant(struct catalog *catalog, const struct scrobble *row, uint32_t number,
                       struct err *err)
{
    size_t needed = (size_t)number + 1;
    if (number >= catalog->variant_capacity && room(&catalog->variants, &catalog->variant_capacity,
                                                    needed, sizeof *catalog->variants, err) < 0)
        return -1;
    if (number >= catalog->uses_capacity &&
        room(&catalog->uses, &catalog->uses_capacity, needed, sizeof *catalog->uses, err) < 0)
        return -1;
    char *names = arena_alloc(&catalog->names, row->artist.size + row->track.size);
    if (!names)
        return err_set(err, ERR_MEMORY, "out of memory for %zu names", needed);
    memcpy(names, row->artist.data, row->artist.size);
    memcpy(names + row->artist.size, row->track.data, row->track.size);
    struct variant variant = {.names = names,
                              .artist_size = (uint16_t)row->artist.size,
                              .track_size = (uint16_t)row->track.size};
    if (put_track(catalog, row, number, &variant.track, err) < 0)
        return -1;
    catalog->variants[number] = variant;
    catalog->uses[number] = (struct variant_uses){0};
    return 0;
}

/* The first MBID of a track stands, whichever of its variants brings it. */
static int take_mbid(struct catalog *catalog, struct slice mbid, uint32_t variant, struct err *err)
{
    struct track *track = &catalog->tracks[catalog->variants[variant].track];
    catalog->uses[variant].has_mbid = true;
    if (track->artist_mbid[0] != '\0')
        return 0;
    char *copy = arena_copy(&catalog->names, mbid.data, mbid.size);
    if (!copy)
        return err_set(err, ERR_MEMORY, "out of memory for an MBID");
    track->artist_mbid = copy;
    return 0;
}

int catalog_put(struct catalog *catalog, struct index_key key, const struct scrobble *row,
                uint32_t *number, struct err *err)
{
    int is_new = key_index_put(&catalog->variant_index, key, number, err);
    if (is_new < 0 || (is_new > 0 && add_variant(catalog, row, *number, err) < 0))
        return -1;
    __builtin_prefetch(&catalog->uses[*number], 1);
    return 0;
}

int catalog_use(struct catalog *catalog, uint32_t number, struct slice artist_mbid, struct err *err)
{
    struct variant_uses *uses = &catalog->uses[number];
    uses->plays += uses->plays < UINT32_MAX;
    return artist_mbid.size > 0 && !uses->has_mbid ? take_mbid(catalog, artist_mbid, number, err)
                                                   : 0;
}

void catalog_finish(struct catalog *catalog)
{
    for (uint32_t i = 0; i < catalog->variant_index.count; i++) {
        uint32_t *plays = &catalog->tracks[catalog->variants[i].track].plays;
        uint32_t more = catalog->uses[i].plays;
        *plays = *plays > UINT32_MAX - more ? UINT32_MAX : *plays + more;
    }
}
