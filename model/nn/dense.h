/* dense.h - a fully connected layer, y = activation(x W^T + b), forward and backward, for training.
 * N rows, I inputs, O outputs; W (O,I) as PyTorch has it. */
#ifndef OUTRO_NN_DENSE_H
#define OUTRO_NN_DENSE_H

#include <stddef.h>

#include "nn/net_spec.h"
#include "nn/real.h"

struct dense_shape {
    size_t inputs, outputs; /* I, O */
    enum dense_activation activation;
};

/** @param x (N,I)  @param weight (O,I)  @param bias (O), or NULL  @param y (N,O) written */
void dense_forward(const struct dense_shape *shape, const real *weight, const real *bias,
                   size_t rows, const real *x, real *y);

/** @param x, y of the forward pass  @param d_y (N,O) gradient by y; becomes the gradient by x W^T +
 * b
 *  @param d_x (N,I) written, or NULL  @param d_weight (O,I), d_bias (O) added to; d_bias
 * may be NULL */
void dense_backward(const struct dense_shape *shape, const real *weight, size_t rows, const real *x,
                    const real *y, real *d_y, real *d_x, real *d_weight, real *d_bias);

#endif
