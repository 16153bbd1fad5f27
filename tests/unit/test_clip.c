/* Clipping by hand: what is too large shrinks, what is not keeps its bits, what is no number is
 * seen in the norm. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/clip.h"

static struct clip clip_of(const char *text)
{
    struct clip clip;
    struct err err = {0};
    if (clip_by_name(text, &clip, &err))
        fail_msg("%s", err.text);
    return clip;
}

/* Two tensors: 3, -4 and 0, 12; norms 5 and 12, together 13. */
static void test_clip_forms(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 2};
    static const struct {
        const char *text;
        double expected[4];
    } cases[] = {
        {"none", {3, -4, 0, 12}},         {"norm:13", {3, -4, 0, 12}},
        {"norm:6.5", {1.5, -2, 0, 6}},    {"norm.torch:6.5", {1.5, -2, 0, 6}},
        {"norm_each:10", {3, -4, 0, 10}}, {"norm_each:1", {.6, -.8, 0, 1}},
        {"value:3.5", {3, -3.5, 0, 3.5}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct clip clip = clip_of(cases[i].text);
        real gradient[] = {3, -4, 0, 12};
        assert_true(fabs(clip_gradient(&clip, gradient, sizes, 2) - 13) < 1e-6);
        for (size_t k = 0; k < 4; k++)
            if (fabs((double)gradient[k] - cases[i].expected[k]) > 1e-6)
                fail_msg("%s: %g at %zu, expected %g", cases[i].text, (double)gradient[k], k,
                         cases[i].expected[k]);
    }
}

static void test_clip_keeps_the_bits_of_a_small_gradient(void **state)
{
    (void)state;
    const size_t size = 2;
    struct clip clip = clip_of("norm:1");
    real small[] = {(real).3, (real)-.4};
    assert_true(fabs(clip_gradient(&clip, small, &size, 1) - .5) < 1e-6);
    assert_true(small[0] == (real).3 && small[1] == (real)-.4);
}

static void test_clip_norm_shows_a_nan(void **state)
{
    (void)state;
    static const char *const texts[] = {"none", "norm:1", "norm.torch:1", "norm_each:1", "value:1"};
    const size_t size = 2;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct clip clip = clip_of(texts[i]);
        real broken[] = {1, (real)NAN};
        assert_false(isfinite(clip_gradient(&clip, broken, &size, 1)));
        assert_true(isnan(broken[1]));
    }
}

static void test_clip_reads_back_what_it_prints(void **state)
{
    (void)state;
    static const char *const good[] = {"none", "norm:1", "norm.torch:0.5", "norm_each:10",
                                       "value:0.25"};
    static const char *const bad[] = {"",       "norm",     "norm:",   "norm:0", "norm:-1",
                                      "norm:x", "norm:nan", "none:1",  "none:",  "clip:1",
                                      "value",  "norm:1 2", "norm:inf"};
    char printed[CLIP_TEXT_MAX];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct clip clip = clip_of(good[i]);
        clip_print(&clip, printed);
        assert_string_equal(printed, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct clip clip;
        struct err err = {0};
        if (clip_by_name(bad[i], &clip, &err) == 0)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(err.code, ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clip_forms),
        cmocka_unit_test(test_clip_keeps_the_bits_of_a_small_gradient),
        cmocka_unit_test(test_clip_norm_shows_a_nan),
        cmocka_unit_test(test_clip_reads_back_what_it_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
