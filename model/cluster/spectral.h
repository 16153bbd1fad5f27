/* spectral.h - spectral clustering: k-means on the embedding of the nearest-neighbour graph. */
#ifndef OUTRO_CLUSTER_SPECTRAL_H
#define OUTRO_CLUSTER_SPECTRAL_H

#include "cluster/kmeans.h"

struct spectral_result {
    uint32_t k;
    uint32_t *label; /* (n), owned */
};

/** All of k[], from one embedding. @param points (n, d)  @param k each 1 .. n  @param parts
 * connected components of the graph: more than k[] cannot be told apart by k clusters, and a k
 * below it says so  @param out (count); release each on success  @return 0, or -1: ERR_MEMORY,
 * ERR_CHECK */
int spectral_run(const double *points, size_t n, size_t d, const uint32_t *k, size_t count,
                 const struct kmeans_options *options, struct workers *workers, size_t *parts,
                 struct spectral_result *out, struct err *err) MUST_CHECK;
void spectral_release(struct spectral_result *result);

#endif
