#include "bundle/selftest.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

static const char *const QUANTILE_NAMES[QUANTILES] = {"p10", "p50", "p90"};

/* A full case behind an empty history, a short and a long one; kernels of a skip, an album, an
 * evening, a night. */
static const struct {
    uint32_t steps;
    float kernel_s[QUANTILES];
} PLAN[SELFTEST_CASES] = {
    {0, {0, 1200, 6000}},
    {1, {215, 900, 2700}},
    {7, {1250, 3900, 9100}},
    {SELFTEST_STEPS_MAX, {60, 14400, 43200}},
};

struct workspace {
    struct predictor_runner *runner;
    float *hidden, *base; /* (rows, max(state, 1)), (rows, D) */
    float *h[SELFTEST_CASES_MAX], *b[SELFTEST_CASES_MAX];
};

static int workspace_init(struct workspace *space, const struct predictor *net, size_t rows,
                          struct err *err)
{
    size_t state = net_state_width(&net->spec), hidden = state ? state : 1;
    size_t dense = net->spec.dense[0].width;
    *space = (struct workspace){0};
    space->runner = predictor_runner_new(net, rows, NULL, err);
    if (!space->runner)
        return -1;
    space->hidden = calloc(rows, hidden * sizeof(float));
    space->base = calloc(rows, dense * sizeof(float));
    if (!space->hidden || !space->base)
        return err_set(err, ERR_MEMORY, "out of memory for a self-test of %zu rows", rows);
    for (size_t i = 0; i < rows; i++) {
        space->h[i] = space->hidden + i * hidden;
        space->b[i] = space->base + i * dense;
    }
    return 0;
}

static void workspace_release(struct workspace *space)
{
    predictor_runner_free(space->runner);
    free(space->hidden);
    free(space->base);
}

/* Histories differ in length, so the recurrent steps go row by row; the head takes all rows at
 * once. */
int selftest_answer(const struct predictor *net, const struct selftest_case *cases, size_t count,
                    float remaining[][QUANTILES], struct err *err)
{
    float start[SELFTEST_CASES_MAX * START_FEATURES_MAX], live[SELFTEST_CASES_MAX][LIVE_FEATURES];
    float kernel[SELFTEST_CASES_MAX][QUANTILES];
    const float *h[SELFTEST_CASES_MAX], *b[SELFTEST_CASES_MAX];
    struct workspace space;
    size_t width = predictor_start_features(&net->spec);
    assert(count > 0 && count <= SELFTEST_CASES_MAX);
    int result = workspace_init(&space, net, count, err);
    if (result)
        goto out;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < cases[i].steps; k++)
            predictor_step(space.runner, 1, cases[i].step[k], &space.h[i]);
        memcpy(start + i * width, cases[i].start, width * sizeof *start);
        memcpy(live[i], cases[i].live, sizeof live[i]);
        memcpy(kernel[i], cases[i].kernel_s, sizeof kernel[i]);
        h[i] = space.h[i];
        b[i] = space.b[i];
    }
    predictor_base(space.runner, count, h, start, space.b);
    predictor_live(space.runner, count, b, live[0], kernel[0], remaining[0]);
out:
    workspace_release(&space);
    return result;
}

/* Up to two deviations to either side of the mean, a few beyond the clip: every part of the scaler
 * has its say. */
static float spread(uint64_t *state, float mean, float inverse_sd)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    double unit = (double)(hash_mix(*state) >> 11) * 0x1p-53;
    double deviations = (unit < .03 ? 3 : 1) * 4 * (unit - .5);
    return (float)((double)mean + deviations / (double)inverse_sd);
}

int selftest_make(const struct predictor *net, struct selftest_case *out, struct err *err)
{
    const struct predictor_scaler *scaler = &net->scaler;
    float remaining[SELFTEST_CASES][QUANTILES];
    uint64_t state = 0;
    for (size_t i = 0; i < SELFTEST_CASES; i++) {
        struct selftest_case *c = &out[i];
        memset(c, 0, sizeof *c);
        c->steps = PLAN[i].steps;
        memcpy(c->kernel_s, PLAN[i].kernel_s, sizeof c->kernel_s);
        for (uint32_t k = 0; k < c->steps; k++) {
            for (int f = 0; f < STEP_INPUTS; f++)
                c->step[k][f] = spread(&state, scaler->step_mean[f], scaler->step_inverse_sd[f]);
        }
        for (size_t f = 0; f < predictor_start_features(&net->spec); f++)
            c->start[f] = spread(&state, scaler->start_mean[f], scaler->start_inverse_sd[f]);
        for (int f = 0; f < LIVE_FEATURES; f++)
            c->live[f] = spread(&state, scaler->live_mean[f], scaler->live_inverse_sd[f]);
    }
    if (selftest_answer(net, out, SELFTEST_CASES, remaining, err))
        return -1;
    for (size_t i = 0; i < SELFTEST_CASES; i++)
        memcpy(out[i].remaining_s, remaining[i], sizeof remaining[i]);
    return 0;
}

int selftest_run(const struct predictor *net, const struct selftest_case *cases,
                 const float (*answer)[QUANTILES], size_t count, struct err *err)
{
    float remaining[SELFTEST_CASES_MAX][QUANTILES];
    if (selftest_answer(net, cases, count, remaining, err))
        return -1;
    for (size_t i = 0; i < count; i++) {
        for (int q = 0; q < QUANTILES; q++) {
            double expected = (double)(answer ? answer[i] : cases[i].remaining_s)[q],
                   got = (double)remaining[i][q];
            if (predictor_outputs(&net->spec) == 1 && q != QUANTILE_MEDIAN)
                continue;
            double bound = SELFTEST_TOLERANCE * fmax(1, fabs(expected));
            if (!(fabs(got - expected) <= bound)) /* so that a NaN fails as well */
                return err_set(err, ERR_CHECK,
                               "self-test case %zu: %s is %.6g s where the bundle expects %.6g s",
                               i, QUANTILE_NAMES[q], got, expected);
        }
    }
    return 0;
}
