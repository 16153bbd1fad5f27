/* neighbour_graph.h - who is near to whom: each point joined to its nearest neighbours, itself
 * counted among them, with weight 1/2 from each side. What spectral clustering cuts. Points are
 * numbered in the order of a k-d tree here, so that neighbours lie close in memory. */
#ifndef OUTRO_CLUSTER_NEIGHBOUR_GRAPH_H
#define OUTRO_CLUSTER_NEIGHBOUR_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/workers.h"

#define GRAPH_NEIGHBOURS 10 /* of a point, itself included */

struct neighbour_graph {
    size_t n;
    uint32_t *order; /* (n) row of the points that stands at each place */
    size_t *begin;   /* (n + 1) of its edges */
    uint32_t *to;    /* (edges) both ways, none to itself */
    double *weight;  /* (edges) w_ij / sqrt(degree_i degree_j), w 1 or 1/2: the matrix whose largest
                        eigenvectors are the normalised Laplacian's smallest */
    double *root;    /* (n) sqrt of the degree; 1 for a point without edges */
    uint32_t *part;  /* (n) connected component, 0 the largest */
    size_t parts;
    size_t *part_size; /* (parts) falling */
};

/** @param points (n, d) finite  @return 0, or -1 with ERR_MEMORY, nothing to release */
int neighbour_graph_init(struct neighbour_graph *graph, const double *points, size_t n, size_t d,
                         struct workers *workers, struct err *err) MUST_CHECK;
void neighbour_graph_release(struct neighbour_graph *graph);

/** y = (matrix of weights) x, for a block of EIGEN_BLOCK vectors (eigen.h). @param graph a struct
 * neighbour_graph */
void neighbour_graph_apply(const void *graph, const double *x, double *y);

#endif
