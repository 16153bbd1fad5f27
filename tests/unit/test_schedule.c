/* Learning-rate schedules by hand, and their texts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/schedule.h"

static void test_schedule_rates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double step, rate; /* of a peak of 8 */
    } cases[] = {
        {"constant", 0, 8},
        {"constant", 1e9, 8},
        {"constant warmup=4", 0, 0},
        {"constant warmup=4", 3, 6},
        {"constant warmup=4", 4, 8},
        {"constant warmup=4 start=.5", 1, 5},
        {"cosine steps=10", 0, 8},
        {"cosine steps=10", 5, 4},
        {"cosine steps=10", 10, 0},
        {"cosine steps=10", 1000, 0},
        {"cosine steps=10 floor=.5", 5, 6},
        {"cosine steps=10 floor=.5", 11, 4},
        {"cosine steps=10 warmup=2", 1, 4},
        {"cosine steps=10 warmup=2", 7, 4},
        {"step", 999, 8},
        {"step", 1000, 4},
        {"step every=10 factor=.25 warmup=5", 14, 8},
        {"step every=10 factor=.25 warmup=5", 15, 2},
        {"step every=10 factor=.25 warmup=5", 25, .5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schedule schedule;
        struct err err = {0};
        if (schedule_parse(cases[i].text, &schedule, &err))
            fail_msg("%s", err.text);
        double rate = schedule_rate(&schedule, 8, cases[i].step);
        if (fabs(rate - cases[i].rate) > 1e-12)
            fail_msg("%s at %g: %.17g, expected %g", cases[i].text, cases[i].step, rate,
                     cases[i].rate);
    }
}

static void test_schedule_reads_back_what_it_prints(void **state)
{
    (void)state;
    static const char *const good[] = {"constant", "constant warmup=50",
                                       "cosine warmup=50 start=0.01 steps=4000 floor=0.1",
                                       "step every=10 factor=0.9"};
    static const char *const bad[] = {"",
                                      "linear",
                                      "cosine every=3",
                                      "step steps=3",
                                      "cosine floor=2",
                                      "cosine steps=-1",
                                      "step every=0",
                                      "step factor=0",
                                      "constant warmup"};
    char printed[SCHEDULE_TEXT_MAX];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct schedule schedule;
        assert_int_equal(schedule_parse(good[i], &schedule, NULL), 0);
        schedule_print(&schedule, printed);
        assert_string_equal(printed, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct schedule schedule;
        struct err err = {0};
        if (schedule_parse(bad[i], &schedule, &err) == 0)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(err.code, ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule_rates),
        cmocka_unit_test(test_schedule_reads_back_what_it_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
