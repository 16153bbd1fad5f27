/* silhouette.h - how much better each point fits its own cluster than the next: (b - a) / max(a,
 * b), a its mean distance to the others of its cluster, b the least mean distance to another. Time
 * n^2, memory n. Source: P. J. Rousseeuw, 1987. */
#ifndef OUTRO_CLUSTER_SILHOUETTE_H
#define OUTRO_CLUSTER_SILHOUETTE_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/workers.h"

/** The same bits whatever the number of threads. @param points (n, d)  @param label (n) below k
 * @param out (n) of each point, 0 for one alone in its cluster, or where all others are empty; may
 * be NULL  @param mean of all  @return 0, or -1 with ERR_MEMORY */
int silhouette(const double *points, size_t n, size_t d, const uint32_t *label, uint32_t k,
               struct workers *workers, double *out, double *mean, struct err *err) MUST_CHECK;

#endif
