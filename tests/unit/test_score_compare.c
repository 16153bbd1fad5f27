/* Two recipes over two seeds and three users, in sums that a pencil adds up. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream/score_compare.h"

#define USERS 3
#define SEEDS 2

static void assert_near(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-12))
        fail_msg("%.17g, expected %.17g", got, expected);
}

/* What every metric is divided by; the net's own sums are these times a factor. */
static struct score_sums of_user(double size, double factor)
{
    struct score_sums sums = {.sessions = 1, .rows = 1};
    sums.start[SCORED_MEAN] = size;
    sums.total[SCORED_MEDIAN] = 2 * size;
    sums.pinball[SCORED_STATIC] = 3 * size;
    sums.pinball_start[SCORED_STATIC] = 4 * size;
    sums.start[SCORED_NET] = factor * size;
    sums.total[SCORED_NET] = factor * 2 * size;
    sums.pinball[SCORED_NET] = factor * 3 * size;
    sums.pinball_start[SCORED_NET] = factor * 4 * size;
    for (int c = 0; c < CHECKPOINTS; c++) {
        sums.remaining[SCORED_STATIC][c] = size * (c + 1);
        sums.remaining[SCORED_NET][c] = factor * size * (c + 1);
    }
    return sums;
}

static void compare(const struct score_sums *a, const struct score_sums *b,
                    struct comparison out[METRICS])
{
    const struct score_sums *const both[2] = {a, b};
    struct err err = {0};
    if (score_compare(both, SEEDS, USERS, 1, out, &err))
        fail_msg("%s", err.text);
}

static void test_score_compare_by_hand(void **state)
{
    (void)state;
    /* sizes 1 and 3; user 1 has no session to score */
    const struct score_sums a[SEEDS * USERS] = {of_user(1, .8), {.rows = 0}, of_user(3, .8),
                                                of_user(1, .9), {.rows = 0}, of_user(3, .9)};
    const struct score_sums b[SEEDS * USERS] = {of_user(1, .4), {.rows = 0}, of_user(3, .8),
                                                of_user(1, .9), {.rows = 0}, of_user(3, .7)};
    struct comparison out[METRICS];
    compare(a, b, out);
    for (int m = 0; m < METRICS; m++) {
        /* macro: each user the same; else by size */
        double first = m == METRIC_M1_MACRO ? .6 : (.4 + 2.4) / 4;
        double second = m == METRIC_M1_MACRO ? .8 : (.9 + 2.1) / 4;
        assert_near(out[m].of[0].mean, .85);
        assert_near(out[m].of[0].sd, .1 / sqrt(2));
        assert_near(out[m].of[1].mean, (first + second) / 2);
        assert_near(out[m].of[1].sd, fabs(first - second) / sqrt(2));
        assert_near(out[m].difference, (first + second) / 2 - .85);
        /* user 0 alone, user 2 alone: the ends of what can be drawn */
        assert_near(out[m].interval.low, (.4 + .9) / 2 - .85);
        assert_near(out[m].interval.high, (.8 + .7) / 2 - .85);
    }
}

static void test_score_compare_of_the_same_is_nothing(void **state)
{
    (void)state;
    const struct score_sums a[SEEDS * USERS] = {of_user(1, .8), of_user(7, .9), of_user(3, .7),
                                                of_user(1, .9), of_user(7, .8), of_user(3, .9)};
    struct comparison out[METRICS];
    compare(a, a, out);
    for (int m = 0; m < METRICS; m++) {
        assert_true(out[m].difference == 0);
        assert_true(out[m].interval.low == 0 && out[m].interval.high == 0);
    }
}

static void test_score_compare_is_paired_by_user(void **state)
{
    (void)state;
    /* users differ by far more than recipes do; still every draw says the same */
    const struct score_sums a[SEEDS * USERS] = {of_user(2, .2), of_user(2, .9), of_user(2, .5),
                                                of_user(2, .2), of_user(2, .9), of_user(2, .5)};
    const struct score_sums b[SEEDS * USERS] = {of_user(2, .19), of_user(2, .89), of_user(2, .49),
                                                of_user(2, .19), of_user(2, .89), of_user(2, .49)};
    struct comparison out[METRICS];
    compare(a, b, out);
    assert_near(out[METRIC_M1].interval.low, -.01);
    assert_near(out[METRIC_M1].interval.high, -.01);
}

static void test_score_compare_says_nothing_of_what_one_does_not_predict(void **state)
{
    (void)state;
    struct score_sums a[SEEDS * USERS], b[SEEDS * USERS];
    for (int i = 0; i < SEEDS * USERS; i++) {
        a[i] = of_user(1, .8);
        b[i] = of_user(1, .7);
        b[i].pinball[SCORED_NET] = (double)NAN; /* a single value has no interval */
    }
    struct comparison out[METRICS];
    compare(a, b, out);
    assert_true(isnan(out[METRIC_PBI].difference) && isnan(out[METRIC_PBI].of[1].mean));
    assert_true(isnan(out[METRIC_PBI].interval.low));
    assert_near(out[METRIC_PBI].of[0].mean, .8);
    assert_near(out[METRIC_M1].difference, -.1);
}

static void test_score_compare_needs_somebody(void **state)
{
    (void)state;
    const struct score_sums none[SEEDS * USERS] = {{.rows = 0}, {.rows = 0}};
    const struct score_sums *const both[2] = {none, none};
    struct comparison out[METRICS];
    struct err err = {0};
    assert_int_equal(score_compare(both, SEEDS, USERS, 1, out, &err), -1);
    assert_int_equal(err.code, ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score_compare_by_hand),
        cmocka_unit_test(test_score_compare_of_the_same_is_nothing),
        cmocka_unit_test(test_score_compare_is_paired_by_user),
        cmocka_unit_test(test_score_compare_says_nothing_of_what_one_does_not_predict),
        cmocka_unit_test(test_score_compare_needs_somebody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
