/* What is said of predictions, and what trains on them, in cases small enough for a pencil: the
 * pool, the scores, the rows of training. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/trainer.h"
#include "stream/pool.h"
#include "stream/scores.h"
#include "stream/training_rows.h"

#define S 1000

static void assert_near(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-9 * fmax(1, fabs(expected))))
        fail_msg("%.17g, expected %.17g", got, expected);
}

/* ---- lengths and pool ---- */

static void note(struct session_lengths *lengths, uint32_t user, uint32_t number, int64_t ms)
{
    const struct session session = {.number = number, .length_ms = ms};
    assert_int_equal(session_lengths_note(lengths, user, &session, NULL), 0);
}

static void test_scores_lengths_by_user_and_number(void **state)
{
    struct session_lengths lengths = {0};
    (void)state;
    for (uint32_t k = 1; k <= 100; k++)
        note(&lengths, 40, k, k * S);
    note(&lengths, 3, 1, 7 * S);
    note(&lengths, 40, 50, 12345); /* a revision */
    assert_int_equal(lengths.users, 41);
    assert_int_equal(lengths.user[40].count, 100);
    assert_int_equal(lengths.user[40].ms[48], 49 * S);
    assert_int_equal(lengths.user[40].ms[49], 12345);
    assert_int_equal(lengths.user[3].count, 1);
    assert_int_equal(lengths.user[0].count, 0);
    session_lengths_release(&lengths);
    assert_int_equal(lengths.users, 0);
}

/* Two users of one weight: ten sessions, of which seven train, and two, of which one does. */
static void test_scores_pool_by_hand(void **state)
{
    struct session_lengths lengths = {0};
    int64_t pool[POOL_VALUES];
    (void)state;
    static const int64_t ten[] = {50, 10, 70, 30, 20, 60, 40, 999, 999, 999};
    for (uint32_t k = 0; k < 10; k++)
        note(&lengths, 0, k + 1, ten[k] * S);
    note(&lengths, 2, 1, 35 * S); /* nobody has index 1 */
    note(&lengths, 2, 2, 999 * S);
    assert_int_equal(pool_make(&lengths, pool, NULL), 0);
    /* ascending: 10 20 30 of 1/7 each, 35 of 1, 40 .. 70 of 1/7: cumulated in 400ths of 2 */
    const struct {
        int64_t ms;
        double through;
    } steps[] = {
        {10, 200 / 7.},       {20, 400 / 7.},        {30, 600 / 7.},        {35, 200 + 600 / 7.},
        {40, 200 + 800 / 7.}, {50, 200 + 1000 / 7.}, {60, 200 + 1200 / 7.}, {70, 400}};
    size_t at = 0;
    for (int i = 0; i < POOL_VALUES; i++) {
        while (steps[at].through < i + .5)
            at++;
        assert_int_equal(pool[i], steps[at].ms * S);
    }
    assert_int_equal(at, 7);
    session_lengths_release(&lengths);
}

static void test_scores_pool_of_nobody(void **state)
{
    struct session_lengths lengths = {0};
    int64_t pool[POOL_VALUES];
    struct err err = {0};
    (void)state;
    note(&lengths, 0, 1, S); /* of one session none trains */
    assert_int_equal(pool_make(&lengths, pool, &err), -1);
    assert_int_equal(err.code, ERR_INPUT);
    session_lengths_release(&lengths);
}

/* ---- scores ---- */

static void predict(struct scores *scores, uint32_t user, uint32_t session, uint32_t scrobble,
                    int64_t elapsed_s, const double net_total_s[QUANTILES], double kernel_s)
{
    struct prediction p = {.session = session, .scrobble = scrobble, .elapsed_ms = elapsed_s * S};
    struct prediction_detail detail = {.user_index = user};
    memcpy(p.total_s, net_total_s, sizeof p.total_s);
    for (int q = 0; q < QUANTILES; q++) {
        detail.kernel_s[q] = kernel_s;
        detail.running_s[q] = 0;
    }
    assert_int_equal(scores_take_prediction(scores, &p, &detail, NULL), 0);
}

/* Ten sessions: training 100 .. 700 s (mean and median 400), the ninth and tenth are scored. The
 * pool is 400 s throughout. */
static struct scores *ten_sessions(void)
{
    int64_t pool[POOL_VALUES];
    for (int i = 0; i < POOL_VALUES; i++)
        pool[i] = 400 * S;
    struct scores *scores = scores_new(1, pool, NULL);
    assert_non_null(scores);
    for (uint32_t k = 1; k <= 10; k++) {
        const struct session session = {.number = k,
                                        .length_ms = k == 9    ? 500 * S
                                                     : k == 10 ? 0
                                                               : k * 100 * S};
        assert_int_equal(scores_take_session(scores, &session, 0, 0, NULL), 0);
    }
    return scores;
}

static void test_scores_by_hand(void **state)
{
    struct scores *scores = ten_sessions();
    struct score_report report;
    (void)state;
    /* not scored: training and validation */
    predict(scores, 0, 7, 1, 0, (double[]){1, 2, 3}, 1);
    predict(scores, 0, 8, 1, 0, (double[]){1, 2, 3}, 1);
    /* scored */
    predict(scores, 0, 9, 1, 0, (double[]){100, 450, 900}, 300);
    predict(scores, 0, 9, 2, 200, (double[]){200, 480, 490}, 300);
    predict(scores, 0, 10, 1, 0, (double[]){100, 250, 900}, 200);
    assert_int_equal(scores_report(scores, 1, &report, NULL), 0);
    assert_int_equal(report.users, 1);
    assert_int_equal(report.sessions, 2);
    assert_int_equal(report.rows, 3);
    assert_int_equal(report.below_elapsed, 0);
    const struct score *net = &report.of[SCORED_NET], *kernel = &report.of[SCORED_KERNEL];
    /* at the start: |500 - 450| and |0 - 250|; the training mean is off by 100 and by 400 */
    assert_near(net->mae_start_s, 150);
    assert_near(net->m1, 300 / 500.);
    assert_near(net->m1_macro, 300 / 500.);
    assert_near(kernel->m1, (200 + 200) / 500.);
    assert_near(report.of[SCORED_MEAN].m1, 1);
    assert_near(report.of[SCORED_MEDIAN].m1, 1);
    /* weight 1/i over the median, 400 here */
    assert_near(net->m2i, (50 + 250 + 20 / 2.) / (100 + 400 + 100 / 2.));
    /* KM static: 7 lengths of 40, 400 values of 1, all at 400 s in the middle: its median is 400 at
     * the start, and 200 s later 200 remain */
    assert_near(net->m3, (50 + 250 + 20) / (100 + 400 + 100.));
    assert_near(net->m3_at[0], 300 / 500.);
    assert_near(net->m3_at[1], 20 / 100.);
    assert_true(isnan(net->m3_at[2])); /* no third checkpoint was reached */
    /* misses: 0 < 100 - .5 below; 500 > 490 + .5 above */
    assert_near(net->below_at[0], .5);
    assert_near(net->above_at[0], 0);
    assert_near(net->below_at[1], 0);
    assert_near(net->above_at[1], 1);
    assert_near(net->coverage, 1 / 2.5);
    /* pinball at .1 .5 .9: first row .1*400 + .5*50 + .1*400, second .1*300 + .5*20 + .9*10 in the
     * remaining 300, third (.9*100 + .5*250 + .1*900) */
    double rows[3] = {(40 + 25 + 40) / 3., (30 + 10 + 9) / 3., (90 + 125 + 90) / 3.};
    double static_start = report.of[SCORED_STATIC].pbi;
    assert_near(static_start, 1);
    assert_near(net->pbi / kernel->pbi,
                (rows[0] + rows[1] / 2 + rows[2]) / ((200 * 1.5 / 3) + (0 / 2.) + (200 * 1.5 / 3)));
    /* one user: every draw is that user */
    assert_near(report.m1.low, net->m1 - kernel->m1);
    assert_near(report.m1.high, net->m1 - kernel->m1);
    scores_free(scores);
}

static void test_scores_see_predictions_below_elapsed(void **state)
{
    struct scores *scores = ten_sessions();
    struct score_report report;
    (void)state;
    predict(scores, 0, 9, 2, 200, (double[]){199.9, 480, 490}, 300);
    predict(scores, 0, 9, 3, 300, (double[]){300, 480, 490}, 300);
    assert_int_equal(scores_report(scores, 1, &report, NULL), 0);
    assert_int_equal(report.below_elapsed, 1);
    scores_free(scores);
}

/* A net of one output: all of the median is said, nothing of an interval, and the others keep
 * theirs. */
static void test_scores_without_an_interval(void **state)
{
    struct scores *scores = ten_sessions();
    struct score_report report;
    const double nan = (double)NAN;
    (void)state;
    predict(scores, 0, 9, 1, 0, (double[]){nan, 450, nan}, 300);
    predict(scores, 0, 9, 2, 200, (double[]){nan, 199, nan}, 300);
    predict(scores, 0, 10, 1, 0, (double[]){nan, 250, nan}, 200);
    assert_int_equal(scores_report(scores, 1, &report, NULL), 0);
    const struct score *net = &report.of[SCORED_NET], *kernel = &report.of[SCORED_KERNEL];
    assert_near(net->m1, 300 / 500.);
    assert_near(net->m3_at[1], 301 / 100.);
    assert_true(isnan(net->coverage) && isnan(net->pbi) && isnan(net->pb1));
    assert_true(isnan(net->below_at[0]) && isnan(net->above_at[0]));
    assert_true(isnan(report.whole.coverage));
    assert_true(!isnan(kernel->coverage) && !isnan(kernel->pbi));
    assert_near(report.m1.low, net->m1 - kernel->m1);
    assert_int_equal(report.below_elapsed, 1);
    scores_free(scores);
}

static void test_scores_of_nothing(void **state)
{
    struct scores *scores = ten_sessions();
    struct score_report report;
    (void)state;
    predict(scores, 0, 3, 1, 0, (double[]){1, 2, 3}, 1);
    assert_int_equal(scores_report(scores, 1, &report, NULL), 0);
    assert_int_equal(report.rows, 0);
    assert_int_equal(report.users, 0);
    scores_free(scores);
}

/* The same index in two partitions is two users; the bootstrap draws users, not rows. */
static void test_scores_of_partitions(void **state)
{
    int64_t pool[POOL_VALUES] = {0};
    struct scores *scores = scores_new(2, pool, NULL);
    struct score_report report;
    (void)state;
    assert_non_null(scores);
    for (uint32_t part = 0; part < 2; part++) {
        for (uint32_t k = 1; k <= 10; k++) {
            const struct session session = {.number = k, .length_ms = (part + 1) * 100 * k * S};
            assert_int_equal(scores_take_session(scores, &session, part, 0, NULL), 0);
        }
        struct prediction p = {.session = 10, .scrobble = 1, .total_s = {0, 1000, 2000}};
        const struct prediction_detail detail = {.partition = part, .kernel_s = {0, 900, 2000}};
        assert_int_equal(scores_take_prediction(scores, &p, &detail, NULL), 0);
    }
    assert_int_equal(scores_report(scores, 1, &report, NULL), 0);
    assert_int_equal(report.users, 2);
    /* off by 0 and 1000; means of 400 and 800 are off by 600 and 1200 */
    assert_near(report.of[SCORED_NET].m1, 1000 / 1800.);
    assert_near(report.of[SCORED_NET].m1_macro, (0 + 1000 / 1200.) / 2);
    assert_near(report.m1.low, -100 / 600.);   /* only the first */
    assert_near(report.m1.high, -100 / 1200.); /* only the second */
    struct score_report again;
    assert_int_equal(scores_report(scores, 1, &again, NULL), 0);
    assert_memory_equal(&again.m1, &report.m1, sizeof again.m1);
    scores_free(scores);
}

/* ---- training rows ---- */

static void take(struct training_rows *rows, uint32_t session, uint32_t scrobble,
                 const float *previous_step)
{
    double start[START_FEATURES], live[LIVE_FEATURES];
    for (int i = 0; i < START_FEATURES; i++)
        start[i] = session + i * .25;
    for (int i = 0; i < LIVE_FEATURES; i++)
        live[i] = scrobble + i * .5;
    const struct prediction p = {
        .user_id = "u", .session = session, .scrobble = scrobble, .elapsed_ms = scrobble * 60 * S};
    const struct prediction_detail detail = {.user_index = 1,
                                             .start = start,
                                             .live = live,
                                             .previous_step = previous_step,
                                             .kernel_s = {1, 2, 3}};
    assert_int_equal(training_rows_take(rows, &p, &detail, NULL), 0);
}

static void test_scores_training_rows(void **state)
{
    enum { SESSIONS = 10, SCROBBLES = 200 };
    struct session_lengths lengths = {0};
    struct training_rows rows, again;
    (void)state;
    for (uint32_t k = 1; k <= SESSIONS; k++)
        note(&lengths, 1, k, k * 3600 * S);
    assert_int_equal(training_rows_init(&rows, &lengths, 0, 7, NULL), 0);
    assert_int_equal(training_rows_init(&again, &lengths, 0, 7, NULL), 0);
    assert_int_equal(rows.set.users, 2);
    assert_int_equal(rows.set.user[1].sessions, SESSIONS);
    for (uint32_t k = 1; k <= SESSIONS; k++) {
        float step[STEP_INPUTS];
        for (int i = 0; i < STEP_INPUTS; i++)
            step[i] = (float)(k - 1) + (float)i / 16;
        for (uint32_t i = 1; i <= SCROBBLES; i++) {
            take(&rows, k, i, k > 1 ? step : NULL);
            take(&again, k, i, k > 1 ? step : NULL);
        }
    }
    const struct train_user *user = &rows.set.user[1];
    size_t of_session[SESSIONS] = {0};
    for (size_t r = 0; r < user->rows; r++) {
        const struct train_row *row = &user->row[r];
        of_session[row->session]++;
        assert_true(r == 0 || row->session >= row[-1].session);
        assert_near((double)user->start[row->session * START_FEATURES + 2], row->session + 1.5);
        assert_near((double)row->live[3], row->scrobble + 1.5);
        assert_near((double)row->kernel_s[1], 2);
        double remaining = (row->session + 1) * 3600. - row->scrobble * 60.;
        assert_near((double)row->remaining_s, remaining > 0 ? remaining : 0);
    }
    for (size_t k = 0; k < SESSIONS; k++) {
        /* 2 + sum of 2/i for i = 3 .. 200: 10.8 expected, and all of the eighth session */
        if (k < 7)
            assert_in_range(of_session[k], 4, 22);
        else
            assert_int_equal(of_session[k], k == 7 ? SCROBBLES : 0);
    }
    for (size_t k = 0; k + 1 < SESSIONS; k++)
        assert_near((double)user->steps[k * STEP_INPUTS + 4], (double)(k + 1) + .25);
    /* the choice hangs on seed, user, session and scrobble alone */
    assert_int_equal(again.set.user[1].rows, user->rows);
    assert_memory_equal(again.set.user[1].row, user->row, user->rows * sizeof *user->row);
    training_rows_release(&rows);
    training_rows_release(&again);
    session_lengths_release(&lengths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_lengths_by_user_and_number),
        cmocka_unit_test(test_scores_pool_by_hand),
        cmocka_unit_test(test_scores_pool_of_nobody),
        cmocka_unit_test(test_scores_by_hand),
        cmocka_unit_test(test_scores_see_predictions_below_elapsed),
        cmocka_unit_test(test_scores_without_an_interval),
        cmocka_unit_test(test_scores_of_nothing),
        cmocka_unit_test(test_scores_of_partitions),
        cmocka_unit_test(test_scores_training_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
