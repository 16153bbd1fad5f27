/* The approximations against libm, over everything a gate can be given. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/activation.h"

static void test_activation_sigmoid_and_tanh_are_within_a_millionth(void **state)
{
    (void)state;
    double worst_sigmoid = 0, worst_tanh = 0;
    for (int i = -2000000; i <= 2000000; i++) {
        float x = (float)i * 2e-5f; /* -40 .. 40 */
        double exact = (double)x;
        worst_sigmoid = fmax(worst_sigmoid, fabs((double)sigmoid_float(activation_bound(), x) -
                                                 1 / (1 + exp(-exact))));
        worst_tanh =
            fmax(worst_tanh, fabs((double)tanh_float(activation_bound(), x) - tanh(exact)));
    }
    assert_true(worst_sigmoid <= 1e-6);
    assert_true(worst_tanh <= 1e-6);
}

static void test_activation_exp_is_relatively_exact(void **state)
{
    (void)state;
    double worst = 0;
    for (int i = -8700000; i <= 8800000; i += 3) {
        float x = (float)i * 1e-5f;
        worst = fmax(worst, fabs((double)exp_float(x) / exp((double)x) - 1));
    }
    assert_true(worst <= 2e-7);
    assert_true(exp_float(0) == 1);
}

static void test_activation_extremes_stay_finite(void **state)
{
    (void)state;
    static const float extremes[] = {FLT_MAX, 1e10f, 100, 88.8f, -88.8f, -100, -1e10f, -FLT_MAX};
    for (size_t i = 0; i < sizeof extremes / sizeof *extremes; i++) {
        float x = extremes[i], sign = x > 0 ? 1 : -1;
        assert_true(isfinite(exp_float(x)) && exp_float(x) > 0);
        assert_true(fabsf(sigmoid_float(activation_bound(), x) - (x > 0)) <= 1e-6f);
        assert_true(fabsf(tanh_float(activation_bound(), x) - sign) <= 1e-6f);
    }
    assert_true(clamp_float((float)NAN, -2, 2) == -2);
    assert_true(clamp_float((float)INFINITY, -2, 2) == 2);
    assert_true(isfinite(exp_float((float)NAN)));
    assert_true(tanh_float(activation_bound(), 0) == 0); /* padded states stay zero by it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activation_sigmoid_and_tanh_are_within_a_millionth),
        cmocka_unit_test(test_activation_exp_is_relatively_exact),
        cmocka_unit_test(test_activation_extremes_stay_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
