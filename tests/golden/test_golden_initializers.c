/* How parameters start, against the statistics of 100 seeds of Keras 3 in
 * ../shared/golden/keras/training.json: limits, deviations, the orthogonality of the recurrent
 * kernel, the forget bias. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "nn/initializer.h"

#define SEEDS 100

struct statistics {
    double mean, deviation, low, high;
};

static json_t *load(const char *cell)
{
    json_error_t error;
    json_t *training = json_load_file(OUTRO_GOLDEN "/keras/training.json", 0, &error);
    if (!training) {
        print_message("SKIPPED: no reference values at %s\n", OUTRO_GOLDEN "/keras/training.json");
        skip();
    }
    json_t *found = json_object_get(json_object_get(training, "initializers"), cell);
    assert_non_null(found);
    json_incref(found);
    json_decref(training);
    return found;
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("the reference has no number %s", key);
    return json_number_value(value);
}

static void fill(const char *name, const struct initializer_shape *shape, uint64_t seed,
                 real *values)
{
    struct random random;
    const struct initializer *initializer = initializer_by_name(name, NULL);
    assert_non_null(initializer);
    random_init(&random, seed, 0);
    assert_int_equal(initializer_fill(initializer, shape, &random, values, NULL), 0);
}

/* The reference's shape is (in, out). @return of all values of all seeds */
static struct statistics measure(const char *name, const json_t *kernel)
{
    const json_t *dimensions = json_object_get(kernel, "shape");
    struct initializer_shape shape = {
        .out = (size_t)json_integer_value(json_array_get(dimensions, 1)),
        .in = (size_t)json_integer_value(json_array_get(dimensions, 0))};
    size_t count = shape.out * shape.in;
    real *values = calloc(count, sizeof *values);
    struct statistics s = {0};
    double squares = 0;
    assert_non_null(values);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        fill(name, &shape, seed, values);
        for (size_t i = 0; i < count; i++) {
            s.mean += (double)values[i] / (double)(SEEDS * count);
            squares += (double)values[i] * (double)values[i] / (double)(SEEDS * count);
            s.low = fmin(s.low, (double)values[i]);
            s.high = fmax(s.high, (double)values[i]);
        }
    }
    s.deviation = sqrt(squares - s.mean * s.mean);
    free(values);
    return s;
}

/* @param tolerance of the deviation, relative; the mean is allowed the same part of it */
static void check_statistics(const char *name, const json_t *kernel, double tolerance)
{
    double expected = number_of(kernel, "expected_std");
    double reference = number_of(json_object_get(kernel, "measured"), "std");
    struct statistics s = measure(name, kernel);
    print_message("%-16s deviation %.6f (Keras %.6f, expected %.6f), mean %+.1e\n", name,
                  s.deviation, reference, expected, s.mean);
    assert_true(fabs(s.deviation / expected - 1) < tolerance);
    assert_true(fabs(s.deviation / reference - 1) < 2 * tolerance);
    assert_true(fabs(s.mean) < 5 * expected / sqrt(SEEDS * 576));
}

static void check_limit(const json_t *kernel)
{
    double limit = number_of(kernel, "limit");
    struct statistics s = measure("glorot_uniform", kernel);
    assert_true(s.low >= -limit * (1 + 1e-7) && s.high <= limit * (1 + 1e-7));
    assert_true(s.low < -.995 * limit && s.high > .995 * limit);
}

static void check_cell(const char *cell)
{
    json_t *reference = load(cell);
    const json_t *kernel = json_object_get(reference, "kernel");
    check_limit(kernel);
    check_statistics("glorot_uniform", kernel, .01);
    /* Orthonormal lines have this deviation whatever is drawn. */
    check_statistics("orthogonal", json_object_get(reference, "recurrent_kernel"), 1e-4);
    json_decref(reference);
}

static void test_golden_initializers_lstm(void **state)
{
    (void)state;
    check_cell("lstm");
}

static void test_golden_initializers_gru(void **state)
{
    (void)state;
    check_cell("gru");
}

static void test_golden_initializers_dense(void **state)
{
    (void)state;
    json_t *dense = load("dense");
    check_limit(dense);
    json_decref(dense);
}

static void test_golden_initializers_lstm_bias(void **state)
{
    (void)state;
    json_t *lstm = load("lstm");
    const json_t *bias = json_object_get(lstm, "bias");
    struct initializer_shape shape = {.out = json_array_size(bias), .in = 1};
    real *values = calloc(shape.out, sizeof *values);
    assert_non_null(values);
    assert_int_equal(shape.out, 64);
    fill("lstm_forget_one", &shape, 0, values);
    for (size_t i = 0; i < shape.out; i++)
        assert_true((double)values[i] == json_number_value(json_array_get(bias, i)));
    free(values);
    json_decref(lstm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_initializers_lstm),
        cmocka_unit_test(test_golden_initializers_gru),
        cmocka_unit_test(test_golden_initializers_dense),
        cmocka_unit_test(test_golden_initializers_lstm_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
