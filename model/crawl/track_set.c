#include "crawl/track_set.h"

#include <assert.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/array.h"
#include "data/durations.h"
#include "data/key_table.h"

enum { BLOCK_BYTES = 256 * 1024 };

struct track_set {
    struct arena names;
    struct track_name *tracks; /* (capacity) */
    size_t count, capacity;
    struct key_table *places; /* index + 1 by the key that durations are joined on */
};

struct track_set *track_set_new(struct err *err)
{
    struct track_set *set = calloc(1, sizeof *set);
    if (!set) {
        err_set(err, ERR_MEMORY, "out of memory for tracks");
        return NULL;
    }
    arena_init(&set->names, BLOCK_BYTES);
    set->places = key_table_new(err);
    if (!set->places) {
        free(set);
        return NULL;
    }
    return set;
}

void track_set_free(struct track_set *set)
{
    if (!set)
        return;
    key_table_free(set->places);
    arena_clear(&set->names);
    free(set->tracks);
    free(set);
}

int track_set_add(struct track_set *set, struct slice artist, struct slice track, struct err *err)
{
    struct table_key key = durations_key(artist, track);
    if (key_table_get(set->places, key) != 0)
        return 0;
    if (set->count == UINT32_MAX - 1)
        return err_set(err, ERR_MEMORY, "more than %u tracks", UINT32_MAX - 1);
    struct track_name *tracks =
        array_grow(set->tracks, &set->capacity, set->count + 1, sizeof *tracks);
    if (!tracks)
        return err_set(err, ERR_MEMORY, "out of memory for %zu tracks", set->count + 1);
    set->tracks = tracks;
    const char *artist_copy = arena_copy(&set->names, artist.data, artist.size);
    const char *track_copy = arena_copy(&set->names, track.data, track.size);
    if (!artist_copy || !track_copy)
        return err_set(err, ERR_MEMORY, "out of memory for %zu tracks", set->count + 1);
    tracks[set->count] = (struct track_name){{artist_copy, artist.size}, {track_copy, track.size}};
    set->count++;
    return key_table_set(set->places, key, (uint32_t)set->count, err);
}

uint32_t track_set_count(const struct track_set *set)
{
    return (uint32_t)set->count;
}

struct track_name track_set_get(const struct track_set *set, uint32_t index)
{
    assert(index < set->count);
    return set->tracks[index];
}

bool track_set_find(const struct track_set *set, struct slice artist, struct slice track,
                    uint32_t *index)
{
    uint32_t place = key_table_get(set->places, durations_key(artist, track));
    if (place == 0)
        return false;
    *index = place - 1;
    return true;
}
