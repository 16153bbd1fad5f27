/* The net that serves: every cell, gate, bias and depth gives what the formulas give in double, and
 * the same bits in any batch, by any kernels. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/net_runner.h"
#include "core/random.h"

#define ROWS      61 /* two full blocks of the kernels and an odd rest */
#define WIDTH_MAX 300
#define STATE_MAX 600

static const struct {
    const char *net, *head;
    uint32_t inputs, features, early;
} cases[] = {
    {"gru:32", "64 relu, 64 relu, 3", 13, 30, 14},
    {"gru:7 biases=0", "5 tanh, 2", 3, 4, 4},
    {"gru:16 gates=hard_sigmoid_sixth", "1", 13, 0, 0},
    {"gru:250", "64 relu, 64 relu, 3", 13, 0, 0},
    {"gru-before:9", "4, 3", 5, 2, 0},
    {"gru-before:33 gates=hard_sigmoid_fifth biases=0", "8 relu biases=0, 1", 9, 30, 14},
    {"lstm:32", "64 relu, 64 relu, 3", 13, 30, 14},
    {"lstm:21 gates=hard_sigmoid_fifth biases=1", "3", 4, 1, 1},
    {"lstm:5 biases=0", "6 relu, 5 tanh, 4 relu, 3", 2, 3, 1},
    {"gru:17,40 lstm:12 gru-before:3", "7 tanh, 2", 6, 5, 2},
    {"lstm:40,8 dropout=0.3", "16 relu, 3", 13, 30, 14},
    {"none", "64 relu, 64 relu, 3", 13, 30, 14},
    {"none", "80 tanh, 1", 0, 6, 0},
};
#define CASES (sizeof cases / sizeof *cases)

/* One row's worth of everything. */
struct row {
    float x[13], state[STATE_MAX], features[30], base[WIDTH_MAX], outputs[8];
};

struct tried {
    struct net_spec spec;
    float *params;
    size_t early;
    struct net_runner *runner;
};

static void draw(struct random *random, float *out, size_t count, float bound)
{
    for (size_t i = 0; i < count; i++)
        out[i] = bound * (2 * (float)random_uniform(random) - 1);
}

static void tried_init(struct tried *t, size_t i)
{
    struct err err = {0};
    struct random random;
    t->spec = (struct net_spec){.inputs = cases[i].inputs, .features = cases[i].features};
    if (net_spec_parse(cases[i].net, cases[i].head, &t->spec, &err) ||
        net_spec_check(&t->spec, &err))
        fail_msg("%s", err.text);
    size_t count = net_params_count(&t->spec);
    t->params = calloc(count, sizeof *t->params);
    assert_non_null(t->params);
    random_init(&random, 5, i);
    draw(&random, t->params, count, .3f);
    t->early = cases[i].early;
    t->runner = net_runner_new(&t->spec, t->params, t->early, NULL, &err);
    assert_non_null(t->runner);
}

static void tried_release(struct tried *t)
{
    net_runner_free(t->runner);
    free(t->params);
}

static void draw_rows(struct row *rows, const struct net_spec *spec)
{
    struct random random;
    random_init(&random, 3, 0);
    memset(rows, 0, ROWS * sizeof *rows);
    for (size_t i = 0; i < ROWS; i++) {
        draw(&random, rows[i].x, spec->inputs, 2);
        draw(&random, rows[i].state, net_state_width(spec), 1);
        draw(&random, rows[i].features, spec->features, 2);
    }
}

/* Rows order[0 .. count-1] in one batch, results back into them. */
static void serve(const struct tried *t, struct row *rows, const uint32_t *order, size_t count)
{
    size_t inputs = t->spec.inputs, early = t->early, late = t->spec.features - early;
    size_t outputs = t->spec.dense[t->spec.dense_layers - 1].width;
    /* Of the exact size, so that a sanitizer sees a read behind the rows. */
    float *x = malloc(count * inputs * sizeof *x + 1);
    float *first = malloc(count * early * sizeof *x + 1);
    float *rest = malloc(count * late * sizeof *x + 1);
    float *out = malloc(count * outputs * sizeof *x + 1);
    float *state[ROWS], *base[ROWS];
    const float *const_state[ROWS], *const_base[ROWS];
    assert_true(x && first && rest && out);
    for (size_t i = 0; i < count; i++) {
        struct row *row = &rows[order[i]];
        memcpy(x + i * inputs, row->x, inputs * sizeof *x);
        memcpy(first + i * early, row->features, early * sizeof *x);
        memcpy(rest + i * late, row->features + early, late * sizeof *x);
        const_state[i] = state[i] = row->state;
        const_base[i] = base[i] = row->base;
    }
    net_runner_step(t->runner, count, x, state);
    net_runner_base(t->runner, count, const_state, first, base);
    net_runner_outputs(t->runner, count, const_base, rest, out);
    for (size_t i = 0; i < count; i++)
        memcpy(rows[order[i]].outputs, out + i * outputs, outputs * sizeof *out);
    free(x);
    free(first);
    free(rest);
    free(out);
}

/* ---- the formulas in double, written out once more ---- */

static double product_at(const float *w, size_t row, size_t width, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < width; i++)
        sum += (double)w[row * width + i] * x[i];
    return sum;
}

static double gate_of(enum gate_function gate, double x)
{
    if (gate == GATE_SIGMOID)
        return 1 / (1 + exp(-x));
    return fmin(1, fmax(0, x / (gate == GATE_HARD_FIFTH ? 5 : 6) + .5));
}

struct sums {
    double x[4][WIDTH_MAX], h[4][WIDTH_MAX]; /* by gate: of x with its bias, of h with its */
};

/* @return the tensor behind the layer's */
static const struct net_tensor *sum_gates(const struct recurrent_spec *layer, size_t inputs,
                                          const float *params, const struct net_tensor *t,
                                          const double *x, const double *h, struct sums *sums)
{
    size_t width = layer->width, gates = layer->cell == CELL_LSTM ? 4 : 3;
    const float *w_ih = params + (t++)->offset, *w_hh = params + (t++)->offset;
    const float *b_ih = layer->bias != BIAS_NONE ? params + (t++)->offset : NULL;
    const float *b_hh = layer->bias == BIAS_TWO ? params + (t++)->offset : NULL;
    assert_true(width > 0);
    for (size_t k = 0; k < gates * width; k++) {
        sums->x[k / width][k % width] =
            product_at(w_ih, k, inputs, x) + (b_ih ? (double)b_ih[k] : 0);
        sums->h[k / width][k % width] =
            product_at(w_hh, k, width, h) + (b_hh ? (double)b_hh[k] : 0);
    }
    return t;
}

/* n of a gru-before, which needs every r before any n. */
static void reset_before(const struct recurrent_spec *layer, size_t inputs, const float *params,
                         const struct net_tensor *t, const double *x, const double *h,
                         struct sums *sums)
{
    static struct sums again;
    double reset[WIDTH_MAX];
    for (size_t j = 0; j < layer->width; j++)
        reset[j] = h[j] * gate_of(layer->gate, sums->x[0][j] + sums->h[0][j]);
    sum_gates(layer, inputs, params, t, x, reset, &again);
    memcpy(sums->h[2], again.h[2], sizeof again.h[2]);
}

static void reference_cell(const struct recurrent_spec *layer, const struct sums *s,
                           const double *h, double *c, double *next)
{
    for (size_t j = 0; j < layer->width; j++) {
        double first = gate_of(layer->gate, s->x[0][j] + s->h[0][j]);
        double second = gate_of(layer->gate, s->x[1][j] + s->h[1][j]);
        if (layer->cell == CELL_LSTM) {
            double g = tanh(s->x[2][j] + s->h[2][j]);
            c[j] = second * c[j] + first * g;
            next[j] = gate_of(layer->gate, s->x[3][j] + s->h[3][j]) * tanh(c[j]);
        } else {
            double r = layer->cell == CELL_GRU ? first : 1;
            double n = tanh(s->x[2][j] + r * s->h[2][j]);
            next[j] = (1 - second) * n + second * h[j];
        }
    }
}

/* @param state in and out  @param top out: the last layer's h  @return the head's first tensor */
static const struct net_tensor *reference_step(const struct tried *t, const struct row *row,
                                               const struct net_tensor *tensor, double *state,
                                               double *top)
{
    static struct sums sums;
    double x[WIDTH_MAX];
    size_t inputs = t->spec.inputs;
    for (size_t i = 0; i < inputs; i++)
        x[i] = (double)row->x[i];
    for (size_t k = 0; k < t->spec.recurrent_layers; k++) {
        const struct recurrent_spec *layer = &t->spec.recurrent[k];
        const struct net_tensor *own = tensor;
        tensor = sum_gates(layer, inputs, t->params, own, x, state, &sums);
        if (layer->cell == CELL_GRU_BEFORE)
            reset_before(layer, inputs, t->params, own, x, state, &sums);
        reference_cell(layer, &sums, state, state + layer->width, top);
        memcpy(state, top, layer->width * sizeof *top);
        memcpy(x, top, layer->width * sizeof *top);
        state += layer->cell == CELL_LSTM ? 2 * layer->width : layer->width;
        inputs = layer->width;
    }
    return tensor;
}

static void reference_head(const struct tried *t, const struct row *row,
                           const struct net_tensor *tensor, const double *top, double *outputs)
{
    double x[WIDTH_MAX + 30], y[WIDTH_MAX];
    size_t width = net_output_width(&t->spec);
    memcpy(x, top, width * sizeof *x);
    for (size_t i = 0; i < t->spec.features; i++)
        x[width++] = (double)row->features[i];
    for (size_t k = 0; k < t->spec.dense_layers; k++) {
        const struct dense_spec *layer = &t->spec.dense[k];
        const float *w = t->params + (tensor++)->offset;
        const float *bias = layer->bias ? t->params + (tensor++)->offset : NULL;
        for (size_t o = 0; o < layer->width; o++) {
            double sum = product_at(w, o, width, x) + (bias ? (double)bias[o] : 0);
            y[o] = layer->activation == DENSE_RELU   ? fmax(sum, 0)
                   : layer->activation == DENSE_TANH ? tanh(sum)
                                                     : sum;
        }
        width = layer->width;
        memcpy(x, y, width * sizeof *x);
    }
    memcpy(outputs, x, width * sizeof *x);
}

static void assert_close(const float *got, const double *expected, size_t count, double bound,
                         size_t i, const char *what, const char *kernels)
{
    for (size_t j = 0; j < count; j++)
        if (!(fabs((double)got[j] - expected[j]) <= bound * fmax(1, fabs(expected[j]))))
            fail_msg("%s | %s by %s: %s[%zu] is %.9g, expected %.9g", cases[i].net, cases[i].head,
                     kernels, what, j, (double)got[j], expected[j]);
}

static void assert_formulas(const struct tried *t, size_t i, const struct row *before,
                            const struct row *after, const char *kernels)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    double state[STATE_MAX], top[WIDTH_MAX], outputs[WIDTH_MAX];
    net_tensors(&t->spec, tensor);
    for (size_t j = 0; j < STATE_MAX; j++)
        state[j] = (double)before->state[j];
    const struct net_tensor *head = reference_step(t, before, tensor, state, top);
    reference_head(t, before, head, top, outputs);
    assert_close(after->state, state, net_state_width(&t->spec), 4e-6, i, "state", kernels);
    assert_close(after->outputs, outputs, t->spec.dense[t->spec.dense_layers - 1].width, 1e-5, i,
                 "output", kernels);
}

static void test_net_runner_serves_the_formulas(void **state)
{
    (void)state;
    static struct row before[ROWS], after[ROWS];
    const struct kernels *usable[3];
    uint32_t order[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        order[i] = i;
    for (size_t i = 0; i < CASES; i++) {
        struct tried t;
        tried_init(&t, i);
        draw_rows(before, &t.spec);
        for (size_t k = 0; k < kernels_usable(usable); k++) {
            net_runner_use(t.runner, usable[k]);
            memcpy(after, before, sizeof after);
            serve(&t, after, order, ROWS);
            for (size_t row = 0; row < ROWS; row += 7)
                assert_formulas(&t, i, &before[row], &after[row], usable[k]->name);
        }
        tried_release(&t);
    }
}

/* Cuts the rows, shuffled, into batches of all sizes and compares all bytes with those served one
 * by one. */
static void assert_same_bits(const struct tried *t, const struct row *drawn,
                             const struct row *alone, uint64_t seed)
{
    static struct row rows[ROWS];
    struct random random;
    uint32_t order[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        order[i] = i;
    random_init(&random, seed, 0);
    random_shuffle(&random, order, ROWS);
    memcpy(rows, drawn, sizeof rows);
    for (size_t done = 0; done < ROWS;) {
        size_t count = 1 + (size_t)random_below(&random, ROWS - done);
        serve(t, rows, order + done, count);
        done += count;
    }
    assert_memory_equal(rows, alone, sizeof rows);
}

static void test_net_runner_row_has_the_same_bits_in_any_batch(void **state)
{
    (void)state;
    static struct row drawn[ROWS], alone[ROWS];
    const struct kernels *usable[3];
    for (size_t i = 0; i < CASES; i++) {
        struct tried t;
        tried_init(&t, i);
        draw_rows(drawn, &t.spec);
        for (size_t k = 0; k < kernels_usable(usable); k++) {
            net_runner_use(t.runner, usable[k]);
            memcpy(alone, drawn, sizeof alone);
            for (uint32_t row = 0; row < ROWS; row++)
                serve(&t, alone, &row, 1);
            assert_memory_not_equal(alone, drawn, sizeof alone);
            for (uint64_t seed = 0; seed < 12; seed++)
                assert_same_bits(&t, drawn, alone, seed);
        }
        tried_release(&t);
    }
}

/* Gates alone, to 1e-6 of what libm gives, far beyond where they saturate too. */
static void test_net_runner_gates_are_exact_enough(void **state)
{
    (void)state;
    enum { W = 16 };
    const struct kernels *usable[3];
    struct random random;
    random_init(&random, 1, 0);
    for (size_t k = 0; k < kernels_usable(usable); k++)
        for (int round = 0; round < 3000; round++) {
            float gates[4 * W], after[2 * W], before[2 * W], *row = after;
            const float *h = before, *c = before + W;
            draw(&random, gates, 4 * W, (const float[]){2, 12, 60, 1e30f}[round % 4]);
            draw(&random, before, W, 1);
            draw(&random, before + W, W, 3);
            const struct cell_block block = {.gate = GATE_SIGMOID,
                                             .rows = 1,
                                             .width = W,
                                             .padded = W,
                                             .gates = gates,
                                             .state = &row};
            memcpy(after, before, sizeof after);
            usable[k]->gru(&block);
            for (size_t j = 0; j < W; j++) {
                double r = gate_of(GATE_SIGMOID, (double)gates[j]);
                double z = gate_of(GATE_SIGMOID, (double)gates[W + j]);
                double sum = (double)(gates[2 * W + j] + (float)r * gates[3 * W + j]);
                if (round % 4 < 2) /* else the rounding of the sum is what is seen */
                    assert_true(fabs((double)after[j] - ((1 - z) * tanh(sum) + z * (double)h[j])) <
                                (round % 4 ? 3e-6 : 1e-6));
                assert_true(fabs((double)after[j]) <= 1 + 1e-6);
            }
            memcpy(after, before, sizeof after);
            usable[k]->lstm(&block);
            for (size_t j = 0; j < W; j++) {
                double i = gate_of(GATE_SIGMOID, (double)gates[j]);
                double f = gate_of(GATE_SIGMOID, (double)gates[W + j]);
                double o = gate_of(GATE_SIGMOID, (double)gates[3 * W + j]);
                double carried = f * (double)c[j] + i * tanh((double)gates[2 * W + j]);
                assert_true(fabs((double)after[W + j] - carried) < 2e-6);
                assert_true(fabs((double)after[j] - o * tanh((double)after[W + j])) < 1e-6);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net_runner_serves_the_formulas),
        cmocka_unit_test(test_net_runner_gates_are_exact_enough),
        cmocka_unit_test(test_net_runner_row_has_the_same_bits_in_any_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
