/* bench_rnn.c - what the net costs a row: the GRU step and the head's base once a session, the
 * head's live part once a scrobble, by batch size and vector width; and the same arithmetic by
 * OpenBLAS' sgemm beside it in the same run. Usage: bench_rnn [HIDDEN [DENSE]]. Prints nanoseconds
 * a row, the best of several rounds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nn/activation.h"
#include "nn/dense.h"
#include "nn/kernels.h"
#include "nn/predictor.h"
#include "nn/random.h"
#include "nn/scaler.h"
#include "nn/tensor.h"

#define BATCH_MAX 256
#define WIDTH_MAX 256 /* of H and D */
#define ROUNDS    7
#define ROUND_NS  2e7 /* how long a round is meant to take */

struct bench {
    struct predictor *net;
    struct predictor_runner *runner;
    struct net_tensor tensor[NET_TENSORS_MAX];
    float states[BATCH_MAX * WIDTH_MAX], bases[BATCH_MAX * WIDTH_MAX]; /* (batch,H), (batch,D) */
    float *h[BATCH_MAX], *base[BATCH_MAX];
    const float *const_h[BATCH_MAX], *const_base[BATCH_MAX];
    float x[BATCH_MAX * STEP_INPUTS], start[BATCH_MAX * START_FEATURES];
    float live[BATCH_MAX * LIVE_FEATURES], kernel[BATCH_MAX * QUANTILES];
    float remaining[BATCH_MAX * QUANTILES];
    /* scratch of the sgemm form */
    float input[BATCH_MAX * 2 * WIDTH_MAX], first[BATCH_MAX * WIDTH_MAX];
    float second[BATCH_MAX * WIDTH_MAX];
    float gates_x[BATCH_MAX * 3 * WIDTH_MAX], gates_h[BATCH_MAX * 3 * WIDTH_MAX];
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void runner_step(struct bench *b, size_t rows)
{
    predictor_step(b->runner, rows, b->x, b->h);
    predictor_base(b->runner, rows, b->const_h, b->start, b->base);
}

static void runner_live(struct bench *b, size_t rows)
{
    predictor_live(b->runner, rows, b->const_base, b->live, b->kernel, b->remaining);
}

static const float *tensor_of(const struct bench *b, size_t i)
{
    return b->net->params + b->tensor[i].offset;
}

/* The GRU with one product for x and one for h, then the gates; and the part of the head that
 * follows. */
static void sgemm_step(struct bench *b, size_t rows)
{
    const struct predictor_scaler *scaler = &b->net->scaler;
    size_t h = b->net->spec.recurrent[0].width, d = b->net->spec.dense[0].width,
           width = h + START_FEATURES;
    struct dense_shape on_x = {STEP_INPUTS, 3 * h, DENSE_LINEAR}, on_h = {h, 3 * h, DENSE_LINEAR};
    scaler_apply(rows, STEP_INPUTS, b->x, scaler->step_mean, scaler->step_inverse_sd, b->input,
                 STEP_INPUTS);
    dense_forward(&on_x, tensor_of(b, 0), tensor_of(b, 2), rows, b->input, b->gates_x);
    dense_forward(&on_h, tensor_of(b, 1), tensor_of(b, 3), rows, b->states, b->gates_h);
    for (size_t row = 0; row < rows; row++) {
        const float *gx = b->gates_x + row * 3 * h, *gh = b->gates_h + row * 3 * h;
        float *state = b->states + row * h;
        for (size_t j = 0; j < h; j++) {
            float r = sigmoid_float(gx[j] + gh[j]), z = sigmoid_float(gx[h + j] + gh[h + j]);
            float n = tanh_float(gx[2 * h + j] + r * gh[2 * h + j]);
            state[j] = n + z * (state[j] - n);
        }
    }
    for (size_t row = 0; row < rows; row++)
        memcpy(b->input + row * width, b->states + row * h, h * sizeof(float));
    scaler_apply(rows, START_FEATURES, b->start, scaler->start_mean, scaler->start_inverse_sd,
                 b->input + h, width);
    struct matrix base = matrix_of(b->bases, rows, d);
    tensor_fill_rows(base, tensor_of(b, 5));
    tensor_multiply_transposed(
        const_matrix_of(b->input, rows, width),
        (struct const_matrix){tensor_of(b, 4), d, width, width + LIVE_FEATURES}, 1, base);
}

static void sgemm_live(struct bench *b, size_t rows)
{
    const struct predictor_scaler *scaler = &b->net->scaler;
    size_t h = b->net->spec.recurrent[0].width, d = b->net->spec.dense[0].width,
           before = h + START_FEATURES;
    struct dense_shape middle = {d, d, DENSE_RELU}, last = {d, QUANTILES, DENSE_LINEAR};
    scaler_apply(rows, LIVE_FEATURES, b->live, scaler->live_mean, scaler->live_inverse_sd, b->input,
                 LIVE_FEATURES);
    memcpy(b->first, b->bases, rows * d * sizeof(float));
    tensor_multiply_transposed(
        const_matrix_of(b->input, rows, LIVE_FEATURES),
        (struct const_matrix){tensor_of(b, 4) + before, d, LIVE_FEATURES, before + LIVE_FEATURES},
        1, matrix_of(b->first, rows, d));
    for (size_t i = 0; i < rows * d; i++)
        b->first[i] = b->first[i] > 0 ? b->first[i] : 0;
    dense_forward(&middle, tensor_of(b, 6), tensor_of(b, 7), rows, b->first, b->second);
    dense_forward(&last, tensor_of(b, 8), tensor_of(b, 9), rows, b->second, b->remaining);
    for (size_t i = 0; i < rows * QUANTILES; i++)
        b->remaining[i] =
            fmaxf((b->kernel[i] + 30) * exp_float(clamp_float(b->remaining[i], -30, 30)) - 30, 0);
}

/* Nanoseconds a row, of the fastest round. */
static double measure(struct bench *b, size_t rows, void (*run)(struct bench *, size_t))
{
    double begin = now_ns();
    run(b, rows);
    size_t repeats = (size_t)(ROUND_NS / (now_ns() - begin)) + 1;
    double best = (double)INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        begin = now_ns();
        for (size_t i = 0; i < repeats; i++)
            run(b, rows);
        best = fmin(best, (now_ns() - begin) / (double)(repeats * rows));
    }
    return best;
}

static void fill(struct random *random, float *out, size_t count, float low, float high)
{
    for (size_t i = 0; i < count; i++)
        out[i] = low + (high - low) * (float)random_uniform(random);
}

static int bench_init(struct bench *b, const struct net_spec *spec, struct err *err)
{
    size_t h = spec->recurrent[0].width, d = spec->dense[0].width;
    struct random random;
    random_init(&random, 1, 0);
    b->net = predictor_new(spec, 1, err);
    b->runner = b->net ? predictor_runner_new(b->net, BATCH_MAX, err) : NULL;
    if (!b->runner)
        return -1;
    net_tensors(spec, b->tensor);
    for (size_t i = 0; i < BATCH_MAX; i++) {
        b->const_h[i] = b->h[i] = b->states + i * h;
        b->const_base[i] = b->base[i] = b->bases + i * d;
    }
    fill(&random, b->x, BATCH_MAX * STEP_INPUTS, -2, 2);
    fill(&random, b->start, BATCH_MAX * START_FEATURES, -2, 2);
    fill(&random, b->live, BATCH_MAX * LIVE_FEATURES, -2, 2);
    fill(&random, b->kernel, BATCH_MAX * QUANTILES, 0, 9000);
    return 0;
}

static void bench_release(struct bench *b)
{
    predictor_runner_free(b->runner);
    predictor_free(b->net);
}

static void report(const char *name, size_t rows, double step, double live)
{
    printf("%-10s batch %3zu   step+base %7.1f ns/row   live %7.1f ns/row\n", name, rows, step,
           live);
}

int main(int argc, char **argv)
{
    static const size_t batches[] = {1, 16, 64, BATCH_MAX};
    uint32_t hidden = 32, dense = 64;
    struct err err = {0};
    static struct bench b;
    if (argc > 1)
        hidden = (uint32_t)strtoul(argv[1], NULL, 10);
    if (argc > 2)
        dense = (uint32_t)strtoul(argv[2], NULL, 10);
    if (hidden < 1 || hidden > WIDTH_MAX || dense < 1 || dense > WIDTH_MAX) {
        fprintf(stderr, "bench_rnn: HIDDEN and DENSE are 1 .. %d\n", WIDTH_MAX);
        return 2;
    }
    const struct net_spec spec = PREDICTOR_SPEC(hidden, dense);
    if (bench_init(&b, &spec, &err)) {
        fprintf(stderr, "bench_rnn: %s\n", err.text);
        bench_release(&b);
        return 1;
    }
    tensor_use_one_thread();
    printf("hidden %u, dense %u, %d step inputs, one thread\n", hidden, dense, STEP_INPUTS);
    const struct kernels *usable[3];
    size_t kernels = kernels_usable(usable);
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        size_t rows = batches[i];
        for (size_t k = 0; k < kernels; k++) {
            predictor_runner_use(b.runner, usable[k]);
            double step = measure(&b, rows, runner_step);
            report(usable[k]->name, rows, step, measure(&b, rows, runner_live));
        }
        double step = measure(&b, rows, sgemm_step);
        report("sgemm", rows, step, measure(&b, rows, sgemm_live));
    }
    bench_release(&b);
    return 0;
}
