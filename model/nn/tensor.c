#include "nn/tensor.h"

#include <assert.h>
#include <string.h>

#include <cblas.h>

#ifdef OUTRO_REAL_DOUBLE
#define gemm cblas_dgemm
#else
#define gemm cblas_sgemm
#endif

static void multiply(enum CBLAS_TRANSPOSE transpose_a, enum CBLAS_TRANSPOSE transpose_b,
                     struct const_matrix a, struct const_matrix b, size_t inner, real keep,
                     struct matrix c)
{
    if (!c.rows || !c.columns)
        return;
    if (!inner) { /* BLAS demands strides of at least 1 */
        assert(keep == 1);
        return;
    }
    gemm(CblasRowMajor, transpose_a, transpose_b, (blasint)c.rows, (blasint)c.columns,
         (blasint)inner, 1, a.data, (blasint)a.stride, b.data, (blasint)b.stride, keep, c.data,
         (blasint)c.stride);
}

void tensor_multiply(struct const_matrix a, struct const_matrix b, real keep, struct matrix c)
{
    assert(a.columns == b.rows && a.rows == c.rows && b.columns == c.columns);
    multiply(CblasNoTrans, CblasNoTrans, a, b, a.columns, keep, c);
}

void tensor_multiply_transposed(struct const_matrix a, struct const_matrix b, real keep,
                                struct matrix c)
{
    assert(a.columns == b.columns && a.rows == c.rows && b.rows == c.columns);
    multiply(CblasNoTrans, CblasTrans, a, b, a.columns, keep, c);
}

void tensor_transposed_multiply(struct const_matrix a, struct const_matrix b, real keep,
                                struct matrix c)
{
    assert(a.rows == b.rows && a.columns == c.rows && b.columns == c.columns);
    multiply(CblasTrans, CblasNoTrans, a, b, a.rows, keep, c);
}

void tensor_fill_rows(struct matrix a, const real *row)
{
    for (size_t i = 0; i < a.rows; i++)
        memcpy(a.data + i * a.stride, row, a.columns * sizeof *row);
}

void tensor_add_column_sums(struct const_matrix a, real *sum)
{
    for (size_t i = 0; i < a.rows; i++)
        for (size_t j = 0; j < a.columns; j++)
            sum[j] += a.data[i * a.stride + j];
}

void tensor_use_one_thread(void)
{
    openblas_set_num_threads(1);
}
