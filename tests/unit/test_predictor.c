/* The serving net: its result is what the formulas give in double, the same bits in any batch, and
 * never NaN. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/kernels.h"
#include "nn/predictor.h"
#include "core/random.h"

#define ROWS      61 /* two full blocks of the kernels and an odd rest */
#define WIDTH_MAX 80

static const struct net_spec specs[] = {PREDICTOR_SPEC(32, 64), PREDICTOR_SPEC(0, 64),
                                        PREDICTOR_SPEC(7, 5), PREDICTOR_SPEC(64, 80),
                                        PREDICTOR_SPEC(1, 1)};
#define SPECS (sizeof specs / sizeof *specs)

/* One row's worth of everything. */
struct row {
    float x[STEP_INPUTS], start[START_FEATURES], live[LIVE_FEATURES], kernel[QUANTILES];
    float h[WIDTH_MAX], base[WIDTH_MAX], remaining[QUANTILES];
};

static void draw(struct random *random, float *out, size_t count, float low, float high)
{
    for (size_t i = 0; i < count; i++)
        out[i] = low + (high - low) * (float)random_uniform(random);
}

static void draw_rows(struct row *rows, size_t count, const struct net_spec *spec)
{
    struct random random;
    random_init(&random, 3, 0);
    memset(rows, 0, count * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        draw(&random, rows[i].x, STEP_INPUTS, -4, 9);
        draw(&random, rows[i].start, START_FEATURES, -4, 9);
        draw(&random, rows[i].live, LIVE_FEATURES, -4, 9);
        draw(&random, rows[i].kernel, QUANTILES, 0, 9000);
        draw(&random, rows[i].h, net_output_width(spec), -1, 1);
    }
}

/* A net whose weights and scaler are all of some size, so that nothing in the formulas goes
 * untested. */
static struct predictor *drawn_net(const struct net_spec *spec)
{
    struct err err = {0};
    struct random random;
    random_init(&random, 5, 0);
    struct predictor *net = predictor_new(spec, 11, &err);
    assert_non_null(net);
    draw(&random, net->params, net->params_count, -.2f, .2f);
    draw(&random, net->scaler.step_mean, STEP_INPUTS, -1, 5);
    draw(&random, net->scaler.start_mean, START_FEATURES, -1, 5);
    draw(&random, net->scaler.live_mean, LIVE_FEATURES, -1, 5);
    draw(&random, net->scaler.step_inverse_sd, STEP_INPUTS, .2f, 2);
    draw(&random, net->scaler.start_inverse_sd, START_FEATURES, .2f, 2);
    draw(&random, net->scaler.live_inverse_sd, LIVE_FEATURES, .2f, 2);
    return net;
}

static struct predictor_runner *runner_of(const struct predictor *net)
{
    struct err err = {0};
    struct predictor_runner *runner = predictor_runner_new(net, ROWS, NULL, &err);
    assert_non_null(runner);
    return runner;
}

/* Runs rows order[0 .. count-1] of rows in one batch, results back into them. */
static void serve(struct predictor_runner *runner, struct row *rows, const uint32_t *order,
                  size_t count)
{
    static float x[ROWS * STEP_INPUTS], start[ROWS * START_FEATURES], live[ROWS * LIVE_FEATURES];
    static float kernel[ROWS * QUANTILES], remaining[ROWS * QUANTILES];
    float *h[ROWS], *base[ROWS];
    const float *const_h[ROWS], *const_base[ROWS];
    for (size_t i = 0; i < count; i++) {
        struct row *row = &rows[order[i]];
        memcpy(x + i * STEP_INPUTS, row->x, sizeof row->x);
        memcpy(start + i * START_FEATURES, row->start, sizeof row->start);
        memcpy(live + i * LIVE_FEATURES, row->live, sizeof row->live);
        memcpy(kernel + i * QUANTILES, row->kernel, sizeof row->kernel);
        const_h[i] = h[i] = row->h;
        const_base[i] = base[i] = row->base;
    }
    predictor_step(runner, count, x, h);
    predictor_base(runner, count, const_h, start, base);
    predictor_live(runner, count, const_base, live, kernel, remaining);
    for (size_t i = 0; i < count; i++)
        memcpy(rows[order[i]].remaining, remaining + i * QUANTILES, sizeof rows->remaining);
}

/* ---- the formulas of predictor.h in double, written out once more ---- */

static double scaled(float x, float mean, float inverse_sd)
{
    return fmax(-5, fmin(5, ((double)x - (double)mean) * (double)inverse_sd));
}

static double product_at(const float *w, size_t row, size_t width, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < width; i++)
        sum += (double)w[row * width + i] * x[i];
    return sum;
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

static void reference_step(const struct predictor *net, const struct row *row, double *h)
{
    struct net_tensor t[NET_TENSORS_MAX];
    net_tensors(&net->spec, t);
    size_t units = net_output_width(&net->spec);
    const float *w_ih = net->params + t[0].offset, *w_hh = net->params + t[1].offset;
    const float *b_ih = net->params + t[2].offset, *b_hh = net->params + t[3].offset;
    double x[STEP_INPUTS], before[WIDTH_MAX];
    for (size_t i = 0; i < STEP_INPUTS; i++)
        x[i] = scaled(row->x[i], net->scaler.step_mean[i], net->scaler.step_inverse_sd[i]);
    for (size_t i = 0; i < units; i++)
        before[i] = (double)row->h[i];
    for (size_t j = 0; j < units; j++) {
        double in[3], back[3];
        for (size_t g = 0; g < 3; g++) {
            size_t k = g * units + j;
            in[g] = product_at(w_ih, k, STEP_INPUTS, x) + (double)b_ih[k];
            back[g] = product_at(w_hh, k, units, before) + (double)b_hh[k];
        }
        double r = logistic(in[0] + back[0]), z = logistic(in[1] + back[1]);
        double n = tanh(in[2] + r * back[2]);
        h[j] = (1 - z) * n + z * before[j];
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void reference_layer(const float *w, const float *b, size_t in, size_t out, bool relu,
                            const double *x, double *y)
{
    for (size_t o = 0; o < out; o++) {
        double sum = product_at(w, o, in, x) + (double)b[o];
        y[o] = relu && sum < 0 ? 0 : sum;
    }
}

static void reference_head(const struct predictor *net, const struct row *row, const double *h,
                           double remaining[QUANTILES])
{
    struct net_tensor all[NET_TENSORS_MAX];
    net_tensors(&net->spec, all);
    const struct net_tensor *t = all + (net_output_width(&net->spec) ? 4 : 0);
    const float *p = net->params;
    const struct predictor_scaler *s = &net->scaler;
    size_t units = net_output_width(&net->spec), dense = net->spec.dense[0].width;
    double x[WIDTH_MAX + START_FEATURES + LIVE_FEATURES], first[WIDTH_MAX], second[WIDTH_MAX];
    memcpy(x, h, units * sizeof *x);
    for (size_t i = 0; i < START_FEATURES; i++)
        x[units + i] = scaled(row->start[i], s->start_mean[i], s->start_inverse_sd[i]);
    for (size_t i = 0; i < LIVE_FEATURES; i++)
        x[units + START_FEATURES + i] =
            scaled(row->live[i], s->live_mean[i], s->live_inverse_sd[i]);
    reference_layer(p + t[0].offset, p + t[1].offset, units + START_FEATURES + LIVE_FEATURES, dense,
                    true, x, first);
    reference_layer(p + t[2].offset, p + t[3].offset, dense, dense, true, first, second);
    reference_layer(p + t[4].offset, p + t[5].offset, dense, QUANTILES, false, second, remaining);
    for (size_t q = 0; q < QUANTILES; q++)
        remaining[q] = fmax(exp(log((double)row->kernel[q] + 30) + remaining[q]) - 30, 0);
    qsort(remaining, QUANTILES, sizeof *remaining, compare_doubles);
}

static void assert_formulas(const struct predictor *net, const struct row *before,
                            const struct row *after, const char *kernels)
{
    double h[WIDTH_MAX], remaining[QUANTILES];
    reference_step(net, before, h);
    for (size_t j = 0; j < net_output_width(&net->spec); j++)
        if (!(fabs((double)after->h[j] - h[j]) <= 2e-6))
            fail_msg("%s: h[%zu] is %.9g, expected %.9g", kernels, j, (double)after->h[j], h[j]);
    reference_head(net, before, h, remaining);
    for (size_t q = 0; q < QUANTILES; q++)
        if (!(fabs((double)after->remaining[q] - remaining[q]) <= 3e-5 * (remaining[q] + 30)))
            fail_msg("%s: quantile %zu is %.9g, expected %.9g", kernels, q,
                     (double)after->remaining[q], remaining[q]);
}

static void test_predictor_serves_the_formulas(void **state)
{
    (void)state;
    static struct row before[ROWS], after[ROWS];
    const struct kernels *usable[3];
    uint32_t order[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        order[i] = i;
    for (size_t s = 0; s < SPECS; s++) {
        struct predictor *net = drawn_net(&specs[s]);
        struct predictor_runner *runner = runner_of(net);
        draw_rows(before, ROWS, &specs[s]);
        for (size_t k = 0; k < kernels_usable(usable); k++) {
            predictor_runner_use(runner, usable[k]);
            memcpy(after, before, sizeof after);
            serve(runner, after, order, ROWS);
            for (size_t i = 0; i < ROWS; i++)
                assert_formulas(net, &before[i], &after[i], usable[k]->name);
        }
        predictor_runner_free(runner);
        predictor_free(net);
    }
}

/* Cuts the rows, shuffled, into batches of every size in turn and compares all bytes with those
 * served one by one. */
static void assert_same_bits(struct predictor_runner *runner, const struct row *drawn,
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
        serve(runner, rows, order + done, count);
        done += count;
    }
    assert_memory_equal(rows, alone, sizeof rows);
}

static void test_predictor_row_has_the_same_bits_in_any_batch(void **state)
{
    (void)state;
    static struct row drawn[ROWS], alone[ROWS];
    const struct kernels *usable[3];
    for (size_t s = 0; s < SPECS; s++) {
        struct predictor *net = drawn_net(&specs[s]);
        struct predictor_runner *runner = runner_of(net);
        draw_rows(drawn, ROWS, &specs[s]);
        for (size_t k = 0; k < kernels_usable(usable); k++) {
            predictor_runner_use(runner, usable[k]);
            memcpy(alone, drawn, sizeof alone);
            for (uint32_t i = 0; i < ROWS; i++)
                serve(runner, alone, &i, 1);
            assert_memory_not_equal(alone, drawn, sizeof alone);
            for (uint64_t seed = 0; seed < 40; seed++)
                assert_same_bits(runner, drawn, alone, seed);
        }
        predictor_runner_free(runner);
        predictor_free(net);
    }
}

/* The last layer starts at a tenth: an untrained net says what the kernel says, to a few percent.
 */
static void test_predictor_untrained_is_the_kernel(void **state)
{
    (void)state;
    static struct row rows[ROWS];
    struct err err = {0};
    struct predictor *net = predictor_new(&specs[0], 7, &err);
    assert_non_null(net);
    struct predictor_runner *runner = runner_of(net);
    struct random random;
    double off = 0;
    random_init(&random, 6, 0);
    draw_rows(rows, ROWS, &specs[0]);
    for (uint32_t i = 0; i < ROWS; i++) {
        static const float kernel[QUANTILES] = {300, 1500, 6000};
        memcpy(rows[i].kernel, kernel, sizeof kernel);
        draw(&random, rows[i].x, STEP_INPUTS, -2, 2); /* about standardised */
        draw(&random, rows[i].start, START_FEATURES, -2, 2);
        draw(&random, rows[i].live, LIVE_FEATURES, -2, 2);
        serve(runner, rows, &i, 1);
        for (size_t q = 0; q < QUANTILES; q++)
            off += fabs(log(((double)rows[i].remaining[q] + 30) / ((double)kernel[q] + 30)));
    }
    off /= ROWS * QUANTILES;
    assert_true(off > 0 && off < .05);
    predictor_runner_free(runner);
    predictor_free(net);
}

/* Of a single output: what the median of a net with the same weights there would be. */
static void test_predictor_of_one_output_gives_the_median_alone(void **state)
{
    (void)state;
    static struct row rows[ROWS];
    struct err err = {0};
    struct net_spec spec = {.inputs = STEP_INPUTS, .features = ROW_FEATURES};
    assert_int_equal(net_spec_parse("gru:6", "5 relu, 1", &spec, &err), 0);
    struct predictor *net = predictor_new(&spec, 7, &err);
    assert_non_null(net);
    struct net_tensor t[NET_TENSORS_MAX];
    size_t bias = t[net_tensors(&spec, t) - 1].offset, weight = bias - 5;
    memset(net->params + weight, 0, 5 * sizeof *net->params);
    net->params[bias] = .25f;
    struct predictor_runner *runner = runner_of(net);
    draw_rows(rows, ROWS, &spec);
    rows[3].kernel[1] = 1000;
    for (uint32_t i = 0; i < ROWS; i++) {
        serve(runner, rows, &i, 1);
        double expected = exp(log((double)rows[i].kernel[1] + 30) + .25) - 30;
        assert_true(fabs((double)rows[i].remaining[1] - expected) < 1e-5 * (expected + 30));
        assert_true(isnan(rows[i].remaining[0]) && isnan(rows[i].remaining[2]));
    }
    predictor_runner_free(runner);
    predictor_free(net);
}

static void draw_extremes(struct random *random, float *out, size_t count)
{
    static const float extremes[] = {0, -1, FLT_MAX, -FLT_MAX, FLT_MIN, 1e30f, -1e30f, 1e-30f};
    for (size_t i = 0; i < count; i++)
        out[i] = extremes[random_below(random, sizeof extremes / sizeof *extremes)];
}

/* Whatever the inputs; in every other round with absurd weights too. */
static void test_predictor_is_sorted_and_finite_on_extremes(void **state)
{
    (void)state;
    static struct row rows[ROWS];
    struct random random;
    random_init(&random, 8, 0);
    for (int round = 0; round < 50; round++) {
        struct predictor *net = drawn_net(&specs[0]);
        if (round % 2)
            draw(&random, net->params, net->params_count, -1e15f, 1e15f);
        struct predictor_runner *runner = runner_of(net);
        draw_rows(rows, ROWS, &specs[0]);
        for (uint32_t i = 0; i < ROWS; i++) {
            draw_extremes(&random, rows[i].x, STEP_INPUTS);
            draw_extremes(&random, rows[i].start, START_FEATURES);
            draw_extremes(&random, rows[i].live, LIVE_FEATURES);
            draw_extremes(&random, rows[i].kernel, QUANTILES);
            serve(runner, rows, &i, 1);
            const float *r = rows[i].remaining;
            assert_true(r[0] >= 0 && r[0] <= r[1] && r[1] <= r[2] && r[2] <= FLT_MAX);
        }
        predictor_runner_free(runner);
        predictor_free(net);
    }
}

static void test_predictor_tensors_fill_the_block(void **state)
{
    (void)state;
    for (size_t s = 0; s < SPECS; s++) {
        struct net_tensor t[NET_TENSORS_MAX];
        struct err err = {0};
        size_t count = net_tensors(&specs[s], t), end = 0;
        struct predictor *net = predictor_new(&specs[s], 1, &err);
        assert_non_null(net);
        assert_int_equal(count, specs[s].recurrent_layers ? 10 : 6);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(t[i].offset, end);
            end += (size_t)t[i].rows * t[i].columns;
        }
        assert_int_equal(end, net->params_count);
        predictor_free(net);
    }
}

static void test_predictor_seed_decides_the_weights(void **state)
{
    (void)state;
    struct err err = {0};
    struct predictor *a = predictor_new(&specs[0], 1, &err);
    struct predictor *b = predictor_new(&specs[0], 1, &err);
    struct predictor *c = predictor_new(&specs[0], 2, &err);
    assert_non_null(a);
    struct predictor *d = predictor_copy(a, &err);
    assert_non_null(b);
    assert_non_null(c);
    assert_non_null(d);
    size_t size = a->params_count * sizeof *a->params;
    assert_memory_equal(a->params, b->params, size);
    assert_memory_equal(a->params, d->params, size);
    assert_memory_not_equal(a->params, c->params, size);
    predictor_free(a);
    predictor_free(b);
    predictor_free(c);
    predictor_free(d);
}

static void test_predictor_refuses_shapes(void **state)
{
    (void)state;
    static const struct net_spec bad[] = {PREDICTOR_SPEC(32, 0), PREDICTOR_SPEC(5000, 64),
                                          PREDICTOR_SPEC(32, 5000), PREDICTOR_SPEC(UINT32_MAX, 1)};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        assert_null(predictor_new(&bad[i], 1, &err));
        assert_int_equal(err.code, ERR_SHAPE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_predictor_serves_the_formulas),
        cmocka_unit_test(test_predictor_row_has_the_same_bits_in_any_batch),
        cmocka_unit_test(test_predictor_untrained_is_the_kernel),
        cmocka_unit_test(test_predictor_of_one_output_gives_the_median_alone),
        cmocka_unit_test(test_predictor_is_sorted_and_finite_on_extremes),
        cmocka_unit_test(test_predictor_tensors_fill_the_block),
        cmocka_unit_test(test_predictor_seed_decides_the_weights),
        cmocka_unit_test(test_predictor_refuses_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
