/* key_index.h - dense numbers 0, 1, 2, ... by 64 bits of hash and the sizes of the names: wide
 * enough that two of some millions of names are never taken for one. Open addressing, 16 bytes a
 * place, at most half full. Not thread-safe. */
#ifndef OUTRO_PREPARE_KEY_INDEX_H
#define OUTRO_PREPARE_KEY_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/hash.h"
#include "core/scrobble.h"

struct index_key {
    uint64_t high;
    uint32_t low; /* never 0 */
};

struct key_place {
    uint64_t high;
    uint32_t low; /* 0: free */
    uint32_t number;
};

struct key_index {
    struct key_place *places;
    unsigned bits; /* 2^bits places; a key belongs to the one that its first bits say */
    uint32_t count;
};

/** Of a name, or with the result's parts of several, one behind the other. */
static inline struct index_key index_key_add(struct index_key key, struct slice text)
{
    key.high = hash_bytes(text.data, text.size, key.high);
    key.low = key.low << 16 | ((uint32_t)text.size & 0x7fff) << 1 | 1;
    return key;
}

static inline struct index_key index_key_of(struct slice text)
{
    return index_key_add((struct index_key){0, 1}, text);
}

/** Caller's memory. @return 0, -1 with ERR_MEMORY */
int key_index_init(struct key_index *index, struct err *err) MUST_CHECK;
void key_index_clear(struct key_index *index);
/** No key is put or looked for any more: only the count stays. */
void key_index_close(struct key_index *index);

/** The key's number; a key that is not known yet gets the next one, index->count as it was.
 *  @return 1 for a new key, 0 for a known one, -1 with ERR_MEMORY (more than 2^32 - 2 keys, too) */
int key_index_put(struct key_index *index, struct index_key key, uint32_t *number,
                  struct err *err) MUST_CHECK;

/** @return false when the key is not known */
bool key_index_find(const struct key_index *index, struct index_key key, uint32_t *number);

/** Brings the place of a key near before it is needed. */
static inline void key_index_prefetch(const struct key_index *index, struct index_key key)
{
    __builtin_prefetch(&index->places[key.high >> (64 - index->bits)]);
}

#endif
