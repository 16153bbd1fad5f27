/* bench_rnn_train.c - what a training step costs: forward, loss on the last output, backward and
 * update over a batch of whole sequences, one thread; by cell, width, batch and length.
 * Usage: bench_rnn_train [--tsv]; --tsv prints rows for programs (peers/rnn.py):
 *     train|fit CELL INPUTS WIDTH BATCH STEPS NANOSECONDS     of a step
 * train: squared error, Adam; fit: absolute error, RMSprop, the one step of an LSTM of old. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_clock.h"
#include "nn/loss.h"
#include "nn/net.h"
#include "nn/optimizer.h"
#include "core/random.h"
#include "nn/tensor.h"

enum task { TRAIN, FIT, TASKS };
static const struct {
    const char *name, *loss, *optimizer;
} tasks[TASKS] = {
    [TRAIN] = {"train", "mse", "adam.torch"}, [FIT] = {"fit", "mae", "rmsprop.torch"}};

static const struct size {
    enum task task;
    const char *cell;
    size_t inputs, width, batch, steps;
} sizes[] = {
    {TRAIN, "gru", 13, 32, 16, 64},  {TRAIN, "gru-before", 13, 32, 16, 64},
    {TRAIN, "lstm", 13, 32, 16, 64}, {TRAIN, "gru", 13, 64, 16, 64},
    {TRAIN, "lstm", 13, 64, 16, 64}, {TRAIN, "gru", 9, 128, 64, 32},
    {TRAIN, "lstm", 9, 128, 64, 32}, {TRAIN, "gru", 9, 250, 64, 32},
    {TRAIN, "lstm", 9, 250, 64, 32}, {TRAIN, "lstm", 9, 250, 32, 1},
    {FIT, "lstm", 9, 250, 32, 1},
};

struct run {
    struct net *net;
    struct optimizer *optimizer;
    struct net_batch batch;
    struct loss loss;
    float *params, *gradient, *x, *target, *d_output;
    uint32_t *at;
    size_t count;
};

static float *values(size_t count, float size)
{
    struct random random;
    float *out = calloc(count + 1, sizeof *out);
    random_init(&random, count, 0);
    for (size_t i = 0; out && i < count; i++)
        out[i] = size * (2 * (float)random_uniform(&random) - 1);
    return out;
}

static int run_init(struct run *r, const struct size *s, struct err *err)
{
    char text[64];
    struct net_spec spec = {.inputs = (uint32_t)s->inputs};
    struct optimizer_settings settings;
    snprintf(text, sizeof text, "%s:%zu", s->cell, s->width);
    if (net_spec_parse(text, "1", &spec, err) ||
        optimizer_parse(tasks[s->task].optimizer, &settings, err) ||
        loss_by_name(tasks[s->task].loss, &r->loss, err))
        return -1;
    r->count = net_params_count(&spec);
    r->net = net_new(&spec, s->batch, s->steps, s->batch, err);
    r->optimizer = optimizer_new(&settings, r->count, err);
    r->params = values(r->count, .1f);
    r->gradient = values(r->count, 0);
    r->x = values(s->steps * s->batch * s->inputs, 1);
    r->target = values(s->batch, 1);
    r->d_output = values(s->batch, 0);
    r->at = calloc(s->batch, sizeof *r->at);
    if (!r->net || !r->optimizer || !r->params || !r->gradient || !r->x || !r->target ||
        !r->d_output || !r->at)
        return err_set(err, ERR_MEMORY, "no memory");
    net_rows_last(s->steps, s->batch, r->at);
    r->batch = (struct net_batch){
        .steps = s->steps, .sequences = s->batch, .x = r->x, .rows = s->batch, .at = r->at};
    return 0;
}

static void run_release(struct run *r)
{
    net_free(r->net);
    optimizer_free(r->optimizer);
    free(r->params);
    free(r->gradient);
    free(r->x);
    free(r->target);
    free(r->d_output);
    free(r->at);
}

static void step(void *ctx)
{
    struct run *r = ctx;
    memset(r->gradient, 0, r->count * sizeof *r->gradient);
    struct loss_rows rows = {.rows = r->batch.rows,
                             .outputs = 1,
                             .prediction = net_forward(r->net, r->params, &r->batch),
                             .target = r->target,
                             .scale = 1 / (double)r->batch.rows};
    loss_compute(&r->loss, &rows, r->d_output);
    net_backward(r->net, r->params, &r->batch, r->d_output, r->gradient);
    optimizer_step(r->optimizer, 1e-6, r->params, r->gradient);
}

int main(int argc, char **argv)
{
    bool tsv = argc == 2 && strcmp(argv[1], "--tsv") == 0;
    struct err err = {0};
    if (argc > 1 && !tsv) {
        fputs("usage: bench_rnn_train [--tsv]\n", stderr);
        return 2;
    }
    tensor_use_one_thread();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct size *s = &sizes[i];
        struct run run = {0};
        if (run_init(&run, s, &err)) {
            fprintf(stderr, "bench_rnn_train: %s\n", err.text);
            run_release(&run);
            return 1;
        }
        double ns = bench_measure(step, &run);
        printf(tsv ? "%s\t%s\t%zu\t%zu\t%zu\t%zu\t%.0f\n"
                   : "%-5s %-10s I %2zu  H %3zu  B %2zu  T %2zu  ",
               tasks[s->task].name, s->cell, s->inputs, s->width, s->batch, s->steps, ns);
        if (!tsv)
            printf("%8.3f ms a step, %7.0f sequences/s\n", ns / 1e6, (double)s->batch / ns * 1e9);
        run_release(&run);
    }
    return 0;
}
