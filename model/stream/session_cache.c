#include "stream/session_cache.h"

#include <assert.h>
#include <stdlib.h>

#define BLOCKS_LEAST    256
#define USERS_PER_BLOCK 8

struct session_cache {
    uint32_t window, dense;
    size_t block_bytes, blocks;
    struct session_block *oldest, *newest; /* blocks in use, by last use */
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
    cache->block_bytes = (cache->block_bytes + 15) & ~(size_t)15;
    return cache;
}

static void free_chain(struct session_block *block, bool in_use)
{
    while (block) {
        struct session_block *next = in_use ? block->newer : block->next_free;
        if (block->owner)
            *block->owner = NULL;
        free(block);
        block = next;
    }
}

void session_cache_free(struct session_cache *cache)
{
    if (!cache)
        return;
    free_chain(cache->oldest, true);
    free_chain(cache->free_first, false);
    free(cache);
}

static void unlink_block(struct session_cache *cache, struct session_block *block)
{
    *(block->older ? &block->older->newer : &cache->oldest) = block->newer;
    *(block->newer ? &block->newer->older : &cache->newest) = block->older;
    block->older = block->newer = NULL;
}

static void link_newest(struct session_cache *cache, struct session_block *block)
{
    block->older = cache->newest;
    block->newer = NULL;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = block;
    cache->newest = block;
}

static struct session_block *new_block(struct session_cache *cache)
{
    struct session_block *block = calloc(1, cache->block_bytes);
    if (!block)
        return NULL;
    km_place(&block->km, block->memory, cache->window);
    if (cache->dense > 0)
        block->base =
            (float *)((char *)block->memory + ((km_size_bytes(cache->window) + 7) & ~(size_t)7));
    cache->blocks++;
    return block;
}

/* Blocks are freed and reused in the order of their last use, so if the first one is still waited
 * for by the batch being filled, all are. */
static struct session_block *pick(struct session_cache *cache, size_t users, uint32_t batch)
{
    struct session_block *block = cache->free_first;
    if (block && block->batch != batch) {
        cache->free_first = block->next_free;
        if (!cache->free_first)
            cache->free_last = NULL;
        block->next_free = NULL;
        return block;
    }
    block = cache->oldest;
    size_t most = users / USERS_PER_BLOCK > BLOCKS_LEAST ? users / USERS_PER_BLOCK : BLOCKS_LEAST;
    if (block && cache->blocks >= most && block->batch != batch) {
        unlink_block(cache, block);
        *block->owner = NULL;
        return block;
    }
    return new_block(cache);
}

struct session_block *session_cache_take(struct session_cache *cache, struct session_block **owner,
                                         size_t users, uint32_t batch)
{
    assert(!*owner);
    struct session_block *block = pick(cache, users, batch);
    if (!block)
        return NULL;
    block->owner = owner;
    block->batch = batch;
    *owner = block;
    link_newest(cache, block);
    return block;
}

void session_cache_touch(struct session_cache *cache, struct session_block *block, uint32_t batch)
{
    if (block->batch == batch)
        return;
    block->batch = batch;
    unlink_block(cache, block);
    link_newest(cache, block);
}

void session_cache_give(struct session_cache *cache, struct session_block *block)
{
    unlink_block(cache, block);
    *block->owner = NULL;
    block->owner = NULL;
    *(cache->free_last ? &cache->free_last->next_free : &cache->free_first) = block;
    cache->free_last = block;
    block->next_free = NULL;
}

size_t session_cache_bytes(const struct session_cache *cache)
{
    return sizeof *cache + cache->blocks * cache->block_bytes;
}
