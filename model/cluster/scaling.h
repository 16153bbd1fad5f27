/* scaling.h - columns on one scale, and points seen from where they spread most. Pure. */
#ifndef OUTRO_CLUSTER_SCALING_H
#define OUTRO_CLUSTER_SCALING_H

#include <stddef.h>

#include "core/err.h"

/** Mean and population standard deviation of each column; 1 for a column whose values are all
 * equal. @param points (n, d)  @param mean, scale (d) */
void scaling_fit(const double *points, size_t n, size_t d, double *mean, double *scale);

/** points = (points - mean) / scale */
void scaling_apply(double *points, size_t n, size_t d, const double *mean, const double *scale);

/** The first two principal components of the points, for pictures. Each direction's largest entry
 * by magnitude is positive. @param out (n, 2); the second column is 0 when d is 1  @param share (2)
 * of the variance in each; 0 when there is none  @return 0, or -1 with ERR_MEMORY */
int principal_components(const double *points, size_t n, size_t d, double *out, double *share,
                         struct err *err) MUST_CHECK;

#endif
