#include "prepare/key_index.h"

#include <stdlib.h>

#include "core/big_alloc.h"

enum { FIRST_BITS = 10 };

static struct key_place *new_places(unsigned bits, struct err *err)
{
    struct key_place *places = big_zeros(sizeof *places << bits);
    if (!places)
        err_set(err, ERR_MEMORY, "out of memory for %zu names", (size_t)1 << (bits - 1));
    return places;
}

int key_index_init(struct key_index *index, struct err *err)
{
    *index = (struct key_index){.places = new_places(FIRST_BITS, err), .bits = FIRST_BITS};
    return index->places ? 0 : -1;
}

void key_index_clear(struct key_index *index)
{
    free(index->places);
    *index = (struct key_index){0};
}

void key_index_close(struct key_index *index)
{
    free(index->places);
    index->places = NULL;
}

/* Where the key is, or would be. */
static struct key_place *find(struct key_place *places, unsigned bits, struct index_key key)
{
    const size_t mask = ((size_t)1 << bits) - 1;
    for (size_t at = key.high >> (64 - bits);; at = (at + 1) & mask) {
        struct key_place *place = &places[at];
        if (place->low == 0 || (place->low == key.low && place->high == key.high))
            return place;
    }
}

/* Places stand in the order of their keys' first bits, so both tables are gone through from front
 * to back and not at random. */
static int grow(struct key_index *index, struct err *err)
{
    unsigned bits = index->bits + 1;
    struct key_place *places = new_places(bits, err);
    if (!places)
        return -1;
    for (size_t i = 0; i < (size_t)1 << index->bits; i++) {
        const struct key_place *old = &index->places[i];
        if (old->low != 0)
            *find(places, bits, (struct index_key){old->high, old->low}) = *old;
    }
    free(index->places);
    index->places = places;
    index->bits = bits;
    return 0;
}

int key_index_put(struct key_index *index, struct index_key key, uint32_t *number, struct err *err)
{
    struct key_place *place = find(index->places, index->bits, key);
    if (place->low != 0) {
        *number = place->number;
        return 0;
    }
    if (index->count == UINT32_MAX - 1)
        return err_set(err, ERR_MEMORY, "more than %u names", UINT32_MAX - 1);
    if (2 * ((size_t)index->count + 1) > (size_t)1 << index->bits) {
        if (grow(index, err) < 0)
            return -1;
        place = find(index->places, index->bits, key);
    }
    *place = (struct key_place){key.high, key.low, index->count};
    *number = index->count++;
    return 1;
}

bool key_index_find(const struct key_index *index, struct index_key key, uint32_t *number)
{
    const struct key_place *place = find(index->places, index->bits, key);
    *number = place->number;
    return place->low != 0;
}
