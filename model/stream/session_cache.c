#include "stream/session_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "core/big_alloc.h"

#define BLOCKS_LEAST    256
#define USERS_PER_BLOCK 10

struct session_cache {
    uint32_t window, dense;
    size_t block_bytes;
    struct session_block **block; /* (blocks), in the order they were made */
    size_t blocks, capacity;
    size_t hand; /* of the clock: a block's place */
    /* Memory comes in slabs, each an eighth of what there is, up to a huge page. */
    char **slab;
    size_t slabs, slab_capacity, slab_bytes; /* slab_bytes: of all */
    char *free_at, *free_end;                /* what the last one has left */
    struct session_block *free_first, *free_last;
};

struct session_cache *session_cache_new(uint32_t window, uint32_t dense)
{
    struct session_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->window = window;
    cache->dense = dense;
    cache->block_bytes = sizeof(struct session_block) + ((km_size_bytes(window) + 7) & ~(size_t)7) +
                         dense * sizeof(float);
    cache->block_bytes = (cache->block_bytes + 63) & ~(size_t)63;
    assert(16 * cache->block_bytes <= BIG_PAGE_BYTES);
    return cache;
}

void session_cache_free(struct session_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->blocks; i++) {
        if (cache->block[i]->owner)
            *cache->block[i]->owner = NULL;
    }
    for (size_t i = 0; i < cache->slabs; i++)
        free(cache->slab[i]);
    free((void *)cache->slab);
    free((void *)cache->block);
    free(cache);
}

static int add_slab(struct session_cache *cache)
{
    size_t size = cache->slab_bytes / 8;
    size = size < 16 * cache->block_bytes ? 16 * cache->block_bytes : size;
    size = size > BIG_PAGE_BYTES ? BIG_PAGE_BYTES : size;
    void *slab = array_grow((void *)cache->slab, &cache->slab_capacity, cache->slabs + 1,
                            sizeof *cache->slab);
    if (!slab)
        return -1;
    cache->slab = slab;
    char *memory = size == BIG_PAGE_BYTES ? big_alloc(size, true) : malloc(size);
    if (!memory)
        return -1;
    cache->slab[cache->slabs++] = memory;
    cache->slab_bytes += size;
    cache->free_at = memory;
    cache->free_end = memory + size;
    return 0;
}

static struct session_block *new_block(struct session_cache *cache)
{
    void *pointers =
        array_grow((void *)cache->block, &cache->capacity, cache->blocks + 1, sizeof *cache->block);
    if (!pointers)
        return NULL;
    cache->block = pointers;
    if ((size_t)(cache->free_end - cache->free_at) < cache->block_bytes && add_slab(cache) < 0)
        return NULL;
    struct session_block *block = (struct session_block *)(void *)cache->free_at;
    cache->free_at += cache->block_bytes;
    cache->block[cache->blocks++] = block;
    memset(block, 0, sizeof *block);
    km_place(&block->km, block->memory, cache->window);
    if (cache->dense > 0)
        block->base =
            (float *)((char *)block->memory + ((km_size_bytes(cache->window) + 7) & ~(size_t)7));
    return block;
}

/* Freed blocks come back in the order they were freed, so that the batch has long been flushed as a
 * rule. */
static struct session_block *take_free(struct session_cache *cache, uint32_t batch)
{
    struct session_block *block = cache->free_first;
    if (!block || block->batch == batch)
        return NULL;
    cache->free_first = block->next_free;
    if (!cache->free_first)
        cache->free_last = NULL;
    block->next_free = NULL;
    return block;
}

/* The first block behind the hand that is nobody's hurry, within two turns. */
static struct session_block *evict(struct session_cache *cache, uint32_t batch)
{
    for (size_t i = 0; i < 2 * cache->blocks; i++) {
        struct session_block *block = cache->block[cache->hand];
        cache->hand = cache->hand + 1 == cache->blocks ? 0 : cache->hand + 1;
        if (!block->owner || block->batch == batch)
            continue;
        if (!block->recent) {
            *block->owner = NULL;
            return block;
        }
        block->recent = false;
    }
    return NULL;
}

struct session_block *session_cache_take(struct session_cache *cache, struct session_block **owner,
                                         size_t users, uint32_t batch)
{
    assert(!*owner);
    size_t most = users / USERS_PER_BLOCK > BLOCKS_LEAST ? users / USERS_PER_BLOCK : BLOCKS_LEAST;
    struct session_block *block = take_free(cache, batch);
    if (!block && cache->blocks >= most)
        block = evict(cache, batch);
    if (!block)
        block = new_block(cache);
    if (!block)
        return NULL;
    block->owner = owner;
    *owner = block;
    session_cache_touch(block, batch);
    return block;
}

void session_cache_give(struct session_cache *cache, struct session_block *block)
{
    *block->owner = NULL;
    block->owner = NULL;
    *(cache->free_last ? &cache->free_last->next_free : &cache->free_first) = block;
    cache->free_last = block;
    block->next_free = NULL;
}

size_t session_cache_bytes(const struct session_cache *cache)
{
    return sizeof *cache + cache->slab_bytes +
           (cache->capacity + cache->slab_capacity) * sizeof(void *);
}
