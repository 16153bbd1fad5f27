/* The start features of a panel: worked out by hand for a few sessions, then served. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream/panel.h"
#include "stream/sessionizer.h"
#include "stream_fixture.h"
#include "temp_file.h"

#define MONDAY INT64_C(1241395200) /* 2009-05-04 00:00 */
#define HOUR_S 3600
#define DAY_S  86400
#define ALL    ((UINT32_C(1) << PANEL_FEATURES) - 1)

static void assert_near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g", got, expected);
}

static struct holidays *dates(const char *text)
{
    struct temp_file file;
    struct err err = {0};
    temp_file_text(&file, text);
    struct holidays *holidays = holidays_load(file.path, &err);
    temp_file_remove(&file);
    if (!holidays)
        fail_msg("%s", err.text);
    return holidays;
}

/* A session of one scrobble, or of two `length` apart; the last track counts with its duration. */
static void listen(const struct user_layout *layout, struct user_state *user, int64_t start_s,
                   int64_t length_s, int64_t duration_s)
{
    struct play play = {
        .time = {start_s * 1000}, .track = 1, .artist = 1, .duration_ms = duration_s * 1000};
    user->current.open = 0;
    sessionizer_open(layout, user, &play);
    sessionizer_count(layout, user, &user->current, &play, play.time);
    if (length_s == 0)
        return;
    play.time.ms += length_s * 1000;
    sessionizer_count(layout, user, &user->current, &play, play.time);
}

/* What the open session sees, as the pipeline makes it. */
static size_t seen(const struct user_layout *layout, const struct user_state *user,
                   struct history_stats *stats, struct past_session *past)
{
    *stats = user->history;
    if (!user->previous.number)
        return 0;
    size_t count = history_ring(layout, user, layout->window - 1, past);
    past[count++] = history_previous(layout, user);
    history_stats_fold(stats, &user->previous);
    return count;
}

static void test_panel_by_hand(void **state)
{
    enum { SUN, MON, TUE };
    enum { MORNING, AFTERNOON, EVENING, NIGHT };
    static const struct {
        int64_t start_s, length_s, duration_s; /* of this session, which the next ones see */
        double previous_s, all_s, last5_s, band_s, absence_s, previous_absence_s;
        bool holiday;
        int weekday, band;
    } table[] = {
        {6 * HOUR_S, 600, 0, 1200, 1200, 1200, 1200, 86400, 86400, true, MON, MORNING},
        {13 * HOUR_S, 1000, 200, 600, 600, 600, 600, 24600, 86400, true, MON, AFTERNOON},
        {7 * DAY_S - 1800, 0, 0, 1200, 900, 900, 900, 555000, 24600, false, SUN, NIGHT},
        {7 * DAY_S + 5 * HOUR_S - 1, 300, 0, 0, 600, 600, 0, 19799, 555000, false, MON, NIGHT},
        {7 * DAY_S + 12 * HOUR_S, 900, 0, 300, 525, 525, 1200, 24901, 19799, false, MON, AFTERNOON},
        {7 * DAY_S + 22 * HOUR_S - 1, 3000, 0, 900, 600, 600, 600, 35099, 24901, false, MON,
         EVENING},
        {8 * DAY_S + 22 * HOUR_S, 0, 0, 3000, 1000, 1080, 150, 83401, 35099, true, TUE, NIGHT},
    };
    struct holidays *holidays = dates("2009-05-04 # a bank holiday\n2009-05-12\n");
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct user_layout layout = user_layout_of(&params);
    struct user_state *user = malloc(layout.size_bytes);
    struct past_session *past = calloc(params.window, sizeof *past);
    (void)state;
    user_state_init(&layout, user, (struct slice){"u", 1});
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct history_stats stats;
        double got[PANEL_FEATURES];
        listen(&layout, user, MONDAY + table[i].start_s, table[i].length_s, table[i].duration_s);
        size_t count = seen(&layout, user, &stats, past);
        panel_features(ALL, user, &stats, past, count, holidays, got);
        const double of_many_s = table[i].all_s; /* the last 30 and the last 10 are all there are */
        double expected[PANEL_FEATURES] = {log(table[i].previous_s + 30),
                                           log(table[i].all_s + 30),
                                           log(of_many_s + 30),
                                           log(of_many_s + 30),
                                           log(table[i].last5_s + 30),
                                           log(table[i].band_s + 30),
                                           log(table[i].absence_s),
                                           log(table[i].previous_absence_s),
                                           table[i].holiday};
        expected[PANEL_SUNDAY + table[i].weekday] = 1;
        expected[PANEL_MORNING + table[i].band] = 1;
        for (int f = 0; f < PANEL_FEATURES; f++)
            if (!(fabs(got[f] - expected[f]) <= 1e-12))
                fail_msg("session %zu, %s: %.17g, expected %.17g", i + 1,
                         START_NAMES[START_FEATURES + f], got[f], expected[f]);
    }
    free(past);
    free(user);
    holidays_free(holidays);
}

/* 40 sessions of 1 .. 40 s in a ring that has forgotten others, which the total has not. */
static void test_panel_means_of_the_last_sessions(void **state)
{
    struct past_session past[40] = {{0}};
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct user_layout layout = user_layout_of(&params);
    struct user_state *user = calloc(1, layout.size_bytes);
    const struct history_stats stats = {.total_length_ms = 7000000, .finished = 100};
    double got[5];
    (void)state;
    for (uint32_t j = 0; j < 40; j++)
        past[j].length_ms = (j + 1) * 1000;
    panel_features(0x1f, user, &stats, past, 40, NULL, got);
    assert_near(got[0], log(40 + 30), 1e-12);
    assert_near(got[1], log(70 + 30), 1e-12);
    assert_near(got[2], log(25.5 + 30), 1e-12);
    assert_near(got[3], log(35.5 + 30), 1e-12);
    assert_near(got[4], log(38 + 30), 1e-12);
    free(user);
}

/* Only what is asked for, in its order; dates are not needed then. */
static void test_panel_computes_what_is_named(void **state)
{
    const struct past_session past = {.start_s = MONDAY, .length_ms = 70000, .gap_s = 5000};
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct user_layout layout = user_layout_of(&params);
    struct user_state *user = calloc(1, layout.size_bytes);
    const struct history_stats stats = {.total_length_ms = 70000, .finished = 3};
    double got[4] = {0, 0, 0, -1};
    (void)state;
    user->current.start_ms = (MONDAY + 2 * DAY_S) * 1000; /* a Wednesday */
    panel_features(1 << PANEL_PREVIOUS_LENGTH | 1 << PANEL_PREVIOUS_ABSENCE |
                       1 << (PANEL_SUNDAY + 3),
                   user, &stats, &past, 1, NULL, got);
    assert_near(got[0], log(100), 1e-12);
    assert_near(got[1], log(5000), 1e-12); /* a ring of one knows no end before it */
    assert_near(got[2], 1, 0);
    assert_near(got[3], -1, 0);
    free(user);
}

static void test_panel_bands(void **state)
{
    static const struct {
        double hour;
        int band;
    } table[] = {{0, 3},      {4.9999, 3}, {5, 0},       {11.9999, 0}, {12, 1},
                 {16.999, 1}, {17, 2},     {21.9999, 2}, {22, 3},      {23.9999, 3}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(band_of(table[i].hour), table[i].band);
}

/* ---- served ---- */

enum { USERS = 12, ROWS = 6000 };

static struct bundle *panel_bundle(uint32_t panel)
{
    struct net_spec spec = PREDICTOR_SPEC(16, 16);
    spec.features = predictor_row_features(panel);
    struct bundle *bundle = test_bundle_of(5, &spec);
    bundle->net->scaler.panel = panel;
    return bundle;
}

/* The whole log, with other days from row `swap` on. */
static void serve(const struct test_log *log, struct bundle *bundle, size_t batch_rows,
                  const struct holidays *first, const struct holidays *then, size_t swap,
                  struct capture *capture)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct pipeline_sink sink = capture_sink(capture);
    struct pipeline *pipeline = pipeline_new(&params, &sink, batch_rows, NULL);
    struct state_store *store = state_store_new(&params, 0, NULL);
    assert_int_equal(pipeline_set_holidays(pipeline, first, NULL), 0);
    assert_int_equal(pipeline_set_bundle(pipeline, bundle, NULL), 0);
    push_rows(pipeline, &store, 1, log, 0, swap);
    assert_int_equal(pipeline_set_holidays(pipeline, then, NULL), 0);
    push_rows(pipeline, &store, 1, log, swap, log->count);
    assert_int_equal(pipeline_end(pipeline, store, NULL), 0);
    pipeline_free(pipeline);
    state_store_free(store);
}

static size_t differing(const struct capture *a, const struct capture *b, size_t from, size_t to)
{
    size_t count = 0;
    for (size_t i = from; i < to; i++) {
        const double *one = a->prediction[i].prediction.total_s;
        const double *other = b->prediction[i].prediction.total_s;
        count += one[0] != other[0] || one[1] != other[1] || one[2] != other[2];
    }
    return count;
}

/* Every fourth day of the years that the log is of. */
static struct holidays *many_days(void)
{
    char text[8192];
    size_t used = 0;
    for (int year = 2009; year <= 2012; year++)
        for (int month = 1; month <= 12; month++)
            for (int day = 2; day <= 28; day += 4)
                used += (size_t)snprintf(text + used, sizeof text - used, "%d-%02d-%02d\n", year,
                                         month, day);
    assert_true(used < sizeof text - 1);
    return dates(text);
}

static void test_panel_served_alike_in_any_batch(void **state)
{
    struct test_log log;
    struct holidays *days = many_days();
    struct bundle *bundle = panel_bundle(ALL);
    struct capture one = {0}, many = {0};
    (void)state;
    test_log_init(&log);
    test_log_synth(&log, 3, USERS, ROWS);
    test_log_disturb(&log, 4);
    serve(&log, bundle, 1, days, days, 0, &one);
    serve(&log, bundle, 256, days, days, 0, &many);
    assert_true(one.predictions > ROWS / 2);
    assert_same_predictions(&many, &one);
    capture_release(&one);
    capture_release(&many);
    bundle_release(bundle);
    holidays_free(days);
    test_log_release(&log);
}

/* Days that are replaced count from the next scrobble on, as if they had always been there. */
static void test_panel_days_are_replaced_under_way(void **state)
{
    const size_t swap = ROWS / 2;
    struct test_log log;
    struct holidays *days = many_days(), *none = dates("# nothing\n");
    struct bundle *bundle = panel_bundle(UINT32_C(1) << PANEL_HOLIDAY);
    struct capture before = {0}, always = {0}, swapped = {0};
    (void)state;
    test_log_init(&log);
    test_log_synth(&log, 3, USERS, ROWS);
    serve(&log, bundle, 64, none, none, 0, &before);
    serve(&log, bundle, 64, days, days, 0, &always);
    serve(&log, bundle, 64, none, days, swap, &swapped);
    assert_int_equal(differing(&swapped, &before, 0, swap), 0);
    assert_true(differing(&swapped, &before, swap, ROWS) > ROWS / 20);
    assert_near_predictions(&swapped, &always, swap);
    capture_release(&before);
    capture_release(&always);
    capture_release(&swapped);
    bundle_release(bundle);
    holidays_free(days);
    holidays_free(none);
    test_log_release(&log);
}

static void test_panel_holiday_needs_dates(void **state)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct pipeline_sink sink = {0};
    struct pipeline *pipeline = pipeline_new(&params, &sink, 16, NULL);
    struct holidays *days = dates("2009-12-25\n");
    struct bundle *with = panel_bundle(ALL), *without = panel_bundle(ALL ^ 1 << PANEL_HOLIDAY);
    struct err err = {0};
    (void)state;
    assert_int_equal(pipeline_set_bundle(pipeline, with, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(err.text,
                        "bundle test-5: the feature holiday needs a file of dates (--holidays)");
    assert_int_equal(pipeline_set_pool(pipeline, with->pool_ms, ALL, &err), -1);
    assert_int_equal(pipeline_set_bundle(pipeline, without, &err), 0);
    assert_int_equal(pipeline_set_holidays(pipeline, days, &err), 0);
    assert_int_equal(pipeline_set_holidays(pipeline, NULL, &err), 0); /* nobody asks for them */
    assert_int_equal(pipeline_set_holidays(pipeline, days, &err), 0);
    assert_int_equal(pipeline_set_bundle(pipeline, with, &err), 0);
    assert_int_equal(pipeline_set_holidays(pipeline, NULL, &err), -1);
    pipeline_free(pipeline);
    bundle_release(with);
    bundle_release(without);
    holidays_free(days);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_panel_by_hand),
        cmocka_unit_test(test_panel_means_of_the_last_sessions),
        cmocka_unit_test(test_panel_computes_what_is_named),
        cmocka_unit_test(test_panel_bands),
        cmocka_unit_test(test_panel_served_alike_in_any_batch),
        cmocka_unit_test(test_panel_days_are_replaced_under_way),
        cmocka_unit_test(test_panel_holiday_needs_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
