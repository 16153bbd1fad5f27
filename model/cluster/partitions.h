/* partitions.h - partitions beside each other: how alike two are, what one is worth, and random
 * ones of the same sizes, so that nobody takes noise for structure. Pure. */
#ifndef OUTRO_CLUSTER_PARTITIONS_H
#define OUTRO_CLUSTER_PARTITIONS_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

/** Adjusted Rand index: 1 for the same partition under any names, about 0 for unrelated ones.
 * @param a (n) below a_count  @param b (n) below b_count  @return 0, or -1 with ERR_MEMORY. Source:
 * L. Hubert and P. Arabie, 1985 */
int adjusted_rand_index(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count,
                        size_t n, double *out, struct err *err) MUST_CHECK;

/** Means of each cluster's points; of an empty one 0. @param centroids (k, d) */
void partition_centroids(const double *points, size_t n, size_t d, const uint32_t *label,
                         uint32_t k, double *centroids);

/** Sum of squared distances to the own cluster's mean. @param centroids (k, d) */
double partition_inertia(const double *points, size_t n, size_t d, const uint32_t *label,
                         const double *centroids);

/** A partition of the same sizes drawn at random: label, shuffled. @param number of the draw: each
 * is another, the same for the same seed  @param out (n) */
void partition_shuffle(const uint32_t *label, size_t n, uint64_t seed, uint64_t number,
                       uint32_t *out);

#endif
