#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/holidays.h"
#include "temp_file.h"

#define DAY_MS INT64_C(86400000)

static void test_holidays_are_days_of_utc(void **state)
{
    (void)state;
    static const char CONTENT[] = "# the bank's\n"
                                  "2009-05-04\r\n"
                                  "\n"
                                  "  2009-12-25\t# and a reason\n"
                                  "1970-01-01\n"
                                  "2009-05-04\n"
                                  "2099-12-31";
    static const struct {
        int64_t ms;
        bool holiday;
    } CASES[] = {
        {INT64_C(1241395200000) - 1, false},
        {INT64_C(1241395200000), true},
        {INT64_C(1241395200000) + DAY_MS - 1, true},
        {INT64_C(1241395200000) + DAY_MS, false},
        {INT64_C(1261699200000), true},
        {INT64_C(1261699200000) + 365 * DAY_MS, false}, /* a date has a year */
        {0, true},
        {DAY_MS, false},
        {EVENT_TIME_END_MS - 1, true},
        {EVENT_TIME_END_MS - DAY_MS - 1, false},
    };
    for (int gzip = 0; gzip < 2; gzip++) {
        struct temp_file file;
        struct err err = {0};
        if (gzip)
            temp_file_gzip(&file, CONTENT, sizeof CONTENT - 1);
        else
            temp_file_text(&file, CONTENT);
        struct holidays *holidays = holidays_load(file.path, &err);
        temp_file_remove(&file);
        if (!holidays)
            fail_msg("%s", err.text);
        assert_int_equal(holidays_count(holidays), 4);
        for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
            assert_int_equal(holidays_has(holidays, (struct event_time){CASES[i].ms}),
                             CASES[i].holiday);
        holidays_free(holidays);
    }
    assert_int_equal(holidays_count(NULL), 0);
}

static void test_holidays_bad_lines_name_file_and_line(void **state)
{
    (void)state;
    static const char *const BAD[] = {"2009-02-29", "2009-13-01",           "1969-12-31",
                                      "2100-01-01", "25.12.2009",           "2009-12-25 2009-12-26",
                                      "2009-1-1",   "2009-12-25T00:00:00Z", "Christmas"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct temp_file file;
        char content[128], place[300];
        struct err err = {0};
        snprintf(content, sizeof content, "# days\n2009-05-04\n%s\n", BAD[i]);
        temp_file_text(&file, content);
        snprintf(place, sizeof place, "%s:3: \"%s\" is not a date", file.path, BAD[i]);
        assert_null(holidays_load(file.path, &err));
        temp_file_remove(&file);
        assert_int_equal(err.code, ERR_INPUT);
        if (strncmp(err.text, place, strlen(place)) != 0)
            fail_msg("\"%s\" does not begin with \"%s\"", err.text, place);
    }
    struct err err = {0};
    assert_null(holidays_load("/nowhere/holidays", &err));
    assert_int_equal(err.code, ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holidays_are_days_of_utc),
        cmocka_unit_test(test_holidays_bad_lines_name_file_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
