/* embedding.h - points as their graph sees them: the smallest eigenvectors of the normalised
 * Laplacian of the nearest-neighbour graph, where k-means finds clusters of any form. As
 * scikit-learn does it (assign_labels "kmeans", affinity "nearest_neighbors"). Source: U. von
 * Luxburg, A Tutorial on Spectral Clustering, 2007. */
#ifndef OUTRO_CLUSTER_EMBEDDING_H
#define OUTRO_CLUSTER_EMBEDDING_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/workers.h"

struct embedding {
    size_t n, most;
    double *map;  /* (n, most) owned: an eigenvector a column, the smallest first, each row divided
                     by the root of the point's degree, each column's largest entry by magnitude
                     positive; fewer columns are the first of these */
    size_t parts; /* connected components of the graph. As many eigenvalues are 0: their vectors are
                     taken as one a component, the largest first */
};

/** @param points (n, d)  @param most 1 .. n  @return 0, or -1: ERR_MEMORY, ERR_CHECK (eigen.h),
 * nothing to release */
int embedding_init(struct embedding *out, const double *points, size_t n, size_t d, size_t most,
                   uint64_t seed, struct workers *workers, struct err *err) MUST_CHECK;
void embedding_release(struct embedding *embedding);

#endif
