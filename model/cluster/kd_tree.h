/* kd_tree.h - the exact nearest points of a point, by squared Euclidean distance; equally near ones
 * by their number, so that the answer is one. Read-only once made: any thread may ask. Source: J.
 * H. Friedman, J. L. Bentley, R. A. Finkel, An Algorithm for Finding Best Matches in Logarithmic
 * Expected Time, 1977; distances to cells kept along the way, S. Arya and D. M. Mount, 1993. */
#ifndef OUTRO_CLUSTER_KD_TREE_H
#define OUTRO_CLUSTER_KD_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define KD_DIMENSIONS_MAX 256 /* as many as there can be clusters, whose embedding is searched */

struct kd_tree;

struct kd_neighbour {
    double distance2;
    uint32_t point; /* number, row of points */
};

/** @param points (n, d) finite, copied  @param n > 0  @param d 1 .. KD_DIMENSIONS_MAX  @return new
 * tree, or NULL with ERR_MEMORY */
struct kd_tree *kd_tree_new(const double *points, size_t n, size_t d, struct err *err) MUST_CHECK;
void kd_tree_free(struct kd_tree *tree); /* NULL is fine */

/** The points nearest to query, the nearest first. @param query (d)  @param out (most)  @return how
 * many: the smaller of most and n */
size_t kd_tree_nearest(const struct kd_tree *tree, const double *query, size_t most,
                       struct kd_neighbour *out);

/** (n) numbers of the points in the order of the leaves: neighbours stand close to each other.
 * Borrowed. */
const uint32_t *kd_tree_order(const struct kd_tree *tree);

#endif
