/* Optimizers: two steps by hand (their paths against Keras and PyTorch are in tests/golden), names
 * and settings, and that a resume gives the same bits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nn/optimizer.h"

#define PARAMS 37 /* no multiple of a vector */

static struct optimizer_settings settings_of(const char *text)
{
    struct optimizer_settings settings;
    struct err err = {0};
    if (optimizer_parse(text, &settings, &err))
        fail_msg("%s", err.text);
    return settings;
}

static struct optimizer *optimizer_of(const struct optimizer_settings *settings, size_t count)
{
    struct optimizer *optimizer = optimizer_new(settings, count, NULL);
    assert_non_null(optimizer);
    return optimizer;
}

static void test_optimizer_two_steps(void **state)
{
    (void)state;
    /* From 1 with gradient 2, then -1, at rate .1. With beta1 .5, beta2 .5, eps 0 Adam's corrected
     * m is 2, then 0, its v 4 then 2; so the second step stands still. */
    static const struct {
        const char *text;
        double first, second;
    } cases[] = {
        {"sgd", .8, .9},
        {"sgd.keras weight_decay=1", .7, .73},
        {"sgd.torch l2=1", .7, .73},
        {"sgd.keras2 decay=1", .8, .85},
        {"momentum momentum=.5", .8, .8},
        {"momentum.keras momentum=.5", .8, .8},
        {"nesterov momentum=.5", .7, .8},
        {"rmsprop rho=.75 epsilon=1", .9, .9 + .1 / 2},
        {"rmsprop.keras rho=.75 epsilon=0", .8, .8 + .1},
        {"adam beta1=.5 beta2=.5 epsilon=0", .9, .9},
        {"adam.torch beta1=.5 beta2=.5 epsilon=2", .95, .95},
        {"adamw beta1=.5 beta2=.5 epsilon=0 weight_decay=1", .8, .72},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct optimizer_settings settings = settings_of(cases[i].text);
        struct optimizer *optimizer = optimizer_of(&settings, 1);
        real p = 1, g = 2;
        optimizer_step(optimizer, .1, &p, &g);
        if (fabs((double)p - cases[i].first) > 1e-6)
            fail_msg("%s: %g after a step, expected %g", cases[i].text, (double)p, cases[i].first);
        g = -1;
        optimizer_step(optimizer, .1, &p, &g);
        if (fabs((double)p - cases[i].second) > 1e-6)
            fail_msg("%s: %g after two, expected %g", cases[i].text, (double)p, cases[i].second);
        optimizer_free(optimizer);
    }
}

static void test_optimizer_name_alone_is_torchs(void **state)
{
    (void)state;
    struct optimizer_settings s = settings_of("adamw");
    assert_int_equal(s.form, FORM_TORCH);
    assert_true(s.beta1 == .9 && s.beta2 == .999 && s.epsilon == 1e-8 && s.weight_decay == .01);
}

static void test_optimizer_reads_back_what_it_prints(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed; /* NULL: refused */
    } cases[] = {
        {"adam", "adam.torch"},
        {" adam.keras \t lr=.001 ", "adam.keras"},
        {"adam.keras2 decay=.01 amsgrad=1", "adam.keras2 decay=0.01 amsgrad=1"},
        {"rmsprop lr=0.1 centered=1 momentum=.9", "rmsprop.torch lr=0.1 momentum=0.9 centered=1"},
        {"adamw.torch l2=1e-9 weight_decay=0", "adamw.torch l2=1e-09 weight_decay=0"},
        {"", NULL},
        {"adamw.keras2", NULL},
        {"adam.", NULL},
        {"adam.tf", NULL},
        {"ada", NULL},
        {"adam lr=0", NULL},
        {"adam lr=nan", NULL},
        {"adam lr", NULL},
        {"adam beta1=1", NULL},
        {"adam amsgrad=2", NULL},
        {"adam rho=.9", NULL},
        {"adam decay=.1", NULL},
        {"sgd momentum=.9", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct optimizer_settings settings;
        struct err err = {0};
        char printed[OPTIMIZER_TEXT_MAX];
        int read = optimizer_parse(cases[i].text, &settings, &err);
        if ((read == 0) != (cases[i].printed != NULL))
            fail_msg("'%s' %s", cases[i].text, read ? err.text : "was taken");
        if (read) {
            assert_int_equal(err.code, ERR_INPUT);
            continue;
        }
        optimizer_print(&settings, printed);
        assert_string_equal(printed, cases[i].printed);
    }
}

static void fill(real *values, int seed)
{
    for (int i = 0; i < PARAMS; i++)
        values[i] = (real)sin(i * 1.7 + seed * .9);
}

static void steps(struct optimizer *optimizer, real *params, int first, int last)
{
    real gradient[PARAMS];
    for (int step = first; step < last; step++) {
        fill(gradient, step);
        optimizer_step(optimizer, 1e-2, params, gradient);
    }
}

/* Six steps, and three of them by another optimizer that was given what the first remembered. */
static void check_resume(const struct optimizer_settings *settings)
{
    struct optimizer *whole = optimizer_of(settings, PARAMS);
    struct optimizer *before = optimizer_of(settings, PARAMS);
    struct optimizer *after = optimizer_of(settings, PARAMS);
    real params[PARAMS], resumed[PARAMS];
    size_t count, after_count;
    fill(params, 100);
    memcpy(resumed, params, sizeof params);
    steps(whole, params, 0, 6);
    steps(before, resumed, 0, 3);
    real *saved = optimizer_state(before, &count), *restored = optimizer_state(after, &after_count);
    assert_int_equal(count, after_count);
    if (count)
        memcpy(restored, saved, count * sizeof *saved);
    assert_int_equal(optimizer_steps(before), 3);
    optimizer_resume(after, optimizer_steps(before));
    steps(after, resumed, 3, 6);
    assert_memory_equal(params, resumed, sizeof params);
    optimizer_free(whole);
    optimizer_free(before);
    optimizer_free(after);
}

static void test_optimizer_resumes_to_the_same_bits(void **state)
{
    (void)state;
    struct optimizer_settings settings;
    size_t rows = 0;
    for (; optimizer_row(rows, &settings); rows++)
        check_resume(&settings);
    assert_int_equal(rows, 29);
    static const char *const options[] = {"adam.torch amsgrad=1", "rmsprop.keras centered=1",
                                          "rmsprop.torch momentum=.9", "adam.keras2 decay=.1"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        settings = settings_of(options[i]);
        check_resume(&settings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimizer_two_steps),
        cmocka_unit_test(test_optimizer_name_alone_is_torchs),
        cmocka_unit_test(test_optimizer_reads_back_what_it_prints),
        cmocka_unit_test(test_optimizer_resumes_to_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
