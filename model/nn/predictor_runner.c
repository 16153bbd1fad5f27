#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "nn/activation.h"
#include "nn/net_runner.h"
#include "nn/predictor.h"
#include "nn/scaler.h"

struct predictor_runner {
    const struct predictor *predictor; /* borrowed */
    const struct kernels *kernels;
    struct net_runner *net; /* owned */
    size_t rows_max;
    size_t start_features;
};

/* Standardised inputs of a block, the widest kind. */
struct scaled {
    float x[KERNEL_ROWS * START_FEATURES_MAX];
};

struct predictor_runner *predictor_runner_new(const struct predictor *predictor, size_t rows_max,
                                              const struct predictor_runner *lender,
                                              struct err *err)
{
    struct predictor_runner *runner = calloc(1, sizeof *runner);
    if (!runner) {
        err_set(err, ERR_MEMORY, "no memory to run a predictor");
        return NULL;
    }
    runner->predictor = predictor;
    runner->kernels = kernels_best();
    runner->rows_max = rows_max;
    runner->start_features = predictor_start_features(&predictor->spec);
    runner->net = net_runner_new(&predictor->spec, predictor->params, runner->start_features,
                                 lender ? lender->net : NULL, err);
    if (!runner->net) {
        free(runner);
        return NULL;
    }
    return runner;
}

void predictor_runner_free(struct predictor_runner *runner)
{
    if (!runner)
        return;
    net_runner_free(runner->net);
    free(runner);
}

void predictor_runner_use(struct predictor_runner *runner, const struct kernels *kernels)
{
    runner->kernels = kernels;
    net_runner_use(runner->net, kernels);
}

static size_t block_of(size_t rows, size_t done)
{
    return rows - done < KERNEL_ROWS ? rows - done : KERNEL_ROWS;
}

void predictor_step(struct predictor_runner *runner, size_t rows, const float *x,
                    float *const *state)
{
    const struct predictor_scaler *s = &runner->predictor->scaler;
    struct scaled scaled;
    assert(rows <= runner->rows_max);
    if (!runner->predictor->spec.recurrent_layers)
        return;
    for (size_t done = 0; done < rows; done += KERNEL_ROWS) {
        size_t count = block_of(rows, done);
        scaler_apply(count, STEP_INPUTS, x + done * STEP_INPUTS, s->step_mean, s->step_inverse_sd,
                     scaled.x, STEP_INPUTS);
        net_runner_step(runner->net, count, scaled.x, state + done);
    }
}

void predictor_base(struct predictor_runner *runner, size_t rows, const float *const *state,
                    const float *start, float *const *base)
{
    const struct predictor_scaler *s = &runner->predictor->scaler;
    size_t width = runner->start_features;
    struct scaled scaled;
    assert(rows <= runner->rows_max);
    for (size_t done = 0; done < rows; done += KERNEL_ROWS) {
        size_t count = block_of(rows, done);
        scaler_apply(count, width, start + done * width, s->start_mean, s->start_inverse_sd,
                     scaled.x, width);
        net_runner_base(runner->net, count, state + done, scaled.x, base + done);
    }
}

static void sort_two(float *a, float *b)
{
    float low = *a < *b ? *a : *b, high = *a < *b ? *b : *a;
    *a = low;
    *b = high;
}

/* R_q = max(e^(ln(kernel_q + 30) + d_q) - 30, 0) = max((kernel_q + 30) e^d_q - 30, 0); without the
 * base e^d_q - 30. */
static float remaining_of(enum predictor_base base, float kernel_s, float factor)
{
    float from = base == BASE_NONE ? 1 : clamp_float(kernel_s, 0, FLT_MAX) + REMAINING_OFFSET_S;
    return clamp_float(from * factor - REMAINING_OFFSET_S, 0, FLT_MAX);
}

/* @param factor (rows,outputs) e^d */
static void remaining_seconds(const struct predictor *predictor, size_t rows, const float *kernel,
                              const float *factor, float *remaining)
{
    enum predictor_base base = predictor->base;
    size_t outputs = predictor_outputs(&predictor->spec);
    for (size_t row = 0; row < rows; row++, kernel += QUANTILES, remaining += QUANTILES) {
        if (outputs == 1) {
            remaining[0] = remaining[2] = NAN;
            remaining[QUANTILE_MEDIAN] = remaining_of(base, kernel[QUANTILE_MEDIAN], factor[row]);
            continue;
        }
        for (size_t q = 0; q < QUANTILES; q++)
            remaining[q] = remaining_of(base, kernel[q], factor[row * QUANTILES + q]);
        sort_two(&remaining[0], &remaining[1]);
        sort_two(&remaining[1], &remaining[2]);
        sort_two(&remaining[0], &remaining[1]);
    }
}

void predictor_live(struct predictor_runner *runner, size_t rows, const float *const *base,
                    const float *live, const float *kernel, float *remaining)
{
    const struct predictor_scaler *s = &runner->predictor->scaler;
    size_t outputs = predictor_outputs(&runner->predictor->spec);
    float d[KERNEL_ROWS * QUANTILES];
    struct scaled scaled;
    assert(rows <= runner->rows_max);
    for (size_t done = 0; done < rows; done += KERNEL_ROWS) {
        size_t count = block_of(rows, done);
        scaler_apply(count, LIVE_FEATURES, live + done * LIVE_FEATURES, s->live_mean,
                     s->live_inverse_sd, scaled.x, LIVE_FEATURES);
        net_runner_outputs(runner->net, count, base + done, scaled.x, d);
        runner->kernels->exponentials(count * outputs, d);
        remaining_seconds(runner->predictor, count, kernel + done * QUANTILES, d,
                          remaining + done * QUANTILES);
    }
}
