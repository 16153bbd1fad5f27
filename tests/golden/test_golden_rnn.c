/* The one-layer GRU against PyTorch in float64 (../shared/golden/rnn): every state, the prediction
 * of a linear head on the last one, three losses, every gradient, and the losses of twenty steps of
 * each optimizer. Built twice: in float32, as training runs, and in double, where nothing is left
 * to rounding. */
#include <float.h>
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

#include "bundle/safetensors.h"
#include "nn/dense.h"
#include "nn/gru.h"
#include "nn/loss.h"
#include "nn/optimizer.h"
#include "nn/tensor.h"

/* Relative to the largest value of a tensor: 1e-5 for float32, as far as it carries. The reference
 * is itself double. */
#define TOLERANCE       (sizeof(real) == sizeof(float) ? 1e-5 : 1e-12)
#define CURVE_TOLERANCE (sizeof(real) == sizeof(float) ? 1e-5 : 1e-11)
#define OUTPUTS         3
#define CURVE_STEPS     20
#define SEARCH_ROUNDS   45
#define SGD_MOMENTUM    "momentum.torch lr=1e-2"

static const double levels[OUTPUTS] = {.1, .5, .9};
static const char *const tensor_names[] = {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0",
                                           "bias_hh_l0",   "head.weight",  "head.bias"};
#define TENSORS (sizeof tensor_names / sizeof *tensor_names)

struct golden {
    unsigned char *bytes;
    struct safetensors file;
    size_t batch, steps, inputs, hidden;
    size_t offset[TENSORS + 1]; /* of each parameter tensor in the block, and its end */
    real *params, *gradient;    /* one block each */
    real *initial;              /* parameters that the reference's values are of */
    real *x, *y, *states, *gates, *d_states, *d_gates, *last, *d_last, *prediction, *d_prediction;
};

/* How far got is from expected, relative to the largest expected value; a value that is no number
 * is infinitely far. */
static double distance(const real *got, const double *expected, size_t count)
{
    double worst = 0, scale = DBL_MIN;
    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)got[i] - expected[i]);
        if (!(off <= worst))
            worst = isfinite(off) ? off : (double)INFINITY;
        scale = fmax(scale, fabs(expected[i]));
    }
    return worst / scale;
}

static double *fetch(const struct golden *g, const char *name, size_t count)
{
    const struct safetensor *tensor = safetensors_find(&g->file, name);
    if (!tensor || safetensor_values(tensor) != count)
        fail_msg("the reference has no tensor %s of %zu values", name, count);
    double *values = calloc(count + 1, sizeof *values);
    assert_non_null(values);
    safetensor_read_f64(&g->file, tensor, values);
    return values;
}

static void fetch_real(const struct golden *g, const char *name, size_t count, real *out)
{
    double *values = fetch(g, name, count);
    for (size_t i = 0; i < count; i++)
        out[i] = (real)values[i];
    free(values);
}

static void assert_matches(const struct golden *g, const char *name, const real *got, size_t count)
{
    double *expected = fetch(g, name, count);
    double off = distance(got, expected, count);
    if (off > TOLERANCE)
        fail_msg("%s: off by %.3g of its largest value, %.3g allowed", name, off, TOLERANCE);
    free(expected);
}

static size_t metadata_size(const struct golden *g, const char *key)
{
    const char *value = safetensors_metadata(&g->file, key);
    assert_non_null(value);
    return strtoul(value, NULL, 10);
}

static unsigned char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    assert_true(length > 0);
    rewind(file);
    unsigned char *bytes = malloc((size_t)length);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)length, file), (size_t)length);
    fclose(file);
    *size = (size_t)length;
    return bytes;
}

static real *block(size_t count)
{
    real *values = calloc(count + 1, sizeof *values);
    assert_non_null(values);
    return values;
}

static void reset_params(struct golden *g)
{
    memcpy(g->params, g->initial, g->offset[TENSORS] * sizeof *g->params);
}

static void allocate(struct golden *g, const char *name)
{
    char path[4096];
    size_t size = 0;
    struct err err = {0};
    memset(g, 0, sizeof *g);
    snprintf(path, sizeof path, "%s/rnn/%s.safetensors", OUTRO_GOLDEN, name);
    g->bytes = read_file(path, &size);
    if (!g->bytes) {
        print_message("SKIPPED: no reference values at %s\n", path);
        skip();
    }
    if (safetensors_parse(g->bytes, size, &g->file, &err))
        fail_msg("%s: %s", path, err.text);
    g->batch = metadata_size(g, "batch");
    g->steps = metadata_size(g, "steps");
    g->inputs = metadata_size(g, "inputs");
    g->hidden = metadata_size(g, "hidden");
    size_t b = g->batch, t = g->steps, h = g->hidden;
    const size_t counts[TENSORS] = {3 * h * g->inputs, 3 * h * h, 3 * h, 3 * h,
                                    OUTPUTS * h,       OUTPUTS};
    for (size_t i = 0; i < TENSORS; i++)
        g->offset[i + 1] = g->offset[i] + counts[i];
    g->params = block(g->offset[TENSORS]);
    g->initial = block(g->offset[TENSORS]);
    g->gradient = block(g->offset[TENSORS]);
    g->x = block(b * t * g->inputs);
    g->y = block(b);
    g->states = block(b * (t + 1) * h);
    g->d_states = block(b * (t + 1) * h);
    g->gates = block(b * t * 4 * h);
    g->d_gates = block(b * t * 4 * h);
    g->last = block(b * h);
    g->d_last = block(b * h);
    g->prediction = block(b * OUTPUTS);
    g->d_prediction = block(b * OUTPUTS);
    fetch_real(g, "x", b * t * g->inputs, g->x);
    fetch_real(g, "y", b, g->y);
}

static void release(struct golden *g)
{
    real *blocks[] = {g->params, g->initial,    g->gradient,    g->x,       g->y,
                      g->states, g->d_states,   g->gates,       g->d_gates, g->last,
                      g->d_last, g->prediction, g->d_prediction};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    safetensors_release(&g->file);
    free(g->bytes);
}

static struct gru_params gru_of(const struct golden *g)
{
    return (struct gru_params){g->params + g->offset[0], g->params + g->offset[1],
                               g->params + g->offset[2], g->params + g->offset[3]};
}

static struct gru_sequences sequences_of(const struct golden *g)
{
    return (struct gru_sequences){g->batch, g->steps, g->x, g->states, g->gates};
}

static void forward(struct golden *g)
{
    struct gru_shape shape = {g->inputs, g->hidden};
    struct dense_shape head = {g->hidden, OUTPUTS, DENSE_LINEAR};
    struct gru_params params = gru_of(g);
    struct gru_sequences sequences = sequences_of(g);
    gru_forward(&shape, &params, &sequences);
    for (size_t b = 0; b < g->batch; b++)
        memcpy(g->last + b * g->hidden, g->states + (b * (g->steps + 1) + g->steps) * g->hidden,
               g->hidden * sizeof *g->last);
    dense_forward(&head, g->params + g->offset[4], g->params + g->offset[5], g->batch, g->last,
                  g->prediction);
}

static void backward(struct golden *g)
{
    struct gru_shape shape = {g->inputs, g->hidden};
    struct dense_shape head = {g->hidden, OUTPUTS, DENSE_LINEAR};
    struct gru_params params = gru_of(g);
    struct gru_sequences sequences = sequences_of(g);
    real *d = g->gradient;
    memset(d, 0, g->offset[TENSORS] * sizeof *d);
    dense_backward(&head, g->params + g->offset[4], g->batch, g->last, g->prediction,
                   g->d_prediction, g->d_last, d + g->offset[4], d + g->offset[5]);
    memset(g->d_states, 0, g->batch * (g->steps + 1) * g->hidden * sizeof *g->d_states);
    for (size_t b = 0; b < g->batch; b++)
        memcpy(g->d_states + (b * (g->steps + 1) + g->steps) * g->hidden, g->d_last + b * g->hidden,
               g->hidden * sizeof *g->d_last);
    struct gru_gradients gradients = {d + g->offset[0], d + g->offset[1], d + g->offset[2],
                                      d + g->offset[3]};
    gru_backward(&shape, &params, &sequences, g->d_states, g->d_gates, NULL, &gradients);
}

/* The reference's mae and mse are of the median alone. */
static double median_loss(struct golden *g, const char *name)
{
    struct loss loss;
    assert_int_equal(loss_by_name(name, &loss, NULL), 0);
    real *median = block(2 * g->batch), *gradient = median + g->batch;
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
static void train(struct golden *g, const char *optimizer_text, const real *first, double *losses)
{
    struct optimizer_settings settings;
    assert_int_equal(optimizer_parse(optimizer_text, &settings, NULL), 0);
    struct optimizer *optimizer = optimizer_new(&settings, g->offset[TENSORS], NULL);
    assert_non_null(optimizer);
    for (size_t step = 0; step < CURVE_STEPS; step++) {
        forward(g);
        losses[step] = loss_of(g, "pinball");
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
    size_t count = g->offset[TENSORS];
    double losses[CURVE_STEPS], *expected = fetch(g, "curve.sgd_momentum", CURVE_STEPS);
    double *start = calloc(count + 1, sizeof *start), worst = 0;
    assert_non_null(start);
    for (size_t i = 0; i < count; i++)
        start[i] = ended[i] + reach * (double)first[i];
    for (int round = 0; round < SEARCH_ROUNDS; round++) {
        for (size_t i = 0; i < count; i++)
            g->params[i] = g->initial[i] = (real)start[i];
        train(g, SGD_MOMENTUM, first, losses);
        for (size_t i = 0; i < count; i++)
            start[i] += ended[i] - (double)g->params[i];
    }
    for (size_t i = 0; i < CURVE_STEPS; i++)
        worst = fmax(worst, fabs(losses[i] - expected[i]));
    free(start);
    free(expected);
    return worst <= CURVE_TOLERANCE;
}

static double *fetch_block(const struct golden *g, const char *prefix)
{
    double *values = calloc(g->offset[TENSORS], sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < TENSORS; i++) {
        char name[64];
        size_t count = g->offset[i + 1] - g->offset[i];
        snprintf(name, sizeof name, "%s.%s", prefix, tensor_names[i]);
        double *tensor = fetch(g, name, count);
        memcpy(values + g->offset[i], tensor, count * sizeof *tensor);
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
    static const double reaches[] = {.85, 1.15, .95, 1.05, .75, 1.25};
    double *stored = fetch_block(g, "param"), *first = fetch_block(g, "grad.pinball");
    double *loss = fetch(g, "loss.pinball", 1);
    real *gradient = block(g->offset[TENSORS]);
    for (size_t i = 0; i < g->offset[TENSORS]; i++) {
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

/* Loads one file. Where it is absent the test says so and skips. */
static void load(struct golden *g, const char *name)
{
    allocate(g, name);
    find_params(g);
}

static void check_forward(struct golden *g)
{
    size_t row = g->steps * g->hidden;
    real *output = block(g->batch * row);
    reset_params(g);
    forward(g);
    for (size_t b = 0; b < g->batch; b++) /* the reference has no row for the state carried in */
        memcpy(output + b * row, g->states + b * (row + g->hidden) + g->hidden,
               row * sizeof *output);
    assert_matches(g, "output", output, g->batch * row);
    assert_matches(g, "h_n", g->last, g->batch * g->hidden);
    assert_matches(g, "prediction", g->prediction, g->batch * OUTPUTS);
    free(output);
}

static void check_gradients(struct golden *g)
{
    static const char *const losses[] = {"pinball", "mae", "mse"};
    reset_params(g);
    forward(g);
    for (size_t l = 0; l < sizeof losses / sizeof *losses; l++) {
        char tensor[64];
        real loss = (real)loss_of(g, losses[l]);
        snprintf(tensor, sizeof tensor, "loss.%s", losses[l]);
        assert_matches(g, tensor, &loss, 1);
        backward(g);
        for (size_t i = 0; i < TENSORS; i++) {
            snprintf(tensor, sizeof tensor, "grad.%s.%s", losses[l], tensor_names[i]);
            assert_matches(g, tensor, g->gradient + g->offset[i], g->offset[i + 1] - g->offset[i]);
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
        const struct curve *curve = &curves[i];
        double losses[CURVE_STEPS], *expected = fetch(g, curve->name, CURVE_STEPS);
        reset_params(g);
        train(g, curve->optimizer, NULL, losses);
        for (size_t step = 0; step < CURVE_STEPS; step++)
            if (!(fabs(losses[step] - expected[step]) <= CURVE_TOLERANCE))
                fail_msg("%s, step %zu: loss %.12g, expected %.12g", curve->name, step,
                         losses[step], expected[step]);
        free(expected);
    }
}

static void check_file(const char *name)
{
    struct golden g;
    load(&g, name);
    check_forward(&g);
    check_gradients(&g);
    check_curves(&g);
    release(&g);
}

static void test_golden_rnn_matches_small(void **state)
{
    (void)state;
    check_file("gru_l1_i5_h7");
}

static void test_golden_rnn_matches_large(void **state)
{
    (void)state;
    check_file("gru_l1_i24_h64");
}

/* The checker itself: one value spoilt by a few tolerances, or no number, must be seen. */
static void test_golden_rnn_checker_sees_a_spoilt_value(void **state)
{
    (void)state;
    const double expected[] = {.25, -2, 1};
    real got[] = {(real).25, -2, 1};
    assert_true(distance(got, expected, 3) <= TOLERANCE);
    got[2] += (real)(2 * TOLERANCE * 3);
    assert_true(distance(got, expected, 3) > TOLERANCE);
    got[2] = (real)NAN;
    assert_true(distance(got, expected, 3) > TOLERANCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_rnn_matches_small),
        cmocka_unit_test(test_golden_rnn_matches_large),
        cmocka_unit_test(test_golden_rnn_checker_sees_a_spoilt_value),
    };
    tensor_use_one_thread(); /* these products are too small to share */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
