#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "data/timestamp.h"

static void test_timestamp_parse_table(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum timestamp_result result;
        int64_t ms;
    } CASES[] = {
        {"1970-01-01T00:00:00Z", TIMESTAMP_OK, 0},
        {"2009-05-03T15:48:25Z", TIMESTAMP_OK, INT64_C(1241365705000)},
        {"2009-05-03T15:48:25.123Z", TIMESTAMP_OK, INT64_C(1241365705123)},
        {"2000-02-29T12:00:00Z", TIMESTAMP_OK, INT64_C(951825600000)},
        {"2099-12-31T23:59:59.999Z", TIMESTAMP_OK, EVENT_TIME_END_MS - 1},
        {"2100-01-01T00:00:00Z", TIMESTAMP_OUT_OF_RANGE, 0},
        {"1969-12-31T23:59:59Z", TIMESTAMP_OUT_OF_RANGE, 0},
        {"0001-01-01T00:00:00Z", TIMESTAMP_OUT_OF_RANGE, 0},
        {"0000-01-01T00:00:00Z", TIMESTAMP_NO_SUCH_TIME, 0},
        {"2009-02-29T00:00:00Z", TIMESTAMP_NO_SUCH_TIME, 0},
        {"2009-02-30T00:00:00Z", TIMESTAMP_NO_SUCH_TIME, 0},
        {"2009-04-31T00:00:00Z", TIMESTAMP_NO_SUCH_TIME, 0},
        {"2009-13-01T00:00:00Z", TIMESTAMP_NO_SUCH_TIME, 0},
        {"2009-00-01T00:00:00Z", TIMESTAMP_NO_SUCH_TIME, 0},
        {"2009-01-00T00:00:00Z", TIMESTAMP_NO_SUCH_TIME, 0},
        {"2009-01-01T24:00:00Z", TIMESTAMP_NO_SUCH_TIME, 0},
        {"2009-01-01T00:60:00Z", TIMESTAMP_NO_SUCH_TIME, 0},
        {"2009-01-01T00:00:60Z", TIMESTAMP_NO_SUCH_TIME, 0},
        {"", TIMESTAMP_NOT_ISO, 0},
        {"2009-05-03", TIMESTAMP_NOT_ISO, 0},
        {"2009-05-03T15:48:25", TIMESTAMP_NOT_ISO, 0},
        {"2009-05-03 15:48:25Z", TIMESTAMP_NOT_ISO, 0},
        {"2009-05-03T15:48:2xZ", TIMESTAMP_NOT_ISO, 0},
        {"2009-05-03T15:48:-5Z", TIMESTAMP_NOT_ISO, 0},
        {"+009-05-03T15:48:25Z", TIMESTAMP_NOT_ISO, 0},
        {"2009/05/03T15:48:25Z", TIMESTAMP_NOT_ISO, 0},
        {"2009-05-03T15:48:25,123Z", TIMESTAMP_NOT_ISO, 0},
        {"2009-05-03T15:48:25.12aZ", TIMESTAMP_NOT_ISO, 0},
        {"2009-05-03T15:48:25z", TIMESTAMP_NOT_ISO, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct event_time time = {-7};
        enum timestamp_result result = timestamp_parse(CASES[i].text, strlen(CASES[i].text), &time);
        if (result != CASES[i].result)
            print_error("%s\n", CASES[i].text);
        assert_int_equal(result, CASES[i].result);
        assert_true(time.ms == (result == TIMESTAMP_OK ? CASES[i].ms : -7));
    }
}

/* Every day of the range against the C library's calendar. */
static void test_timestamp_days_as_libc(void **state)
{
    (void)state;
    for (int64_t day = 0; day < EVENT_TIME_END_MS / 86400000; day++) {
        time_t seconds = (time_t)(day * 86400);
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        int64_t days;
        assert_true(timestamp_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, &days));
        assert_true(days == day);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timestamp_parse_table),
        cmocka_unit_test(test_timestamp_days_as_libc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
