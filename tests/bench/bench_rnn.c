/* bench_rnn.c - what a net costs that serves: one recurrent step of 13 inputs with a head of 64
 * relu, 64 relu, 3, by cell, width and batch; its products alone beside sgemm on the same shapes;
 * the share of the sgemm rate that this machine reaches at best. One thread, all in one run.
 * Usage: bench_rnn [--tsv]; --tsv prints rows for programs (peers/rnn.py):
 *     step CELL WIDTH BATCH NANOSECONDS     of a sample
 *     products WIDTH PERCENT                of the sgemm rate on the same shapes, at a batch of 256
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_clock.h"
#include "nn/net_runner.h"
#include "core/random.h"
#include "nn/tensor.h"

#define INPUTS     13
#define HEAD       "64 relu, 64 relu, 3"
#define OUTPUTS    3
#define HEAD_WIDTH 64
#define WIDTH_MAX  250
#define BATCH_MAX  256
#define PEAK       512 /* rows and columns of the matrices whose sgemm counts as the best */

static const size_t batches[] = {1, 32, BATCH_MAX};
static const size_t widths[] = {32, 64, 128, WIDTH_MAX};
static const char *const cells[] = {"gru", "lstm"};

static void fill(float *out, size_t count)
{
    struct random random;
    random_init(&random, count, 0);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)random_uniform(&random) - .5f;
}

static void *allocate(size_t floats)
{
    void *memory = aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64);
    if (!memory) {
        fputs("bench_rnn: no memory\n", stderr);
        exit(1);
    }
    fill(memory, floats);
    return memory;
}

/* ---- a whole step ---- */

struct served {
    struct net_spec spec;
    struct net_runner *runner;
    size_t rows;
    float x[BATCH_MAX * INPUTS], states[BATCH_MAX * 2 * WIDTH_MAX];
    float bases[BATCH_MAX * HEAD_WIDTH], outputs[BATCH_MAX * OUTPUTS];
    float *state[BATCH_MAX], *base[BATCH_MAX];
    const float *const_state[BATCH_MAX], *const_base[BATCH_MAX];
};

static void run_step(void *ctx)
{
    struct served *s = ctx;
    net_runner_step(s->runner, s->rows, s->x, s->state);
    net_runner_base(s->runner, s->rows, s->const_state, NULL, s->base);
    net_runner_outputs(s->runner, s->rows, s->const_base, NULL, s->outputs);
}

static void served_init(struct served *s, const char *cell, size_t width)
{
    char net[32];
    struct err err = {0};
    snprintf(net, sizeof net, "%s:%zu", cell, width);
    s->spec = (struct net_spec){.inputs = INPUTS};
    int wrong = net_spec_parse(net, HEAD, &s->spec, &err);
    size_t stride = net_state_width(&s->spec);
    float *params = allocate(net_params_count(&s->spec));
    s->runner = wrong ? NULL : net_runner_new(&s->spec, params, 0, NULL, &err);
    if (!s->runner) {
        fprintf(stderr, "bench_rnn: %s\n", err.text);
        exit(1);
    }
    free(params);
    fill(s->x, BATCH_MAX * INPUTS);
    for (size_t i = 0; i < BATCH_MAX; i++) {
        s->const_state[i] = s->state[i] = s->states + i * stride;
        s->const_base[i] = s->base[i] = s->bases + i * HEAD_WIDTH;
    }
}

/* Multiplications and additions a sample. */
static double flops(const struct net_spec *spec)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t count = net_tensors(spec, tensor), products = 0;
    for (size_t i = 0; i < count; i++)
        if (strstr(tensor[i].name, "weight"))
            products += (size_t)tensor[i].rows * tensor[i].columns;
    return 2 * (double)products;
}

/* ---- the products of one step alone: of [x ; h] with the gates ---- */

struct products {
    size_t rows, inputs, outputs;
    const struct kernels *kernels; /* NULL: sgemm */
    struct packed packed;
    float *x, *w, *y;
    const float *row[BATCH_MAX]; /* of x */
};

static void run_products(void *ctx)
{
    struct products *p = ctx;
    size_t stride = kernel_padded(p->inputs);
    if (!p->kernels) {
        tensor_multiply((struct const_matrix){p->x, p->rows, p->inputs, stride},
                        const_matrix_of(p->w, p->inputs, p->outputs), 0,
                        matrix_of(p->y, p->rows, p->outputs));
        return;
    }
    for (size_t done = 0; done < p->rows; done += KERNEL_ROWS) {
        size_t rows = p->rows - done < KERNEL_ROWS ? p->rows - done : KERNEL_ROWS;
        const struct kernel_input x[2] = {{p->row + done, 0, p->inputs}};
        p->kernels->product(&p->packed, false, rows, x, p->y, p->packed.outputs);
    }
}

/* @return floating point operations a nanosecond */
static double product_rate(const struct kernels *kernels, size_t rows, size_t inputs,
                           size_t outputs)
{
    size_t padded = kernel_padded(outputs), room = rows + KERNEL_ROWS;
    struct products p = {.rows = rows, .inputs = inputs, .outputs = outputs, .kernels = kernels};
    p.packed = (struct packed){.inputs = inputs, .outputs = padded};
    p.packed.panels = allocate(packed_panels(inputs, padded));
    p.packed.bias = allocate(padded);
    p.x = allocate(room * kernel_padded(inputs));
    for (size_t row = 0; kernels && row < rows; row++)
        p.row[row] = p.x + row * kernel_padded(inputs);
    p.w = allocate(inputs * outputs);
    p.y = allocate(room * padded);
    double ns = bench_measure(run_products, &p);
    free(p.packed.panels);
    free(p.packed.bias);
    free(p.x);
    free(p.w);
    free(p.y);
    return 2 * (double)rows * (double)inputs * (double)outputs / ns;
}

/* ---- the table ---- */

static void show_steps(bool tsv, double peak)
{
    static struct served s;
    for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            served_init(&s, cells[c], widths[w]);
            for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
                s.rows = batches[b];
                fill(s.states, sizeof s.states / sizeof *s.states);
                double ns = bench_measure(run_step, &s) / (double)s.rows;
                if (tsv)
                    printf("step\t%s\t%zu\t%zu\t%.1f\n", cells[c], widths[w], batches[b], ns);
                else
                    printf("%-5s %5zu %6zu %11.3f us %10.1f %8.0f %%\n", cells[c], widths[w],
                           batches[b], ns / 1000, flops(&s.spec) / ns,
                           100 * flops(&s.spec) / ns / peak);
            }
            net_runner_free(s.runner);
        }
}

static void show_products(bool tsv)
{
    if (!tsv)
        printf("\nproducts of a batch of %d alone, Gflop/s: (batch, 13 + H) times (13 + H, 4 H)\n",
               BATCH_MAX);
    const struct kernels *usable[3];
    size_t kernels = tsv ? 1 : kernels_usable(usable);
    if (tsv)
        usable[0] = kernels_best();
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        size_t inputs = INPUTS + widths[w], outputs = 4 * widths[w];
        double sgemm = product_rate(NULL, BATCH_MAX, inputs, outputs);
        printf(tsv ? "products\t%zu" : "H %3zu   sgemm %6.1f", widths[w], sgemm);
        for (size_t k = 0; k < kernels; k++) {
            double rate = product_rate(usable[k], BATCH_MAX, inputs, outputs);
            if (tsv)
                printf("\t%.0f", 100 * rate / sgemm);
            else
                printf("   %s %6.1f (%.0f %%)", usable[k]->name, rate, 100 * rate / sgemm);
        }
        putchar('\n');
    }
}

int main(int argc, char **argv)
{
    bool tsv = argc == 2 && strcmp(argv[1], "--tsv") == 0;
    if (argc > 1 && !tsv) {
        fputs("usage: bench_rnn [--tsv]\n", stderr);
        return 2;
    }
    tensor_use_one_thread();
    double peak = product_rate(NULL, PEAK, PEAK, PEAK);
    if (!tsv) {
        printf("one thread, kernels %s; sgemm of %d x %d: %.1f Gflop/s\n\n", kernels_best()->name,
               PEAK, PEAK, peak);
        printf("%-5s %5s %6s %14s %10s %10s\n", "cell", "H", "batch", "a sample", "Gflop/s",
               "of sgemm");
    }
    show_steps(tsv, peak);
    show_products(tsv);
    return 0;
}
