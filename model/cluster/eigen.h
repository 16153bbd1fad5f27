/* eigen.h - eigenvectors of symmetric matrices: all of a small one, the first few of a large one
 * that is known only by what it does. Sources: LAPACK's dsyevr; Chebyshev-filtered subspace
 * iteration, Y. Zhou, Y. Saad, M. L. Tiago, J. R. Chelikowsky, 2006. */
#ifndef OUTRO_CLUSTER_EIGEN_H
#define OUTRO_CLUSTER_EIGEN_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/workers.h"

/* Vectors of a block, side by side in each row: a cache line. */
#define EIGEN_BLOCK 8

/** The `most` largest eigenvalues, falling, and their vectors. @param matrix (n, n) destroyed
 * @param vectors (most, n), each a row of length 1  @return 0, or -1: ERR_MEMORY, ERR_CHECK (LAPACK
 * did not converge) */
int eigen_dense(double *matrix, size_t n, size_t most, double *values, double *vectors,
                struct err *err) MUST_CHECK;

/* A symmetric matrix with eigenvalues in -1 .. 1. */
struct eigen_operator {
    const void *ctx;
    size_t n;
    /* y = matrix x for a block: x, y (n, EIGEN_BLOCK). Called by several threads at once. */
    void (*apply)(const void *ctx, const double *x, double *y);
};

/** The `most` largest eigenvalues below those of known vectors, falling, and their vectors.
 *  @param known (known_count, n) orthonormal eigenvectors that are found already
 * @param most below n - known_count
 *  @param vectors (most, n)  @return 0, or -1: ERR_MEMORY, ERR_CHECK (did not converge) */
int eigen_largest(const struct eigen_operator *matrix, const double *known, size_t known_count,
                  size_t most, uint64_t seed, struct workers *workers, double *values,
                  double *vectors, struct err *err) MUST_CHECK;

#endif
