/* loss.h - losses and their gradients by the prediction. Each sums over `rows` predictions of
 * `outputs` numbers against one target a row and multiplies sum and gradient by scale: 1/(rows
 * outputs) for PyTorch's mean, or one over the whole batch when its rows are worked on in parts.
 * Sums in double. */
#ifndef OUTRO_NN_LOSS_H
#define OUTRO_NN_LOSS_H

#include <stddef.h>

#include "nn/real.h"

struct loss_rows {
    size_t rows, outputs;
    const real *prediction; /* (rows,outputs) borrowed */
    const real *target;     /* (rows) borrowed */
    double scale;
};

/** Pinball at the level of each output: e = target - prediction gives max(level e, (level - 1) e),
 * gradient 0 at e = 0.
 *  @param levels (outputs), in 0 .. 1  @param gradient (rows,outputs) written, or NULL  @return
 * scaled sum */
double loss_pinball(const struct loss_rows *rows, const double *levels, real *gradient);
/** Absolute error, gradient sign(prediction - target), 0 at 0. */
double loss_mae(const struct loss_rows *rows, real *gradient);
/** Squared error. */
double loss_mse(const struct loss_rows *rows, real *gradient);

#endif
