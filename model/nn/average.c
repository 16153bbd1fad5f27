#include "nn/average.h"

#include <string.h>

static double decay_of(const struct average_settings *settings, uint64_t step)
{
    double t = (double)step, ramp = (1 + t) / (10 + t);
    if (!settings->ramp)
        return step == 1 ? 0 : settings->decay;
    return ramp < settings->decay ? ramp : settings->decay;
}

void average_step(const struct average_settings *settings, uint64_t step, size_t count,
                  real *average, real *params)
{
    const real keep = (real)decay_of(settings, step);
    real *restrict a = average;
    const real *restrict p = params;
    if (keep == 0)
        memcpy(average, params, count * sizeof *average);
    else
        for (size_t i = 0; i < count; i++)
            a[i] = p[i] + keep * (a[i] - p[i]);
    if (settings->overwrite_every && step % settings->overwrite_every == 0)
        memcpy(params, average, count * sizeof *params);
}
