/* The token bucket and the backoff, at given times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crawl/pace.h"

/* How many requests go at a time. */
static unsigned go(struct pace *pace, int64_t now_ms)
{
    unsigned count = 0;
    for (; pace_wait_ms(pace, now_ms) == 0; count++)
        pace_take(pace);
    return count;
}

static void test_pace_is_the_rate(void **state)
{
    (void)state;
    static const struct {
        double rate_per_s;
        int64_t now_ms; /* of a bucket that began at 1000 and was emptied then */
        unsigned go;
    } CASES[] = {
        {5, 1000, 0},      {5, 1199, 0},       {5, 1201, 1},          {5, 61000, 1},
        {.001, 500000, 0}, {.001, 1001001, 1}, {1000, 1002, 2},       {1000, 1050, 50},
        {1000, 1100, 100}, {1000, 9000, 100},  {1000000, 1001, 1000}, {5, 900, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct pace pace;
        pace_init(&pace, CASES[i].rate_per_s, 1000);
        assert_int_equal(go(&pace, 1000), 1);
        unsigned gone = go(&pace, CASES[i].now_ms);
        if (gone != CASES[i].go)
            fail_msg("%g a second at %lld: %u, not %u", CASES[i].rate_per_s,
                     (long long)CASES[i].now_ms, gone, CASES[i].go);
    }
}

/* Ten seconds of steps that do not fit the rate: never more than it, and not much less. */
static void test_pace_over_a_while(void **state)
{
    (void)state;
    static const double RATES[] = {1, 5, 7.5, 40, 333};
    for (size_t i = 0; i < sizeof RATES / sizeof *RATES; i++) {
        struct pace pace;
        unsigned gone = 0;
        pace_init(&pace, RATES[i], 0);
        for (int64_t now_ms = 0; now_ms <= 10000; now_ms += 7)
            gone += go(&pace, now_ms);
        assert_in_range(gone, (unsigned)(9 * RATES[i]), (unsigned)(10 * RATES[i]) + 1);
    }
}

/* Whoever waits as long as it is told may go then. */
static void test_pace_says_how_long(void **state)
{
    (void)state;
    static const double RATES[] = {.001, .3, 5, 999, 1e6};
    for (size_t i = 0; i < sizeof RATES / sizeof *RATES; i++) {
        struct pace pace;
        int64_t now_ms = 0;
        pace_init(&pace, RATES[i], now_ms);
        for (int request = 0; request < 100; request++) {
            int64_t wait_ms = pace_wait_ms(&pace, now_ms);
            assert_in_range(wait_ms, 0, (int64_t)(1000 / RATES[i]) + 1);
            now_ms += wait_ms;
            assert_int_equal(pace_wait_ms(&pace, now_ms), 0);
            pace_take(&pace);
        }
    }
}

static void test_pace_is_held(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 1000, 0);
    pace_hold(&pace, 5000);
    pace_hold(&pace, 3000); /* a shorter pause does not end a longer one */
    assert_int_equal(pace_wait_ms(&pace, 10), 4990);
    assert_int_equal(go(&pace, 4999), 0);
    assert_int_equal(go(&pace, 5000), 100);
}

static void test_backoff_doubles_up_to_its_limit(void **state)
{
    (void)state;
    static const struct {
        unsigned failures;
        int64_t base_ms, most_ms;
    } CASES[] = {
        {1, 1000, 1000},  {2, 1000, 2000},    {3, 1000, 4000},         {6, 1000, 32000},
        {7, 1000, 60000}, {100, 1000, 60000}, {4000000000u, 1, 60000}, {1, 0, 0},
        {50, 0, 0},       {1, 90000, 60000},  {2, 59999, 60000},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct random random;
        int64_t least = INT64_MAX, most = 0;
        random_init(&random, 1, 0);
        for (int draw = 0; draw < 2000; draw++) {
            int64_t wait_ms = backoff_ms(CASES[i].failures, CASES[i].base_ms, &random);
            least = wait_ms < least ? wait_ms : least;
            most = wait_ms > most ? wait_ms : most;
        }
        /* Full jitter: all of the span is used. */
        assert_in_range(most, CASES[i].most_ms - CASES[i].most_ms / 50, CASES[i].most_ms);
        assert_in_range(least, 0, CASES[i].most_ms / 50);
    }
}

static void test_backoff_is_the_seeds(void **state)
{
    (void)state;
    struct random a, b, other;
    int differ = 0;
    random_init(&a, 7, 0);
    random_init(&b, 7, 0);
    random_init(&other, 8, 0);
    for (unsigned i = 1; i < 20; i++) {
        int64_t wait_ms = backoff_ms(i, 1000, &a);
        assert_int_equal(wait_ms, backoff_ms(i, 1000, &b));
        differ += wait_ms != backoff_ms(i, 1000, &other);
    }
    assert_in_range(differ, 10, 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace_is_the_rate),
        cmocka_unit_test(test_pace_over_a_while),
        cmocka_unit_test(test_pace_says_how_long),
        cmocka_unit_test(test_pace_is_held),
        cmocka_unit_test(test_backoff_doubles_up_to_its_limit),
        cmocka_unit_test(test_backoff_is_the_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
