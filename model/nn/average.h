/* average.h - the moving average of weights over the steps: a = p after the first step, then
 * a = decay a + (1-decay) p (Keras' use_ema, PyTorch's EMA AveragedModel). */
#ifndef OUTRO_NN_AVERAGE_H
#define OUTRO_NN_AVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/real.h"

struct average_settings {
    double decay; /* in 0 .. 1 */
    bool ramp;    /* decay starts at 2/11 and rises as (1+t)/(10+t), so that a training of a few
                   * dozen steps is not still mostly its start; a must hold the starting weights */
    uint32_t overwrite_every; /* steps after which p = a; 0: never */
};

/** Follows the parameters after a step. @param step from 1  @param average, params (count); params
 * are written only where overwritten */
void average_step(const struct average_settings *settings, uint64_t step, size_t count,
                  real *average, real *params);

#endif
