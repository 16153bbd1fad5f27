/* kernel_km.h - the base that needs no training: the conditional distribution of the user's own
 * past lengths, weighted by hour, weekend, recency and gap (kernel KM), or not weighted (KM
 * running), with a pool behind it. MODEL.md "Kernel KM". Lengths are whole milliseconds, weights
 * double. Pure; building is O(W log W) once a session, asking O(log W). */
#ifndef OUTRO_STREAM_KERNEL_KM_H
#define OUTRO_STREAM_KERNEL_KM_H

#include <stddef.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "core/prediction.h"
#include "stream/history.h"

#define KERNEL_POOL_WEIGHT  1.5  /* of the whole pool */
#define RUNNING_POOL_WEIGHT 10.0 /* the same, where each past session weighs 1 */

struct km_pool {
    uint32_t ms[POOL_VALUES]; /* ascending */
};

/* Lengths ascending, with the weights cumulated; arrays are the owner's (km_size_bytes). */
struct km {
    uint32_t count;      /* past sessions in it, at most W */
    double *cumulated;   /* (count): kernel weight of values 0 .. j */
    uint32_t *length_ms; /* (count) ascending */
    uint16_t *pool_le;   /* (count): pool values <= length_ms[j] */
};

/** Bytes for the arrays of a km of at most window sessions, and where they go in memory
 * (8-aligned). */
size_t km_size_bytes(uint32_t window);
void km_place(struct km *km, void *memory, uint32_t window);

/** Builds the distribution for a session that starts at start_ms, gap_s after the last start of the
 * one before.
 *  @param past (count) oldest first, the last of them of age 0 */
void km_build(struct km *km, const struct km_pool *pool, const struct past_session *past,
              size_t count, int64_t start_ms, double gap_s);

/** For a km of lengths that are ascending already and shall weigh the same (KM static): fills count
 * and pool_le, so that km_running can be asked. */
void km_index_pool(struct km *km, const struct km_pool *pool, uint32_t count);

/** Remaining seconds at .1 .5 .9 given elapsed; 0, 1200, 6000 past every value. */
void km_kernel(const struct km *km, const struct km_pool *pool, int64_t elapsed_ms,
               double out[QUANTILES]);
/** The same with all past sessions weighing 1 and the pool 10. */
void km_running(const struct km *km, const struct km_pool *pool, int64_t elapsed_ms,
                double out[QUANTILES]);

#endif
