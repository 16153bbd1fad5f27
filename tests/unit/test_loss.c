/* Losses by hand: values, gradients, their ties, their names, and that a NaN is not lost on the
 * way. (Against Keras, and against differences, they are held in tests/golden.) */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

static struct loss loss_of(const char *text)
{
    struct loss loss;
    struct err err = {0};
    if (loss_by_name(text, &loss, &err))
        fail_msg("%s", err.text);
    return loss;
}

/* One prediction of each kind by hand: e = 2 (large), -.5 (small), 0. */
static void test_loss_values_and_gradients(void **state)
{
    (void)state;
    static const real prediction[] = {6, 3.5, 4};
    static const real target[] = {4, 4, 4};
    static const struct {
        const char *text;
        double value[3], slope[3];
    } cases[] = {
        {"mse", {4, .25, 0}, {4, -1, 0}},
        {"rmse", {4, .25, 0}, {0}},
        {"mae", {2, .5, 0}, {1, -1, 0}},
        {"huber", {1.5, .125, 0}, {1, -.5, 0}},
        {"huber:.25", {.46875, .09375, 0}, {.25, -.25, 0}},
        {"logcosh", {1.3250027, .1201145, 0}, {.9640276, -.4621172, 0}},
        {"mape", {50, 12.5, 0}, {25, -25, 0}},
        {"msle", {.1132136, .0111008, 0}, {.0961349, -.0468269, 0}},
        {"pinball:.25", {1.5, .125, 0}, {.75, -.25, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < 3; k++) {
            struct loss loss = loss_of(cases[i].text);
            struct loss_rows rows = {1, 1, &prediction[k], &target[k], .5};
            real gradient = 0;
            double value = loss_compute(&loss, &rows, loss_is_metric(&loss) ? NULL : &gradient);
            if (!near(value, .5 * cases[i].value[k]) ||
                !near((double)gradient, .5 * cases[i].slope[k]))
                fail_msg("%s, row %zu: %.9g and %.9g, expected half of %.9g and %.9g",
                         cases[i].text, k, value, (double)gradient, cases[i].value[k],
                         cases[i].slope[k]);
        }
}

static void test_loss_far_off_does_not_overflow(void **state)
{
    (void)state;
    const real prediction = 1e4F, target = -1e4F;
    struct loss_rows rows = {1, 1, &prediction, &target, 1};
    struct loss loss = loss_of("logcosh");
    real gradient;
    assert_true(fabs(loss_compute(&loss, &rows, &gradient) - (2e4 - log(2))) < 1e-6);
    assert_true(gradient == 1);
}

static void test_loss_rmse_is_the_root_of_the_mean(void **state)
{
    (void)state;
    struct loss rmse = loss_of("rmse"), mse = loss_of("mse");
    assert_true(loss_is_metric(&rmse) && !loss_is_metric(&mse));
    assert_true(loss_report(&rmse, 6.25) == 2.5 && loss_report(&mse, 6.25) == 6.25);
}

static void test_loss_of_nan_is_nan(void **state)
{
    (void)state;
    const real nan_value = (real)NAN, one = 1;
    const char *name;
    for (size_t i = 0; (name = loss_name(i)); i++) {
        struct loss loss = loss_of(strcmp(name, "pinball") == 0 ? "pinball:.5" : name);
        struct loss_rows target = {1, 1, &one, &nan_value, 1}, value = {1, 1, &nan_value, &one, 1};
        assert_true(isnan(loss_compute(&loss, &target, NULL)));
        assert_true(isnan(loss_compute(&loss, &value, NULL)));
    }
}

static void test_loss_reads_back_what_it_prints(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed; /* NULL: refused */
    } cases[] = {
        {"mse", "mse"},
        {"rmse", "rmse"},
        {"huber", "huber:1"},
        {"huber:0.3", "huber:0.3"},
        {"pinball:.1,.5,.9", "pinball:0.1,0.5,0.9"},
        {"pinball:.25", "pinball:0.25"},
        {"", NULL},
        {"MSE", NULL},
        {"mse:1", NULL},
        {"mse:", NULL},
        {"huber:0", NULL},
        {"huber:1,2", NULL},
        {"huber:nan", NULL},
        {"pinball", NULL},
        {"pinball:", NULL},
        {"pinball:0,.5", NULL},
        {"pinball:.5,1", NULL},
        {"pinball:.5,", NULL},
        {"pinball:.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct loss loss;
        struct err err = {0};
        char printed[LOSS_TEXT_MAX];
        int read = loss_by_name(cases[i].text, &loss, &err);
        if ((read == 0) != (cases[i].printed != NULL))
            fail_msg("'%s' %s", cases[i].text, read ? err.text : "was taken");
        if (read) {
            assert_int_equal(err.code, ERR_INPUT);
            continue;
        }
        loss_print(&loss, printed);
        assert_string_equal(printed, cases[i].printed);
    }
    struct loss loss = loss_of("pinball:.1,.9");
    assert_int_equal(loss_outputs(&loss), 2);
    loss = loss_of("mae");
    assert_int_equal(loss_outputs(&loss), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_pinball),
        cmocka_unit_test(test_loss_values_and_gradients),
        cmocka_unit_test(test_loss_far_off_does_not_overflow),
        cmocka_unit_test(test_loss_rmse_is_the_root_of_the_mean),
        cmocka_unit_test(test_loss_of_nan_is_nan),
        cmocka_unit_test(test_loss_reads_back_what_it_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
