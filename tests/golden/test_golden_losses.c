/* Every loss against Keras 3 in float64 (../shared/golden/keras/losses.safetensors): value and
 * gradient, on a plain batch, on one of edges (zeros, ties, tiny and negative targets, errors of
 * hundreds), and three quantiles at once. Built in float32 and in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_file.h"
#include "nn/loss.h"

/* Ten times what the reference saw of its own in float32. */
#define TOLERANCE (sizeof(real) == sizeof(float) ? 1e-6 : 1e-12)
#define FILE_NAME "keras/losses.safetensors"

static const struct {
    const char *tensor, *loss;
} cases[] = {
    {"mse", "mse"},
    {"mae", "mae"},
    {"huber", "huber:1"},
    {"msle", "msle"},
    {"mape", "mape"},
    {"logcosh", "logcosh"},
    {"pinball_10", "pinball:.1"},
    {"pinball_50", "pinball:.5"},
    {"pinball_90", "pinball:.9"},
};
#define CASES (sizeof cases / sizeof *cases)

/* At a tie any slope of a pinball loss from -q to 1-q is right: the reference has -q, ours is 0. */
static void allow_ties(const struct loss *loss, const struct loss_rows *rows, const real *gradient,
                       double *expected)
{
    for (size_t i = 0; loss_outputs(loss) && i < rows->rows * rows->outputs; i++)
        if (rows->prediction[i] == rows->target[i / rows->outputs] && gradient[i] == 0)
            expected[i] = 0;
}

/* Names of value and gradient are prefix.value and prefix.gradient. */
static void check(const struct golden_file *golden, const char *text, const char *prefix,
                  const struct loss_rows *rows)
{
    struct loss loss;
    char name[64];
    size_t count = rows->rows * rows->outputs;
    real *gradient = calloc(count, sizeof *gradient);
    assert_non_null(gradient);
    assert_int_equal(loss_by_name(text, &loss, NULL), 0);
    real value = (real)loss_compute(&loss, rows, gradient);
    snprintf(name, sizeof name, "%s.value", prefix);
    golden_check_tensor(golden, name, &value, 1, TOLERANCE);
    snprintf(name, sizeof name, "%s.gradient", prefix);
    double *expected = golden_fetch(golden, name, count);
    allow_ties(&loss, rows, gradient, expected);
    golden_check(name, gradient, expected, count, TOLERANCE);
    free(expected);
    free(gradient);
}

static void check_batch(const char *batch)
{
    struct golden_file golden;
    char name[64];
    golden_open(&golden, FILE_NAME);
    snprintf(name, sizeof name, "%s.target", batch);
    size_t count = golden_count(&golden, name);
    real *target = golden_fetch_real(&golden, name, count);
    snprintf(name, sizeof name, "%s.prediction", batch);
    real *prediction = golden_fetch_real(&golden, name, count);
    struct loss_rows rows = {count, 1, prediction, target, 1 / (double)count};
    for (size_t i = 0; i < CASES; i++) {
        snprintf(name, sizeof name, "%s.%s", batch, cases[i].tensor);
        check(&golden, cases[i].loss, name, &rows);
    }
    free(target);
    free(prediction);
    golden_close(&golden);
}

static void test_golden_losses_plain(void **state)
{
    (void)state;
    check_batch("plain");
}

static void test_golden_losses_edge(void **state)
{
    (void)state;
    check_batch("edge");
}

static void test_golden_losses_quantiles(void **state)
{
    (void)state;
    struct golden_file golden;
    golden_open(&golden, FILE_NAME);
    size_t count = golden_count(&golden, "quantiles.target");
    real *target = golden_fetch_real(&golden, "quantiles.target", count);
    real *prediction = golden_fetch_real(&golden, "quantiles.prediction", 3 * count);
    struct loss_rows rows = {count, 3, prediction, target, 1 / (double)(3 * count)};
    check(&golden, "pinball:.1,.5,.9", "quantiles", &rows);
    free(target);
    free(prediction);
    golden_close(&golden);
}

/* Four tensors of batches, two of each case and batch, four of the quantiles: no other. */
static void test_golden_losses_leaves_none_out(void **state)
{
    (void)state;
    struct golden_file golden;
    golden_open(&golden, FILE_NAME);
    assert_int_equal(golden.file.count, 4 + 2 * 2 * CASES + 4);
    golden_close(&golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_losses_plain),
        cmocka_unit_test(test_golden_losses_edge),
        cmocka_unit_test(test_golden_losses_quantiles),
        cmocka_unit_test(test_golden_losses_leaves_none_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
