#include "prepare/key_index.h"

#include <stdlib.h>
#include <string.h>

#include "core/big_alloc.h"

enum { FIRST_PLACES = 1024 };

static struct key_place *new_places(size_t count, struct err *err)
{
    struct key_place *places = big_alloc(count * sizeof *places, count >= 1 << 20);
    if (places)
        memset(places, 0, count * sizeof *places);
    else
        err_set(err, ERR_MEMORY, "out of memory for %zu names", count / 2);
    return places;
}

int key_index_init(struct key_index *index, struct err *err)
{
    *index = (struct key_index){.places = new_places(FIRST_PLACES, err), .mask = FIRST_PLACES - 1};
    return index->places ? 0 : -1;
}

void key_index_clear(struct key_index *index)
{
    free(index->places);
    *index = (struct key_index){0};
}

/* Where the key is, or would be. */
static struct key_place *find(struct key_place *places, size_t mask, struct index_key key)
{
    for (size_t at = key.high & mask;; at = (at + 1) & mask) {
        struct key_place *place = &places[at];
        if (place->low == 0 || (place->low == key.low && place->high == key.high))
            return place;
    }
}

static int grow(struct key_index *index, struct err *err)
{
    size_t count = 2 * (index->mask + 1);
    struct key_place *places = new_places(count, err);
    if (!places)
        return -1;
    for (size_t i = 0; i <= index->mask; i++) {
        const struct key_place *old = &index->places[i];
        if (old->low != 0)
            *find(places, count - 1, (struct index_key){old->high, old->low}) = *old;
    }
    free(index->places);
    index->places = places;
    index->mask = count - 1;
    return 0;
}

int key_index_put(struct key_index *index, struct index_key key, uint32_t *number, struct err *err)
{
    struct key_place *place = find(index->places, index->mask, key);
    if (place->low != 0) {
        *number = place->number;
        return 0;
    }
    if (index->count == UINT32_MAX - 1)
        return err_set(err, ERR_MEMORY, "more than %u names", UINT32_MAX - 1);
    if (2 * ((size_t)index->count + 1) > index->mask + 1) {
        if (grow(index, err) < 0)
            return -1;
        place = find(index->places, index->mask, key);
    }
    *place = (struct key_place){key.high, key.low, index->count};
    *number = index->count++;
    return 1;
}

bool key_index_find(const struct key_index *index, struct index_key key, uint32_t *number)
{
    const struct key_place *place = find(index->places, index->mask, key);
    *number = place->number;
    return place->low != 0;
}
