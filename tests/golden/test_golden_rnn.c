/* GRU and LSTM networks of one and two layers against PyTorch in float64 (../shared/golden/rnn):
 * every state, the prediction of a linear head on the last one, three losses, every gradient, and
 * the losses of twenty steps of each optimizer. Built twice: in float32, as training runs, and in
 * double, where nothing is left to rounding. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_case.h"
#include "nn/loss.h"
#include "nn/net.h"
#include "nn/optimizer.h"
#include "nn/tensor.h"

/* Relative to the largest value of a tensor: 1e-5 for float32, as far as it carries. The reference
 * is itself double. */
#define TOLERANCE       (sizeof(real) == sizeof(float) ? 1e-5 : 1e-12)
#define CURVE_TOLERANCE (sizeof(real) == sizeof(float) ? 1e-5 : 1e-11)
#define OUTPUTS         3
#define CURVE_STEPS     20
#define SEARCH_ROUNDS   120
#define SEARCH_NEAR     (sizeof(real) == sizeof(float) ? 5e-7 : 1e-16)
#define SGD_MOMENTUM    "momentum.torch lr=1e-2"

static const double levels[OUTPUTS] = {.1, .5, .9};

struct golden {
    struct golden_file file;
    struct golden_case report;
    size_t batch, steps, inputs, hidden, layers;
    struct net_spec spec;
    struct net *net;
    struct net_batch input;
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t tensors, count;   /* of parameters */
    real *params, *gradient; /* one block each */
    real *initial;           /* parameters that the reference's values are of */
    real *x, *y, *d_prediction;
    const real *prediction; /* of the last forward */
    uint32_t *last;
};

/* The name that PyTorch gives a tensor of ours: rnn.1.weight_ih -> weight_ih_l1. */
static void torch_name(const char *ours, const char *prefix, char out[64])
{
    unsigned long layer = strtoul(ours + strcspn(ours, "0123456789"), NULL, 10);
    const char *part = strrchr(ours, '.') + 1;
    if (strncmp(ours, "head.", 5) == 0)
        snprintf(out, 64, "%s.head.%s", prefix, part);
    else
        snprintf(out, 64, "%s.%s_l%lu", prefix, part, layer);
}

static size_t metadata_size(const struct golden *g, const char *key)
{
    const char *value = safetensors_metadata(&g->file.file, key);
    assert_non_null(value);
    return strtoul(value, NULL, 10);
}

static void describe(struct golden *g)
{
    char net[64];
    struct err err = {0};
    const char *cell = safetensors_metadata(&g->file.file, "cell");
    snprintf(net, sizeof net, g->layers == 2 ? "%s:%zu,%zu" : "%s:%zu", cell, g->hidden, g->hidden);
    g->spec.inputs = (uint32_t)g->inputs;
    if (net_spec_parse(net, "3", &g->spec, &err))
        fail_msg("%s", err.text);
    g->tensors = net_tensors(&g->spec, g->tensor);
    g->count = net_params_count(&g->spec);
    g->net = net_new(&g->spec, g->batch, g->steps, g->batch, &err);
    assert_non_null(g->net);
}

static void allocate(struct golden *g, const char *name)
{
    char path[128];
    memset(g, 0, sizeof *g);
    snprintf(path, sizeof path, "rnn/%s.safetensors", name);
    golden_open(&g->file, path);
    g->report.name = name;
    g->batch = metadata_size(g, "batch");
    g->steps = metadata_size(g, "steps");
    g->inputs = metadata_size(g, "inputs");
    g->hidden = metadata_size(g, "hidden");
    g->layers = metadata_size(g, "layers");
    describe(g);
    g->params = golden_block(g->count);
    g->initial = golden_block(g->count);
    g->gradient = golden_block(g->count);
    g->d_prediction = golden_block(g->batch * OUTPUTS);
    g->x = golden_fetch_turned(&g->file, "x", g->batch, g->steps, g->inputs);
    g->y = golden_fetch_real(&g->file, "y", g->batch);
    g->last = calloc(g->batch, sizeof *g->last);
    assert_non_null(g->last);
    net_rows_last(g->steps, g->batch, g->last);
    g->input = (struct net_batch){
        .steps = g->steps, .sequences = g->batch, .x = g->x, .rows = g->batch, .at = g->last};
}

static void release(struct golden *g)
{
    real *blocks[] = {g->params, g->initial, g->gradient, g->x, g->y, g->d_prediction};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    free(g->last);
    net_free(g->net);
    golden_close(&g->file);
}

static void reset_params(struct golden *g)
{
    memcpy(g->params, g->initial, g->count * sizeof *g->params);
}

static void forward(struct golden *g)
{
    g->prediction = net_forward(g->net, g->params, &g->input);
}

static void backward(struct golden *g)
{
    memset(g->gradient, 0, g->count * sizeof *g->gradient);
    net_backward(g->net, g->params, &g->input, g->d_prediction, g->gradient);
}

/* The reference's mae and mse are of the median alone. */
static double median_loss(struct golden *g, const char *name)
{
    struct loss loss;
    assert_int_equal(loss_by_name(name, &loss, NULL), 0);
    real *median = golden_block(2 * g->batch), *gradient = median + g->batch;
    for (size_t b = 0; b < g->batch; b++)
        median[b] = g->prediction[b * OUTPUTS + 1];
    struct loss_rows rows = {g->batch, 1, median, g->y, 1 / (double)g->batch};
    double value = loss_compute(&loss, &rows, gradient);
    memset(g->d_prediction, 0, g->batch * OUTPUTS * sizeof *g->d_prediction);
    for (size_t b = 0; b < g->batch; b++)
        g->d_prediction[b * OUTPUTS + 1] = gradient[b];
    free(median);
    return value;
}

static double loss_of(struct golden *g, const char *name)
{
    if (strcmp(name, "pinball") != 0)
        return median_loss(g, name);
    struct loss_rows rows = {g->batch, OUTPUTS, g->prediction, g->y,
                             1 / (double)(g->batch * OUTPUTS)};
    return loss_pinball(&rows, levels, g->d_prediction);
}

/* Twenty steps on the pinball loss, as the reference's curves are made. @param losses (CURVE_STEPS)
 * out
 * @param first gradient of the first step when it is known, or NULL */
static void train(struct golden *g, const char *optimizer_text, const real *first, real *losses)
{
    struct optimizer_settings settings;
    assert_int_equal(optimizer_parse(optimizer_text, &settings, NULL), 0);
    struct optimizer *optimizer = optimizer_new(&settings, g->count, NULL);
    assert_non_null(optimizer);
    for (size_t step = 0; step < CURVE_STEPS; step++) {
        forward(g);
        losses[step] = (real)loss_of(g, "pinball");
        backward(g);
        optimizer_step(optimizer, settings.learning_rate, g->params,
                       step == 0 && first ? first : g->gradient);
    }
    optimizer_free(optimizer);
}

/* Looks for the parameters that `curve.sgd_momentum` started from, given those it ended at: the
 * fixed point of p <- p + (ended - train(p)), from `reach` first gradients up the slope. The loss
 * has kinks, so there are wrong fixed points too. @return whether the losses on the way are the
 * reference's; then g->initial is it */
static bool search_start(struct golden *g, const double *ended, const real *first, double reach)
{
    real losses[CURVE_STEPS] = {0};
    double *expected = golden_fetch(&g->file, "curve.sgd_momentum", CURVE_STEPS);
    double *start = calloc(g->count, sizeof *start), worst = 0, off = 1;
    assert_non_null(start);
    for (size_t i = 0; i < g->count; i++)
        start[i] = ended[i] + reach * (double)first[i];
    for (int round = 0; round < SEARCH_ROUNDS && off > SEARCH_NEAR; round++) {
        for (size_t i = 0; i < g->count; i++)
            g->params[i] = g->initial[i] = (real)start[i];
        train(g, SGD_MOMENTUM, first, losses);
        off = 0;
        for (size_t i = 0; i < g->count; i++) {
            start[i] += ended[i] - (double)g->params[i];
            off = fmax(off, fabs(ended[i] - (double)g->params[i]));
        }
    }
    for (size_t i = 0; i < CURVE_STEPS; i++)
        worst = fmax(worst, fabs((double)losses[i] - expected[i]));
    free(start);
    free(expected);
    return worst <= CURVE_TOLERANCE;
}

static double *fetch_block(const struct golden *g, const char *prefix)
{
    double *values = calloc(g->count, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < g->tensors; i++) {
        char name[64];
        const struct net_tensor *t = &g->tensor[i];
        size_t count = (size_t)t->rows * t->columns;
        torch_name(t->name, prefix, name);
        double *tensor = golden_fetch(&g->file, name, count);
        memcpy(values + t->offset, tensor, count * sizeof *tensor);
        free(tensor);
    }
    return values;
}

/* These files hold the parameters as the last curve (SGD with momentum) left them, while all else
 * in them is of those it began with: with the stored ones not even prediction = h_n W^T + b holds.
 * So the first ones are searched for, and that they are right, states, losses, gradients and the
 * other curves must then show. Stored ones that fit are taken as they are. */
static void find_params(struct golden *g)
{
    static const double reaches[] = {.85, 1.15, .4};
    double *stored = fetch_block(g, "param"), *first = fetch_block(g, "grad.pinball");
    double *loss = golden_fetch(&g->file, "loss.pinball", 1);
    real *gradient = golden_block(g->count);
    for (size_t i = 0; i < g->count; i++) {
        g->params[i] = g->initial[i] = (real)stored[i];
        gradient[i] = (real)first[i];
    }
    forward(g);
    bool found = fabs(loss_of(g, "pinball") - *loss) <= CURVE_TOLERANCE;
    for (size_t i = 0; !found && i < sizeof reaches / sizeof *reaches; i++)
        found = search_start(g, stored, gradient, reaches[i]);
    free(stored);
    free(first);
    free(loss);
    free(gradient);
    if (!found)
        fail_msg("no parameters found that the reference's curve could have started from");
    reset_params(g);
}

static void check_forward(struct golden *g)
{
    size_t numbers = g->batch * g->hidden;
    real *carried = golden_block(g->batch * net_state_width(&g->spec));
    real *end[2] = {golden_block(g->layers * numbers), golden_block(g->layers * numbers)};
    bool lstm = g->spec.recurrent[0].cell == CELL_LSTM;
    reset_params(g);
    forward(g);
    real *output =
        golden_turn(net_states(g->net, g->layers - 1) + numbers, g->steps, g->batch, g->hidden);
    golden_hold_tensor(&g->report, &g->file, "output", output, g->steps * numbers, TOLERANCE);
    net_carry(g->net, &g->input, carried);
    for (size_t b = 0; b < g->batch; b++)
        for (size_t part = 0; part < g->layers * (lstm ? 2 : 1); part++)
            memcpy(end[lstm && part % 2] + (part / (lstm ? 2 : 1) * g->batch + b) * g->hidden,
                   carried + b * net_state_width(&g->spec) + part * g->hidden,
                   g->hidden * sizeof(real));
    golden_hold_tensor(&g->report, &g->file, "h_n", end[0], g->layers * numbers, TOLERANCE);
    if (lstm)
        golden_hold_tensor(&g->report, &g->file, "c_n", end[1], g->layers * numbers, TOLERANCE);
    golden_hold_tensor(&g->report, &g->file, "prediction", g->prediction, g->batch * OUTPUTS,
                       TOLERANCE);
    free(carried);
    free(end[0]);
    free(end[1]);
    free(output);
}

static void check_gradients(struct golden *g)
{
    static const char *const losses[] = {"pinball", "mae", "mse"};
    reset_params(g);
    forward(g);
    for (size_t l = 0; l < sizeof losses / sizeof *losses; l++) {
        char name[64], prefix[32];
        real loss = (real)loss_of(g, losses[l]);
        snprintf(name, sizeof name, "loss.%s", losses[l]);
        snprintf(prefix, sizeof prefix, "grad.%s", losses[l]);
        golden_hold_tensor(&g->report, &g->file, name, &loss, 1, TOLERANCE);
        backward(g);
        for (size_t i = 0; i < g->tensors; i++) {
            const struct net_tensor *t = &g->tensor[i];
            torch_name(t->name, prefix, name);
            golden_hold_tensor(&g->report, &g->file, name, g->gradient + t->offset,
                               (size_t)t->rows * t->columns, TOLERANCE);
        }
    }
}

/* Hyperparameters as the reference's metadata says them. */
static const struct curve {
    const char *name, *optimizer;
} curves[] = {
    {"curve.adam", "adam.torch lr=1e-2 epsilon=1e-7"},
    {"curve.rmsprop", "rmsprop.torch lr=1e-3 rho=.9 epsilon=1e-7"},
    {"curve.sgd", "sgd.torch lr=1e-2"},
    {"curve.sgd_momentum", SGD_MOMENTUM},
};

static void check_curves(struct golden *g)
{
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        real losses[CURVE_STEPS];
        reset_params(g);
        train(g, curves[i].optimizer, NULL, losses);
        golden_hold_tensor(&g->report, &g->file, curves[i].name, losses, CURVE_STEPS,
                           CURVE_TOLERANCE);
    }
}

static void check_file(void **state)
{
    struct golden g;
    allocate(&g, *state);
    find_params(&g);
    check_forward(&g);
    check_gradients(&g);
    check_curves(&g);
    golden_report(&g.report);
    release(&g);
}

/* The checker itself: one value spoilt by a few tolerances, or no number, must be seen. (Every
 * tensor held is also held against a spoilt copy of its reference: golden_case.c.) */
static void test_golden_rnn_checker_sees_a_spoilt_value(void **state)
{
    (void)state;
    const double expected[] = {.25, -2, 1};
    real got[] = {(real).25, -2, 1};
    assert_true(golden_relative(got, expected, 3) <= TOLERANCE);
    got[2] += (real)(2 * TOLERANCE * 3);
    assert_true(golden_relative(got, expected, 3) > TOLERANCE);
    got[2] = (real)NAN;
    assert_true(golden_relative(got, expected, 3) > TOLERANCE);
}

int main(void)
{
    static char files[][20] = {"gru_l1_i5_h7",  "gru_l1_i24_h64",  "gru_l2_i9_h16",
                               "lstm_l1_i5_h7", "lstm_l1_i24_h64", "lstm_l2_i9_h16"};
    struct CMUnitTest tests[sizeof files / sizeof *files + 1] = {
        cmocka_unit_test(test_golden_rnn_checker_sees_a_spoilt_value)};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        tests[i + 1] = (struct CMUnitTest){
            .name = files[i], .test_func = check_file, .initial_state = files[i]};
    tensor_use_one_thread(); /* these products are too small to share */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
