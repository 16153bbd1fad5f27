#include "nn/scaler.h"

#include <assert.h>
#include <float.h>
#include <math.h>

#include "nn/activation.h"

void moments_add(struct moments *moments, size_t width, const float *x)
{
    assert(width <= SCALER_WIDTH_MAX);
    moments->count++;
    for (size_t i = 0; i < width; i++) {
        double delta = (double)x[i] - moments->mean[i];
        moments->mean[i] += delta / moments->count;
        moments->squares[i] += delta * ((double)x[i] - moments->mean[i]);
    }
}

void moments_scale(const struct moments *moments, size_t width, float *mean, float *inverse_sd)
{
    for (size_t i = 0; i < width; i++) {
        double sd = moments->count > 0 ? sqrt(moments->squares[i] / moments->count) : 0;
        mean[i] = (float)moments->mean[i];
        /* Rounding leaves a constant column a deviation of a few of its last bits. */
        inverse_sd[i] = sd > fabs(moments->mean[i]) * (double)FLT_EPSILON ? (float)(1 / sd) : 1;
    }
}

void scaler_apply(size_t rows, size_t width, const float *x, const float *mean,
                  const float *inverse_sd, float *out, size_t out_stride)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < width; i++)
            out[row * out_stride + i] = clamp_float((x[row * width + i] - mean[i]) * inverse_sd[i],
                                                    -SCALED_CLIP, SCALED_CLIP);
}

bool scaler_same(const struct predictor_scaler *a, const struct predictor_scaler *b)
{
    const float *x = a->step_mean, *y = b->step_mean; /* all of it is floats */
    for (size_t i = 0; i < sizeof *a / sizeof *x; i++)
        if (x[i] < y[i] || x[i] > y[i])
            return false;
    return true;
}
