/* Errors and averages of an evaluation, and what its baselines are made of, against tables done by
 * hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stream/evaluation.h"
#include "stream/past_lengths.h"

static void assert_near(double a, double b)
{
    if (!(fabs(a - b) < 1e-9))
        fail_msg("%.12g is not %.12g", a, b);
}

static void test_past_lengths_have_mean_and_median(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        double mean_s, median_s;
    } steps[] = {{4000, 4, 4}, {1000, 2.5, 2.5}, {10000, 5, 4}, {4000, 4.75, 4}, {0, 3.8, 4}};
    struct past_lengths past = {0};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_int_equal(past_lengths_add(&past, steps[i].ms, NULL), 0);
        assert_near(past_lengths_mean_s(&past), steps[i].mean_s);
        assert_near(past_lengths_median_s(&past), steps[i].median_s);
    }
    past_lengths_release(&past);
}

/* Two clusters: users 1 and 2 in cluster 3, user 5 in cluster 0; four predictors say something. */
static void fill(struct evaluation *evaluation)
{
    static const struct {
        uint32_t user;
        int32_t cluster;
        double length, model, mean, median;
    } rows[] = {
        {1, 3, 100, 90, 80, 110}, {5, 0, 50, 53, 44, 50},  {2, 3, 30, 60, 40, 30},
        {1, 3, 20, 20, 80, 110},  {2, 3, 60, 50, 40, 100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct evaluation_row row = {rows[i].user, rows[i].cluster, rows[i].length, {0}};
        for (int who = 0; who < EVALUATED; who++)
            row.said_s[who] = (double)NAN;
        row.said_s[EVALUATED_MODEL] = rows[i].model;
        row.said_s[EVALUATED_MEAN] = rows[i].mean;
        row.said_s[EVALUATED_MEDIAN] = rows[i].median;
        assert_int_equal(evaluation_add(evaluation, &row, NULL), 0);
    }
    static const double lengths[] = {10, 20, 30, 40, 100};
    for (size_t i = 0; i < 5; i++) {
        const struct evaluation_length one = {i < 2, 3, lengths[4 - i]};
        assert_int_equal(evaluation_add_length(evaluation, one, NULL), 0);
    }
    const struct evaluation_length other = {5, 0, 7};
    assert_int_equal(evaluation_add_length(evaluation, other, NULL), 0);
}

static void test_evaluation_errors_by_cluster(void **state)
{
    (void)state;
    struct evaluation evaluation = {0};
    struct evaluation_report report;
    fill(&evaluation);
    assert_int_equal(evaluation_report(&evaluation, EVALUATED_MEAN, &report, NULL), 0);
    assert_int_equal(report.groups, 2);
    const struct evaluation_group *zero = &report.group[0], *three = &report.group[1];
    assert_int_equal(zero->cluster, 0);
    assert_int_equal(three->cluster, 3);
    assert_int_equal(three->users, 2);
    assert_int_equal(three->sessions, 4);
    /* the model is off by 10 0 30 10, the mean by 20 60 10 20, the median by 10 90 0 40 */
    assert_near(three->of[EVALUATED_MODEL].mae_s, 12.5);
    assert_near(three->of[EVALUATED_MODEL].rmse_s, sqrt(275));
    assert_near(three->of[EVALUATED_MODEL].normalised, 50.0 / 110);
    assert_near(three->of[EVALUATED_MEDIAN].normalised, 140.0 / 110);
    assert_near(zero->of[EVALUATED_MODEL].normalised, .5);
    assert_true(isnan(three->of[EVALUATED_KERNEL].mae_s));
    assert_true(isnan(report.by_users[EVALUATED_KERNEL]));
    assert_int_equal(report.all.users, 3);
    assert_near(report.all.of[EVALUATED_MODEL].normalised, 53.0 / 116);
    assert_near(report.by_users[EVALUATED_MODEL], (.5 + 2 * 50.0 / 110) / 3);
    assert_near(report.by_sessions[EVALUATED_MODEL], (.5 + 4 * 50.0 / 110) / 5);
    assert_near(report.by_users[EVALUATED_MEAN], 1);
    evaluation_report_release(&report);
    assert_int_equal(evaluation_report(&evaluation, EVALUATED_MEDIAN, &report, NULL), 0);
    assert_near(report.group[1].of[EVALUATED_MODEL].normalised, 50.0 / 140);
    evaluation_report_release(&report);
    evaluation_release(&evaluation);
}

/* 10 20 30 40 100: quantiles lie between two values by their distance. */
static void test_evaluation_statistics_of_lengths(void **state)
{
    (void)state;
    struct evaluation evaluation = {0};
    struct evaluation_report report;
    fill(&evaluation);
    assert_int_equal(evaluation_report(&evaluation, EVALUATED_MEAN, &report, NULL), 0);
    const struct length_statistics *three = &report.group[1].lengths;
    static const double quantiles[EVALUATION_QUANTILES] = {14, 20, 30, 40, 76};
    for (int q = 0; q < EVALUATION_QUANTILES; q++)
        assert_near(three->quantile_s[q], quantiles[q]);
    assert_int_equal(three->users, 2);
    assert_int_equal(three->sessions, 5);
    assert_near(three->mean_s, 40);
    assert_near(three->sd_s, sqrt(1000));
    assert_near(three->min_s, 10);
    assert_near(three->max_s, 100);
    assert_near(report.group[0].lengths.quantile_s[0], 7);
    assert_int_equal(report.all.lengths.sessions, 6);
    assert_near(report.all.lengths.mean_s, 207.0 / 6);
    evaluation_report_release(&report);
    evaluation_release(&evaluation);
}

static void test_evaluation_of_nothing_is_an_error(void **state)
{
    (void)state;
    struct evaluation evaluation = {0};
    struct evaluation_report report;
    struct err err = {0};
    assert_int_equal(evaluation_report(&evaluation, EVALUATED_MEAN, &report, &err), -1);
    assert_int_equal(err.code, ERR_INPUT);
    assert_non_null(strstr(err.text, "nothing to evaluate"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_past_lengths_have_mean_and_median),
        cmocka_unit_test(test_evaluation_errors_by_cluster),
        cmocka_unit_test(test_evaluation_statistics_of_lengths),
        cmocka_unit_test(test_evaluation_of_nothing_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
