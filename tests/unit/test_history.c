/* A user's finished sessions: rings, running statistics, what they round; and the features read
 * from them, for users whose figures can be worked out by hand. (All features of real users are
 * held against another implementation in tests/golden/test_golden_kkm.c.) */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bundle/feature_names.h"
#include "stream/feature_table.h"
#include "stream/features.h"

#define T0   INT64_C(1241478000000) /* Monday 2009-05-04 23:00 */
#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

struct fixture {
    struct stream_params params;
    struct user_layout layout;
    struct user_state *user;
};

static void fixture_init(struct fixture *f)
{
    f->params = STREAM_PARAMS_DEFAULTS;
    f->params.window = 64;
    f->layout = user_layout_of(&f->params);
    f->user = malloc(f->layout.size_bytes);
    assert_non_null(f->user);
    user_state_init(&f->layout, f->user, (struct slice){"u", 1});
}

static void fixture_release(struct fixture *f)
{
    free(f->user);
}

/* Opens a session at start whose one later scrobble comes length behind it. */
static void listen(struct fixture *f, int64_t start, int64_t length, int64_t duration)
{
    struct play play = {.time = {start}, .track = 1, .artist = 1, .duration_ms = duration};
    f->user->current.open = 0;
    sessionizer_open(&f->layout, f->user, &play);
    sessionizer_count(&f->layout, f->user, &f->user->current, &play, play.time);
    if (length == 0)
        return;
    play.time.ms += length;
    sessionizer_count(&f->layout, f->user, &f->user->current, &play, play.time);
}

static void assert_near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g", got, expected);
}

static void test_history_calendar(void **state)
{
    static const struct {
        int64_t ms;
        double hour;
        bool weekend;
    } table[] = {
        {0, 0, false},                                       /* Thursday */
        {DAY + 90 * 60000, 1.5, false},                      /* Friday */
        {2 * DAY, 0, true},                                  /* Saturday 00:00 */
        {4 * DAY - 1, 24 - 1 / 3600000.0, true},             /* the end of Sunday */
        {4 * DAY, 0, false},                                 /* Monday */
        {T0, 23, false},                                     /* Monday */
        {INT64_C(4102444799999), 24 - 1 / 3600000.0, false}, /* Thursday 2099-12-31 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_near(hour_of_day(table[i].ms), table[i].hour, 1e-9);
        assert_int_equal(is_weekend(table[i].ms), table[i].weekend);
    }
}

static void test_history_ring_keeps_the_last_w(void **state)
{
    enum { SESSIONS = 200 };
    struct fixture f;
    struct past_session past[SESSIONS];
    (void)state;
    fixture_init(&f);
    for (int64_t k = 0; k < SESSIONS; k++) {
        listen(&f, T0 + k * 3 * HOUR, 1000 * k, 0);
        /* the latest and the one before it are not folded */
        size_t folded = k < 2 ? 0 : (size_t)k - 1, kept = folded < 64 ? folded : 64;
        assert_int_equal(history_ring(&f.layout, f.user, SESSIONS, past), kept);
        for (size_t j = 0; j < kept; j++) {
            int64_t session = (int64_t)(folded - kept + j);
            assert_int_equal(past[j].start_s, T0 / 1000 + session * 3 * 3600);
            assert_int_equal(past[j].length_ms, session * 1000);
            assert_near(past[j].gap_s, session ? 3 * 3600 - (double)(session - 1) : 86400, 1e-9);
        }
        if (kept > 3) {
            struct past_session few[3];
            assert_int_equal(history_ring(&f.layout, f.user, 3, few), 3);
            for (int j = 0; j < 3; j++) {
                assert_int_equal(few[j].start_s, past[kept - 3 + (size_t)j].start_s);
                assert_near(few[j].gap_s, past[kept - 3 + (size_t)j].gap_s, 1e-9);
            }
        }
    }
    assert_int_equal(f.user->history.finished, SESSIONS - 2);
    fixture_release(&f);
}

/* The same session, asked for before it is folded and read back behind: a hidden state that is
 * recomputed from the ring must be the one that was carried. */
static void test_history_previous_is_what_the_ring_will_say(void **state)
{
    static const int64_t durations[] = {0, 1, 240000, 3 * HOUR, 6 * HOUR, 12345};
    struct fixture f;
    (void)state;
    fixture_init(&f);
    int64_t at = T0 + 777;
    for (size_t k = 0; k < 150; k++) {
        int64_t length = (int64_t)(k * k) * 321;
        listen(&f, at, length, durations[k % 6]);
        at += length + durations[k % 6] + 2 * HOUR + (int64_t)k * 1001;
        if (f.user->previous.number == 0)
            continue;
        struct past_session before = history_previous(&f.layout, f.user), after;
        struct step_entry entry = step_entry_of(&f.user->previous, f.user->history.pace);
        struct user_state *copy = malloc(f.layout.size_bytes);
        assert_non_null(copy);
        memcpy(copy, f.user, f.layout.size_bytes);
        history_fold_previous(&f.layout, copy);
        assert_int_equal(history_ring(&f.layout, copy, 1, &after), 1);
        float x[STEP_INPUTS], y[STEP_INPUTS];
        step_inputs(&before, &entry, x);
        step_inputs(&after, &copy->step[(copy->history.finished - 1) % STEP_RING], y);
        assert_memory_equal(x, y, sizeof x);
        free(copy);
    }
    fixture_release(&f);
}

/* The rounding that user_state.h states: gaps and last starts by the byte a duration is kept in. */
static void test_history_rounds_durations_as_stated(void **state)
{
    static const struct {
        int64_t duration;
        double off_s; /* at most */
    } table[] = {{0, 0}, {1000, .5}, {30000, 2.5}, {240000, 7}, {3600000, 27}, {12960000, 51}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct fixture f;
        struct past_session past[2];
        fixture_init(&f);
        listen(&f, T0, 0, table[i].duration);
        listen(&f, T0 + 9 * HOUR, 0, 0);
        listen(&f, T0 + 19 * HOUR, 0, 0);
        listen(&f, T0 + 29 * HOUR, 0, 0);
        assert_int_equal(history_ring(&f.layout, f.user, 2, past), 2);
        assert_int_equal(past[0].length_ms, table[i].duration);
        assert_near(past[1].gap_s, 9 * 3600, table[i].off_s);
        fixture_release(&f);
    }
}

/* A start moved back to a millisecond behind the session before: ln g stays a number. */
static void test_history_gap_is_at_least_a_second(void **state)
{
    struct fixture f;
    struct past_session past[2];
    (void)state;
    fixture_init(&f);
    listen(&f, T0 + 999, 0, 0);
    listen(&f, T0 + 2 * HOUR, 0, 0);
    f.user->current.start_ms = f.user->current.last_ms = T0 + 1000;
    listen(&f, T0 + 5 * HOUR, 0, 0);
    assert_near(history_previous(&f.layout, f.user).gap_s, 1, 0);
    f.user->previous.start_ms = f.user->previous.last_ms = T0 + 999;
    assert_near(history_previous(&f.layout, f.user).gap_s, 1, 0);
    listen(&f, T0 + 8 * HOUR, 0, 0);
    assert_int_equal(history_ring(&f.layout, f.user, 2, past), 2);
    assert_near(past[1].gap_s, 1, 0);
    fixture_release(&f);
}

static void test_history_folds_statistics(void **state)
{
    struct history_stats s;
    struct fixture f;
    (void)state;
    fixture_init(&f);
    s = f.user->history;
    const struct session_sums one = {.start_ms = T0,
                                     .last_ms = T0 + 70000,
                                     .gap_ms = DAY,
                                     .scrobbles = 3,
                                     .intervals = 2,
                                     .ln_interval_sum = 9};
    history_stats_fold(&s, &one);
    double z = log(100), z0 = log(1230), d = z - z0;
    assert_near(s.mean_z, z0 + d / 3, 1e-12);
    assert_near(s.variance_z, 1 + (d * d - 1) / 5, 1e-12);
    assert_near(s.ew10_z, z0 + d / 2, 1e-12); /* 1 / (0 + 2) is the larger rate */
    assert_near(s.ew20_single, .2 / 2, 1e-12);
    assert_near(s.pace, log(240) + (4.5 - log(240)) / 2, 1e-12);
    assert_int_equal(s.today, 1);
    assert_int_equal(s.total_length_ms, 70000);
    assert_near((double)s.day_z[23], z, 1e-6);
    assert_near((double)s.kind_n[0][23], 1, 1e-6);
    assert_near((double)s.kind_n[1][23], 0, 0);
    /* one scrobble, two hours on: pace as it was, today goes on, sums decay */
    const struct session_sums two = {.start_ms = T0 + 2 * HOUR,
                                     .last_ms = T0 + 2 * HOUR,
                                     .gap_ms = 2 * HOUR - 70000,
                                     .scrobbles = 1};
    double pace = s.pace;
    history_stats_fold(&s, &two);
    assert_near(s.pace, pace, 0);
    assert_near(s.ew20_single, .1 + (1 - .1) / 3, 1e-12);
    assert_int_equal(s.today, 2);
    assert_int_equal(s.finished, 2);
    assert_near((double)s.day_n[23], pow(.5, 1 / 50.0), 1e-6);
    assert_near((double)s.kind_n[0][23], pow(.5, 1 / 100.0), 1e-6);
    assert_near((double)s.day_n[1], 1, 0);
    fixture_release(&f);
}

static void test_history_first_session_features(void **state)
{
    struct fixture f;
    double start[START_FEATURES];
    (void)state;
    fixture_init(&f);
    listen(&f, T0, 0, 0);
    features_start(f.user, &f.user->history, NULL, 0, start);
    const double z0 = log(1230);
    const double expected[START_FEATURES] = {log(86400),
                                             sin(2 * M_PI * 23 / 24),
                                             cos(2 * M_PI * 23 / 24),
                                             0,
                                             1,
                                             z0,
                                             z0,
                                             z0,
                                             z0,
                                             .2,
                                             log(240),
                                             0,
                                             log(30),
                                             0};
    for (int i = 0; i < START_FEATURES; i++)
        assert_near(start[i], expected[i], 1e-12);
    fixture_release(&f);
}

static void test_history_sessions_of_the_last_days(void **state)
{
    /* starts before the session at T0, seconds; and lengths */
    const struct past_session past[] = {
        {.start_s = T0 / 1000 - 7 * 86400 - 1, .length_ms = 999000},
        {.start_s = T0 / 1000 - 7 * 86400, .length_ms = 500000},
        {.start_s = T0 / 1000 - 86401, .length_ms = 60000},
        {.start_s = T0 / 1000 - 86400, .length_ms = 120000},
        {.start_s = T0 / 1000 - 7200, .length_ms = 30000},
    };
    struct fixture f;
    double start[START_FEATURES];
    (void)state;
    fixture_init(&f);
    listen(&f, T0, 0, 0);
    features_start(f.user, &f.user->history, past, 5, start);
    assert_near(start[12], log(30 + 150), 1e-12);
    assert_near(start[13], log(1 + 4), 1e-12);
    fixture_release(&f);
}

static void test_history_live_features(void **state)
{
    struct fixture f;
    double live[LIVE_FEATURES];
    const double kernel_s[QUANTILES] = {0, 70, 970}, running_s[QUANTILES] = {10, 20, 30};
    (void)state;
    fixture_init(&f);
    struct play play = {.time = {T0}, .track = 5, .artist = 6};
    struct play_memory memory = {{0, 0, false}, {0, 0, false}};
    sessionizer_open(&f.layout, f.user, &play);
    sessionizer_count(&f.layout, f.user, &f.user->current, &play, play.time);
    features_live(f.user, &play, &memory, 5.5, kernel_s, running_s, live);
    const double first[LIVE_FEATURES] = {log(30),   0,       5.5,     5.5,    5.5,     0,
                                         1,         0,       .08,     .4 / 5, log(30), log(100),
                                         log(1000), log(40), log(50), log(60)};
    for (int i = 0; i < LIVE_FEATURES; i++)
        assert_near(live[i], first[i], 1e-12);
    /* 90 and 190 s later; a track known to have ended 2 of 9 sessions, and the session before */
    f.user->previous = f.user->current;
    f.user->previous.last_track = 7;
    for (int k = 0; k < 2; k++) {
        play = (struct play){.time = {T0 + (k ? 280000 : 90000)}, .track = 7, .artist = 6};
        sessionizer_count(&f.layout, f.user, &f.user->current, &play, play.time);
    }
    memory = (struct play_memory){{9, 2, true}, {20, 4, true}};
    features_live(f.user, &play, &memory, 5, kernel_s, running_s, live);
    const double third[10] = {
        log(310),     log(3), log(200), (log(100) + log(200)) / 2, log(200),
        log(200) - 5, 1 / 3., 1,        (2 + 1 + .08) / 10,        (4 + 1 + .4) / 25};
    for (int i = 0; i < 10; i++)
        assert_near(live[i], third[i], 1e-12);
    fixture_release(&f);
}

/* ---- FEATURE_TABLE ---- */

static void test_history_feature_table_has_the_bundles_names(void **state)
{
    static const struct {
        enum feature_kind kind;
        const char *const *names;
        size_t count;
    } kinds[] = {{FEATURE_STEP, STEP_NAMES, STEP_INPUTS},
                 {FEATURE_START, START_NAMES, START_FEATURES_MAX},
                 {FEATURE_LIVE, LIVE_NAMES, LIVE_FEATURES}};
    size_t row = 0;
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (size_t i = 0; i < kinds[k].count; i++, row++) {
            assert_int_equal(FEATURE_TABLE[row].kind, kinds[k].kind);
            assert_string_equal(FEATURE_TABLE[row].name, kinds[k].names[i]);
            assert_string_equal(FEATURE_TABLE[row].scaling, FEATURE_STANDARDISED);
        }
    }
    assert_int_equal(row, FEATURES_OF_NET);
    assert_string_equal(FEATURE_TABLE[row].name, "previous_session_length_s");
    assert_string_equal(FEATURE_TABLE[row + 1].name, "average_session_length_s");
    for (; row < FEATURES; row++)
        assert_int_equal(FEATURE_TABLE[row].kind, FEATURE_RAW);
    for (size_t i = 0; i < FEATURES; i++) {
        assert_true(strlen(FEATURE_TABLE[i].unit) > 0);
        assert_true(strlen(FEATURE_TABLE[i].formula) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_calendar),
        cmocka_unit_test(test_history_ring_keeps_the_last_w),
        cmocka_unit_test(test_history_previous_is_what_the_ring_will_say),
        cmocka_unit_test(test_history_rounds_durations_as_stated),
        cmocka_unit_test(test_history_gap_is_at_least_a_second),
        cmocka_unit_test(test_history_folds_statistics),
        cmocka_unit_test(test_history_first_session_features),
        cmocka_unit_test(test_history_sessions_of_the_last_days),
        cmocka_unit_test(test_history_live_features),
        cmocka_unit_test(test_history_feature_table_has_the_bundles_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
