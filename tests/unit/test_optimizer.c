/* Optimizers: two steps by hand of every kind (their curves against PyTorch are in tests/golden),
 * and clipping. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/optimizer.h"

static void test_optimizer_two_steps(void **state)
{
    (void)state;
    /* From 1 with gradient 2, then -1, at rate .1. With beta1 .5, beta2 .5, eps 0 Adam's corrected
     * m is 2, then 0, its v 4 then 2; so the second step stands still. */
    static const struct {
        struct optimizer_settings settings;
        double first, second;
    } cases[] = {
        {{.kind = OPTIMIZER_SGD}, .8, .9},
        {{.kind = OPTIMIZER_SGD, .momentum = .5}, .8, .8},
        {{.kind = OPTIMIZER_RMSPROP, .rho = .75, .epsilon = 1}, .9, .9 + .1 / 2},
        {{.kind = OPTIMIZER_ADAM, .beta1 = .5, .beta2 = .5}, .9, .9},
        {{.kind = OPTIMIZER_ADAM, .beta1 = .5, .beta2 = .5, .epsilon = 2}, .95, .95},
        {{.kind = OPTIMIZER_ADAMW, .beta1 = .5, .beta2 = .5, .weight_decay = 1}, .8, .72},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct optimizer *optimizer = optimizer_new(&cases[i].settings, 1, &err);
        assert_non_null(optimizer);
        real p = 1, g = 2;
        optimizer_step(optimizer, .1, &p, &g);
        if (fabs((double)p - cases[i].first) > 1e-6)
            fail_msg("case %zu: %g after a step, expected %g", i, (double)p, cases[i].first);
        g = -1;
        optimizer_step(optimizer, .1, &p, &g);
        if (fabs((double)p - cases[i].second) > 1e-6)
            fail_msg("case %zu: %g after two, expected %g", i, (double)p, cases[i].second);
        optimizer_free(optimizer);
    }
}

static void test_optimizer_defaults_are_pytorchs(void **state)
{
    (void)state;
    struct optimizer_settings s = optimizer_defaults(OPTIMIZER_ADAMW);
    assert_int_equal(s.kind, OPTIMIZER_ADAMW);
    assert_true(s.beta1 == .9 && s.beta2 == .999 && s.epsilon == 1e-8 && s.weight_decay == .01);
}

static void test_optimizer_gradient_clip(void **state)
{
    (void)state;
    real small[] = {(real).3, (real)-.4}, large[] = {30, -40}, broken[] = {1, (real)NAN};
    assert_true(fabs(gradient_clip(small, 2, 1) - .5) < 1e-6);
    assert_true(small[0] == (real).3 && small[1] == (real)-.4);
    assert_true(fabs(gradient_clip(large, 2, 1) - 50) < 1e-6);
    assert_true(fabs((double)large[0] - .6) < 1e-6 && fabs((double)large[1] + .8) < 1e-6);
    assert_false(isfinite(gradient_clip(broken, 2, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimizer_two_steps),
        cmocka_unit_test(test_optimizer_defaults_are_pytorchs),
        cmocka_unit_test(test_optimizer_gradient_clip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
