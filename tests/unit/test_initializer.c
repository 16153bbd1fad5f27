/* Initialisers: names, bounds, and that orthogonal is, whichever side is longer. (Statistics
 * against Keras' are in tests/golden.) */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/initializer.h"

#define VALUES_MAX 4096

static void fill(const char *name, struct initializer_shape shape, uint64_t seed, real *values)
{
    struct err err = {0};
    struct random random;
    const struct initializer *initializer = initializer_by_name(name, &err);
    assert_true(shape.out * shape.in <= VALUES_MAX);
    if (!initializer)
        fail_msg("%s", err.text);
    random_init(&random, seed, 0);
    assert_int_equal(initializer_fill(initializer, &shape, &random, values, &err), 0);
}

static void test_initializer_uniforms_keep_their_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct initializer_shape shape;
        double bound;
    } cases[] = {
        {"glorot_uniform", {.out = 64, .in = 32}, .25},
        {"torch_uniform", {.out = 64, .in = 32, .fan = 16}, .25},
        {"kaiming_uniform", {.out = 32, .in = 64, .fan = 1}, .125},
    };
    real values[VALUES_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double low = 0, high = 0;
        fill(cases[i].name, cases[i].shape, i, values);
        for (size_t k = 0; k < cases[i].shape.out * cases[i].shape.in; k++) {
            low = fmin(low, (double)values[k]);
            high = fmax(high, (double)values[k]);
        }
        if (low < -cases[i].bound || high > cases[i].bound || low > -.98 * cases[i].bound ||
            high < .98 * cases[i].bound)
            fail_msg("%s: %g to %g, expected +-%g", cases[i].name, low, high, cases[i].bound);
    }
}

static void test_initializer_constants(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        real expected[8];
    } cases[] = {
        {"zeros", {0}},
        {"ones", {1, 1, 1, 1, 1, 1, 1, 1}},
        {"lstm_forget_one", {0, 0, 1, 1, 0, 0, 0, 0}},
    };
    real values[VALUES_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fill(cases[i].name, (struct initializer_shape){.out = 8, .in = 1}, 0, values);
        for (size_t k = 0; k < 8; k++)
            assert_true(values[k] == cases[i].expected[k]);
    }
}

/* Rows of the shorter side against each other. */
static double off_orthonormal(struct initializer_shape shape, const real *values)
{
    bool tall = shape.out >= shape.in;
    size_t lines = tall ? shape.in : shape.out, length = tall ? shape.out : shape.in;
    size_t next_line = tall ? 1 : shape.in, next = tall ? shape.in : 1;
    double worst = 0;
    for (size_t a = 0; a < lines; a++)
        for (size_t b = 0; b < lines; b++) {
            double dot = 0;
            for (size_t i = 0; i < length; i++)
                dot += (double)values[a * next_line + i * next] *
                       (double)values[b * next_line + i * next];
            worst = fmax(worst, fabs(dot - (a == b)));
        }
    return worst;
}

static void test_initializer_orthogonal(void **state)
{
    (void)state;
    static const struct initializer_shape shapes[] = {
        {.out = 64, .in = 16}, {.out = 16, .in = 64}, {.out = 7, .in = 7}, {.out = 1, .in = 1}};
    real values[VALUES_MAX];
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        fill("orthogonal", shapes[i], i, values);
        double off = off_orthonormal(shapes[i], values);
        if (!(off <= 1e-6))
            fail_msg("%zu by %zu: off by %g", shapes[i].out, shapes[i].in, off);
    }
}

/* Of one by one it is 1 or -1, each as often: the signs of R are taken out. */
static void test_initializer_orthogonal_has_either_sign(void **state)
{
    (void)state;
    int positive = 0;
    real value;
    for (uint64_t seed = 0; seed < 400; seed++) {
        fill("orthogonal", (struct initializer_shape){.out = 1, .in = 1}, seed, &value);
        positive += value > 0;
    }
    assert_in_range(positive, 160, 240); /* four deviations */
}

static void test_initializer_unknown_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    assert_null(initializer_by_name("he_normal", &err));
    assert_int_equal(err.code, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_initializer_uniforms_keep_their_bounds),
        cmocka_unit_test(test_initializer_constants),
        cmocka_unit_test(test_initializer_orthogonal),
        cmocka_unit_test(test_initializer_orthogonal_has_either_sign),
        cmocka_unit_test(test_initializer_unknown_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
