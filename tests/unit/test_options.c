#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cli/options.h"
#include "cli/progress.h"
#include "core/event_time.h"

struct values {
    bool strict, quiet;
    const char *out;
    uint64_t rows;
    double speed;
    struct event_time start;
};

enum { MAX_ARGS = 8 };

/* Runs the parser over a copy of the arguments; operands are joined with commas. */
static int parse(const char *const *given, struct values *values, char *operands)
{
    const struct option_row rows[] = {
        {"strict", NULL, OPTION_FLAG, &values->strict, 0, 0, "a flag"},
        {"out", "FILE", OPTION_TEXT, &values->out, 0, 0, "a text"},
        {"rows", "N", OPTION_COUNT, &values->rows, 1, 1000, "a count"},
        {"speed", "X", OPTION_REAL, &values->speed, 0.5, 100, "a real"},
        {"start", "DAY", OPTION_DATE, &values->start, 0, 0, "a date"},
        OPTION_ROW_QUIET(&values->quiet),
        OPTION_ROW_END,
    };
    const struct options options = {.command = "test",
                                    .operands = "LOG [MORE]",
                                    .summary = "Tests.",
                                    .min_operands = 1,
                                    .max_operands = 2,
                                    .rows = rows};
    char *argv[MAX_ARGS + 2] = {(char[]){"test"}};
    char copies[MAX_ARGS][32];
    int argc = 1;
    for (int i = 0; i < MAX_ARGS && given[i]; i++) {
        strncpy(copies[i], given[i], sizeof copies[i] - 1);
        copies[i][sizeof copies[i] - 1] = '\0';
        argv[argc++] = copies[i];
    }
    int count = options_parse(&options, argc, argv);
    operands[0] = '\0';
    for (int i = 1; i <= count; i++)
        strcat(strcat(operands, i > 1 ? "," : ""), argv[i]);
    if (values->out) { /* it points into copies */
        static char out[32];
        strcpy(out, values->out);
        values->out = out;
    }
    return count;
}

static void test_options_values_and_operands(void **state)
{
    (void)state;
    static const struct {
        const char *given[MAX_ARGS];
        int count;
        const char *operands;
        bool strict;
        const char *out;
        uint64_t rows;
        double speed;
        int64_t start_ms;
    } CASES[] = {
        {{"a"}, 1, "a", false, NULL, 5, 1, 0},
        {{"-"}, 1, "-", false, NULL, 5, 1, 0},
        {{"a", "--strict", "b"}, 2, "a,b", true, NULL, 5, 1, 0},
        {{"--out", "f", "--rows=7", "a"}, 1, "a", false, "f", 7, 1, 0},
        {{"--out=", "a"}, 1, "a", false, "", 5, 1, 0},
        {{"--out", "--strict", "a"}, 1, "a", false, "--strict", 5, 1, 0},
        {{"--out=x=y", "a"}, 1, "a", false, "x=y", 5, 1, 0},
        {{"--speed", "2.5e1", "a"}, 1, "a", false, NULL, 5, 25, 0},
        {{"--start", "2009-05-03", "a"}, 1, "a", false, NULL, 5, 1, INT64_C(1241308800000)},
        {{"--start=2009-05-03T00:00:01Z", "a"}, 1, "a", false, NULL, 5, 1, INT64_C(1241308801000)},
        {{"--", "--strict"}, 1, "--strict", false, NULL, 5, 1, 0},
        {{"--rows", "1", "--rows", "1000", "a"}, 1, "a", false, NULL, 1000, 1, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct values values = {.rows = 5, .speed = 1};
        char operands[128];
        assert_int_equal(parse(CASES[i].given, &values, operands), CASES[i].count);
        assert_string_equal(operands, CASES[i].operands);
        assert_int_equal(values.strict, CASES[i].strict);
        if (CASES[i].out)
            assert_string_equal(values.out, CASES[i].out);
        else
            assert_null(values.out);
        assert_int_equal(values.rows, CASES[i].rows);
        assert_true(values.speed == CASES[i].speed);
        assert_true(values.start.ms == CASES[i].start_ms);
    }
}

static void test_options_refusals(void **state)
{
    (void)state;
    static const char *const CASES[][MAX_ARGS] = {
        {NULL},
        {"a", "b", "c"},
        {"--unknown", "a"},
        {"--stric", "a"},
        {"-x", "a"},
        {"--strict=yes", "a"},
        {"a", "--out"},
        {"--rows", "0", "a"},
        {"--rows", "1001", "a"},
        {"--rows", "99999999999999999999999", "a"},
        {"--rows", "-1", "a"},
        {"--rows", "+1", "a"},
        {"--rows", "1x", "a"},
        {"--rows", "", "a"},
        {"--speed", "nan", "a"},
        {"--speed", "inf", "a"},
        {"--speed", "0.4", "a"},
        {"--speed", "", "a"},
        {"--speed", "1x", "a"},
        {"--start", "2009-02-30", "a"},
        {"--start", "yesterday", "a"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct values values = {0};
        char operands[128];
        assert_int_equal(parse(CASES[i], &values, operands), OPTIONS_USAGE);
    }
    assert_int_equal(options_status(OPTIONS_USAGE), 2);
    assert_int_equal(options_status(OPTIONS_HELP), 0);
}

static void test_options_exit_status_of_errors(void **state)
{
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_USAGE, "usage");
    assert_int_equal(options_fail("test", &err), 2);
    err_set(&err, ERR_INPUT, "input");
    assert_int_equal(options_fail("test", &err), 1);
}

static void test_options_progress_number(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        const char *text;
    } CASES[] = {{0, "0"},
                 {999, "999"},
                 {1000, "1,000"},
                 {123456, "123,456"},
                 {1234567, "1,234,567"},
                 {UINT64_MAX, "18,446,744,073,709,551,615"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[28];
        assert_string_equal(progress_number(CASES[i].number, text), CASES[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_values_and_operands),
        cmocka_unit_test(test_options_refusals),
        cmocka_unit_test(test_options_exit_status_of_errors),
        cmocka_unit_test(test_options_progress_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
