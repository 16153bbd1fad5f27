/* kernel_km.h - the base that needs no training: the conditional distribution of the user's own
 * past lengths, weighted by hour, weekend, recency and gap (kernel KM), or not weighted (KM
 * running), with a pool behind it. Formulas: model/PREDICTOR.md. Lengths are whole milliseconds,
 * weights double. Pure; built in O(W) once a session; asked in O(log W) at most, and in O(1) as a
 * rule, since the elapsed time of a session only grows and each answer is looked for where the last
 * one was. */
#ifndef OUTRO_STREAM_KERNEL_KM_H
#define OUTRO_STREAM_KERNEL_KM_H

#include <stddef.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "core/prediction.h"
#include "stream/history.h"

#define KERNEL_POOL_WEIGHT  1.5  /* of the whole pool */
#define RUNNING_POOL_WEIGHT 10.0 /* the same, where each past session weighs 1 */
#define WINDOW_MAX          4096

struct km_pool {
    uint32_t ms[POOL_VALUES]; /* ascending */
};

struct km_value {
    float cumulated; /* kernel weight of the values up to this one: summed in double, kept in half
                      * the room, for what is open is most of what is in use */
    uint32_t length_ms; /* ascending */
};

struct km {
    uint32_t count;         /* past sessions in it, at most W */
    struct km_value *value; /* (count), the owner's, as is pool_le */
    uint16_t *pool_le;      /* (count) pool values <= that length */
    /* where the last answers were found */
    uint32_t below, pool_below, kernel_at[QUANTILES], running_at[QUANTILES];
};

/** Bytes for the arrays of at most window past sessions, and their places in them (8-aligned). */
size_t km_size_bytes(uint32_t window);
void km_place(struct km *km, void *memory, uint32_t window);

/** Builds the distribution for a session that starts at start_ms, gap_s after the last start of the
 * one before. @param km with arrays in place
 *  @param past (count) oldest first, the last of them of age 0; at most WINDOW_MAX */
void km_build(struct km *km, const struct km_pool *pool, const struct past_session *past,
              size_t count, int64_t start_ms, double gap_s);

/** For values that are ascending already and shall weigh the same (KM static): fills count and
 * pool_le, so that km_running can be asked. */
void km_index_pool(struct km *km, const struct km_pool *pool, uint32_t count);

/** Remaining seconds at .1 .5 .9 given elapsed; 0, 1200, 6000 past every value. Any order of
 * elapsed times gives the same answers; an ascending one gives them fast. */
void km_kernel(struct km *km, const struct km_pool *pool, int64_t elapsed_ms,
               double out[QUANTILES]);
/** The same with all past sessions weighing 1 and the pool 10. */
void km_running(struct km *km, const struct km_pool *pool, int64_t elapsed_ms,
                double out[QUANTILES]);

#endif
