/* A user as columns: sessions by hand through the sessionizer, as replay and daemon make them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stream/sessionizer.h"
#include "stream/user_columns.h"

#define T0   INT64_C(1241478000000)
#define HOUR INT64_C(3600000)

static void assert_near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g", got, expected);
}

struct fixture {
    struct user_layout layout;
    struct user_state *user;
};

static void fixture_init(struct fixture *f)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    params.window = 64;
    f->layout = user_layout_of(&params);
    f->user = malloc(f->layout.size_bytes);
    assert_non_null(f->user);
    user_state_init(&f->layout, f->user, (struct slice){"u", 1});
}

/* One more session, left open, of two scrobbles that length_s lie between. */
static void listen(struct fixture *f, int number, int length_s)
{
    struct play play = {.time = {T0 + number * 100 * HOUR}, .track = 1, .artist = 1};
    f->user->current.open = 0;
    sessionizer_open(&f->layout, f->user, &play);
    sessionizer_count(&f->layout, f->user, &f->user->current, &play, play.time);
    play.time.ms += length_s * INT64_C(1000);
    sessionizer_count(&f->layout, f->user, &f->user->current, &play, play.time);
}

static void check(const struct fixture *f, double total, double average, double max, double median)
{
    double out[USER_COLUMNS];
    user_columns(&f->layout, f->user, NULL, out);
    assert_near(out[COLUMN_TOTAL_SESSIONS], total, 0);
    assert_near(out[COLUMN_AVERAGE_LENGTH], average, 1e-9);
    assert_near(out[COLUMN_MAX_LENGTH], max, 0);
    assert_near(out[COLUMN_MEDIAN_LENGTH], median, 0);
    assert_int_equal(user_finished_sessions(f->user), (uint32_t)total);
}

static void test_user_columns_of_finished_sessions(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    check(&f, 0, 0, 0, 0);
    listen(&f, 1, 600);
    check(&f, 0, 0, 0, 0); /* it is still going on */
    f.user->current.open = 0;
    check(&f, 1, 600, 600, 600);
    listen(&f, 2, 1200);
    check(&f, 1, 600, 600, 600); /* closed or superseded, the same */
    listen(&f, 3, 300);
    check(&f, 2, 900, 1200, 900);
    listen(&f, 4, 7001);
    check(&f, 3, 700, 1200, 600);
    f.user->current.open = 0;
    check(&f, 4, 2275.25, 7001, 900);
    free(f.user);
}

/* Beyond the ring the average still counts every session, maximum and median the last ones. */
static void test_user_columns_look_at_the_last_w_and_two(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    listen(&f, 0, 50000);
    for (int i = 1; i <= 65; i++)
        listen(&f, i, 100 * i);
    f.user->current.open = 0;
    double sum = 50000 + 100 * 65 * 66 / 2.0;
    check(&f, 66, sum / 66, 50000, 3350); /* 64 folded, 2 not: all of them */
    listen(&f, 66, 100);
    f.user->current.open = 0;
    check(&f, 67, (sum + 100) / 67, 6500, 3250);
    free(f.user);
}

static void test_user_columns_of_profiles(void **state)
{
    (void)state;
    struct fixture f;
    double out[USER_COLUMNS];
    const struct profile profile = {.gender = 1, .age = 31, .registered_s = 1155427200};
    fixture_init(&f);
    user_columns(&f.layout, f.user, NULL, out);
    assert_near(out[COLUMN_GENDER], -1, 0);
    assert_near(out[COLUMN_AGE], 0, 0);
    assert_near(out[COLUMN_REGISTERED], 0, 0);
    user_columns(&f.layout, f.user, &profile, out);
    assert_near(out[COLUMN_GENDER], 1, 0);
    assert_near(out[COLUMN_AGE], 31, 0);
    assert_near(out[COLUMN_REGISTERED], 1155427200, 0);
    for (int c = 0; c < USER_COLUMNS; c++)
        assert_int_equal(user_columns_has((enum user_column)c), !isnan(out[c]));
    free(f.user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user_columns_of_finished_sessions),
        cmocka_unit_test(test_user_columns_look_at_the_last_w_and_two),
        cmocka_unit_test(test_user_columns_of_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
