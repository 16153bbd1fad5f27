/* kmeans.h - k-means: greedy k-means++ starts, Lloyd's iterations with bounds that spare most
 * distances, the best of several starts, swaps out of local minima.
 * The same seed gives the same bits, whatever the number of
 * threads. Sources: D. Arthur and S. Vassilvitskii, k-means++: The Advantages of Careful Seeding,
 * 2007 (greedy: of 2 + ln k candidates the one that lowers the potential most); S. P. Lloyd, 1982;
 * G. Hamerly, Making k-means Even Faster, 2010. */
#ifndef OUTRO_CLUSTER_KMEANS_H
#define OUTRO_CLUSTER_KMEANS_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/workers.h"

struct kmeans_options {
    uint32_t starts;     /* the best of them is kept; 10 */
    uint32_t iterations; /* at most; 300 */
    double tolerance;    /* stop when the centres' summed squared shift is at most this part of the
                            columns' mean variance; 1e-4 */
    uint32_t improved;   /* at least so many of the best starts, by swaps; 2 */
    uint32_t swaps;      /* in a row that do not help, before a start is left; 4 */
    uint32_t candidates; /* places of which the best is tried; 8 */
    uint64_t seed;
};

#define KMEANS_DEFAULTS                                                                            \
    ((struct kmeans_options){.starts = 10,                                                         \
                             .iterations = 300,                                                    \
                             .tolerance = 1e-4,                                                    \
                             .improved = 2,                                                        \
                             .swaps = 4,                                                           \
                             .candidates = 8,                                                      \
                             .seed = 1})

struct kmeans_result {
    uint32_t k;
    double *centroids;   /* (k, d), owned */
    uint32_t *label;     /* (n), of the nearest centroid, owned */
    double inertia;      /* sum of squared distances to it */
    uint32_t iterations; /* of the best start */
};

/** All of k[], in one pass over the workers. @param points (n, d) finite, borrowed  @param k each 1
 * .. n  @param out (count); release each on success  @return 0, or -1 with ERR_MEMORY */
int kmeans_run(const double *points, size_t n, size_t d, const uint32_t *k, size_t count,
               const struct kmeans_options *options, struct workers *workers,
               struct kmeans_result *out, struct err *err) MUST_CHECK;
void kmeans_release(struct kmeans_result *result);

#endif
