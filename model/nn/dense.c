#include "nn/dense.h"

#include <string.h>

#include "nn/activation.h"
#include "nn/tensor.h"

static void activate(enum dense_activation activation, size_t count, real *y)
{
    float bound = activation_bound();
    if (activation == DENSE_RELU)
        for (size_t i = 0; i < count; i++)
            y[i] = y[i] > 0 ? y[i] : 0;
    else if (activation == DENSE_TANH)
        for (size_t i = 0; i < count; i++)
            y[i] = tanh_real(bound, y[i]);
}

/* d *= the slope of the activation, told from what it gave. */
static void slope(enum dense_activation activation, size_t count, const real *y, real *d)
{
    if (activation == DENSE_RELU)
        for (size_t i = 0; i < count; i++)
            d[i] = y[i] > 0 ? d[i] : 0;
    else if (activation == DENSE_TANH)
        for (size_t i = 0; i < count; i++)
            d[i] *= 1 - y[i] * y[i];
}

void dense_forward(const struct dense_shape *shape, const real *weight, const real *bias,
                   size_t rows, const real *x, real *y)
{
    struct matrix out = matrix_of(y, rows, shape->outputs);
    if (bias)
        tensor_fill_rows(out, bias);
    else
        memset(y, 0, rows * shape->outputs * sizeof *y);
    tensor_multiply_transposed(const_matrix_of(x, rows, shape->inputs),
                               const_matrix_of(weight, shape->outputs, shape->inputs), 1, out);
    activate(shape->activation, rows * shape->outputs, y);
}

void dense_backward(const struct dense_shape *shape, const real *weight, size_t rows, const real *x,
                    const real *y, real *d_y, real *d_x, real *d_weight, real *d_bias)
{
    slope(shape->activation, rows * shape->outputs, y, d_y);
    struct const_matrix d = const_matrix_of(d_y, rows, shape->outputs);
    tensor_transposed_multiply(d, const_matrix_of(x, rows, shape->inputs), 1,
                               matrix_of(d_weight, shape->outputs, shape->inputs));
    if (d_bias)
        tensor_add_column_sums(d, d_bias);
    if (d_x)
        tensor_multiply(d, const_matrix_of(weight, shape->outputs, shape->inputs), 0,
                        matrix_of(d_x, rows, shape->inputs));
}
