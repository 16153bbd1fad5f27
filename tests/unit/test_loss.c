/* Losses by hand: values, gradients, their ties, and that a NaN is not lost on the way. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/loss.h"

static const double levels[] = {.1, .5, .9};

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-6;
}

static void test_loss_pinball(void **state)
{
    (void)state;
    static const struct {
        real prediction[3], target;
        double loss;
        double gradient[3];
    } cases[] = {
        {{0, 0, 0}, 10, 1 + 5 + 9, {-.1, -.5, -.9}},  /* all too low */
        {{20, 20, 20}, 10, 9 + 5 + 1, {.9, .5, .1}},  /* all too high */
        {{8, 10, 14}, 10, .2 + 0 + .4, {-.1, 0, .1}}, /* one met: no slope there */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        real gradient[3];
        struct loss_rows rows = {1, 3, cases[i].prediction, &cases[i].target, 1};
        assert_true(near(loss_pinball(&rows, levels, gradient), cases[i].loss));
        for (size_t q = 0; q < 3; q++)
            assert_true(near((double)gradient[q], cases[i].gradient[q]));
        rows.scale = 1. / 3;
        assert_true(near(loss_pinball(&rows, levels, NULL), cases[i].loss / 3));
    }
}

static void test_loss_mae_and_mse(void **state)
{
    (void)state;
    static const real prediction[] = {1, 5, 3, 3}, target[] = {3, 3};
    static const double mae[] = {-.25, .25, 0, 0}, mse[] = {-1, 1, 0, 0};
    struct loss_rows rows = {2, 2, prediction, target, .25};
    real gradient[4];
    assert_true(near(loss_mae(&rows, gradient), 1));
    for (size_t i = 0; i < 4; i++)
        assert_true(near((double)gradient[i], mae[i]));
    assert_true(near(loss_mse(&rows, gradient), 2));
    for (size_t i = 0; i < 4; i++)
        assert_true(near((double)gradient[i], mse[i]));
}

static void test_loss_of_nan_is_nan(void **state)
{
    (void)state;
    static const real prediction[] = {1, 2, 3};
    const real target = (real)NAN;
    struct loss_rows rows = {1, 3, prediction, &target, 1};
    assert_true(isnan(loss_pinball(&rows, levels, NULL)));
    assert_true(isnan(loss_mae(&rows, NULL)));
    assert_true(isnan(loss_mse(&rows, NULL)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_pinball),
        cmocka_unit_test(test_loss_mae_and_mse),
        cmocka_unit_test(test_loss_of_nan_is_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
