#include "nn/dense.h"

#include "nn/tensor.h"

void dense_forward(const struct dense_shape *shape, const real *weight, const real *bias,
                   size_t rows, const real *x, real *y)
{
    struct matrix out = matrix_of(y, rows, shape->outputs);
    tensor_fill_rows(out, bias);
    tensor_multiply_transposed(const_matrix_of(x, rows, shape->inputs),
                               const_matrix_of(weight, shape->outputs, shape->inputs), 1, out);
    if (shape->activation == DENSE_RELU)
        for (size_t i = 0; i < rows * shape->outputs; i++)
            y[i] = y[i] > 0 ? y[i] : 0;
}

void dense_backward(const struct dense_shape *shape, const real *weight, size_t rows, const real *x,
                    const real *y, real *d_y, real *d_x, real *d_weight, real *d_bias)
{
    if (shape->activation == DENSE_RELU)
        for (size_t i = 0; i < rows * shape->outputs; i++)
            d_y[i] = y[i] > 0 ? d_y[i] : 0;
    struct const_matrix d = const_matrix_of(d_y, rows, shape->outputs);
    tensor_transposed_multiply(d, const_matrix_of(x, rows, shape->inputs), 1,
                               matrix_of(d_weight, shape->outputs, shape->inputs));
    tensor_add_column_sums(d, d_bias);
    if (d_x)
        tensor_multiply(d, const_matrix_of(weight, shape->outputs, shape->inputs), 0,
                        matrix_of(d_x, rows, shape->inputs));
}
