/* tensor.h - products of row-major matrices, the base of training. The only door to BLAS: cblas.h
 * pulls in <complex.h>, whose macros break innocent code, so tensor.c alone includes it. A matrix
 * is a pointer to its first number and the distance between its rows ("stride", >= columns).
 * Serving does not come here: BLAS sums a row differently in batches of different size (kernels.h).
 */
#ifndef OUTRO_NN_TENSOR_H
#define OUTRO_NN_TENSOR_H

#include <stddef.h>

#include "nn/real.h"

struct matrix {
    real *data; /* borrowed */
    size_t rows, columns, stride;
};

/* The same, only read. */
struct const_matrix {
    const real *data; /* borrowed */
    size_t rows, columns, stride;
};

/** A matrix without gaps. */
static inline struct matrix matrix_of(real *data, size_t rows, size_t columns)
{
    return (struct matrix){data, rows, columns, columns};
}

static inline struct const_matrix const_matrix_of(const real *data, size_t rows, size_t columns)
{
    return (struct const_matrix){data, rows, columns, columns};
}

/** Columns first .. first + columns - 1 of a. */
static inline struct matrix matrix_columns(struct matrix a, size_t first, size_t columns)
{
    return (struct matrix){a.data + first, a.rows, columns, a.stride};
}

static inline struct const_matrix matrix_read(struct matrix a)
{
    return (struct const_matrix){a.data, a.rows, a.columns, a.stride};
}

/** c = keep c + a b.  @param a (n,k)  @param b (k,m)  @param c (n,m), 0 to overwrite, 1 to add */
void tensor_multiply(struct const_matrix a, struct const_matrix b, real keep, struct matrix c);
/** c = keep c + a b^T.  @param a (n,k)  @param b (m,k)  @param c (n,m) */
void tensor_multiply_transposed(struct const_matrix a, struct const_matrix b, real keep,
                                struct matrix c);
/** c = keep c + a^T b.  @param a (k,n)  @param b (k,m)  @param c (n,m) */
void tensor_transposed_multiply(struct const_matrix a, struct const_matrix b, real keep,
                                struct matrix c);

/** Every row of a = row. @param row (columns) */
void tensor_fill_rows(struct matrix a, const real *row);
/** sum[j] += the sum of column j. @param sum (columns) */
void tensor_add_column_sums(struct const_matrix a, real *sum);

/** BLAS works in the calling thread from now on, in the whole process: our workers divide the work
 * themselves, so that results do not depend on how many there are. */
void tensor_use_one_thread(void);

#endif
