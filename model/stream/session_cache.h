/* session_cache.h - prepared sessions: for each session that is going on, what does not change
 * within it (the kernel KM's sorted lengths and weights, the start features, the head's first
 * layer). All of it can be made again from the user's record, so the cache is bounded: one block
 * for every tenth user and at least 256; a session that has been silent lately makes room (CLOCK,
 * Corbato 1968: no list to keep in order, since that would touch two more blocks an event). */
#ifndef OUTRO_STREAM_SESSION_CACHE_H
#define OUTRO_STREAM_SESSION_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/predictor.h"
#include "stream/kernel_km.h"

struct session_block {
    struct session_block **owner; /* the slot's pointer to this block; NULL when free */
    struct session_block *next_free;
    uint32_t batch; /* micro-batch that last used it: not reused before that is flushed */
    bool recent;    /* used since the clock's hand came by */
    bool has_step;
    struct km km;
    float *base;             /* (dense), or NULL */
    float step[STEP_INPUTS]; /* of the session before */
    double start[START_FEATURES_MAX];
    max_align_t memory[];
};

struct session_cache;

struct session_cache *session_cache_new(uint32_t window,
                                        uint32_t dense); /* NULL when memory is out */
void session_cache_free(struct session_cache *cache);

/** A block for *owner, which is set to it. @param users of the store  @param batch the micro-batch
 * being filled
 *  @return NULL when memory is out */
struct session_block *session_cache_take(struct session_cache *cache, struct session_block **owner,
                                         size_t users, uint32_t batch);
/** Marks as used in batch. */
static inline void session_cache_touch(struct session_block *block, uint32_t batch)
{
    block->batch = batch;
    block->recent = true;
}
/** The session is over; *owner becomes NULL. What waits in the batch may still read the block. */
void session_cache_give(struct session_cache *cache, struct session_block *block);
size_t session_cache_bytes(const struct session_cache *cache);

#endif
