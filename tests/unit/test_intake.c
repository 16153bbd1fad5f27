#include "daemon/intake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "temp_file.h"

#define NOW_MS INT64_C(1700000000000)

static struct slice text(const char *string)
{
    return (struct slice){string, string ? strlen(string) : 0};
}

#define BODY(user, time) "{" user "\"timestamp\":" time ",\"artist\":\"a\",\"track\":\"t\"}"

static void test_intake_key_body_and_clock_decide(void **state)
{
    static const char long_key[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789";
    static const struct {
        const char *key, *value;
        enum reject_reason reason;
        const char *user;
    } cases[] = {
        {"u", BODY("\"user_id\":\"u\",", "1600000000000"), REJECT_NONE, "u"},
        {NULL, BODY("\"user_id\":\"u\",", "1600000000000"), REJECT_NULL_KEY, NULL},
        {"u", BODY("", "1600000000000"), REJECT_NONE, "u"},
        {"v", BODY("\"user_id\":\"u\",", "1600000000000"), REJECT_KEY_MISMATCH, NULL},
        {"", BODY("\"user_id\":\"u\",", "1600000000000"), REJECT_KEY_MISMATCH, NULL},
        {"uu", BODY("\"user_id\":\"u\",", "1600000000000"), REJECT_KEY_MISMATCH, NULL},
        {NULL, BODY("", "1600000000000"), REJECT_NULL_KEY, NULL},
        {"", BODY("", "1600000000000"), REJECT_NULL_KEY, NULL},
        {"\xFF", BODY("", "1600000000000"), REJECT_NOT_UTF8, NULL},
        {long_key, BODY("", "1600000000000"), REJECT_BAD_FIELD, NULL},
        {"u", NULL, REJECT_NULL_VALUE, NULL},
        {NULL, NULL, REJECT_NULL_VALUE, NULL},
        {"u", "", REJECT_NOT_JSON, NULL},
        {"u", "{", REJECT_NOT_JSON, NULL},
        {"u", BODY("", "1700000300000"), REJECT_NONE, "u"},
        {"u", BODY("", "1700000300001"), REJECT_TIME_IN_FUTURE, NULL},
        {"u", BODY("", "0"), REJECT_NONE, "u"},
        {"u", BODY("", "-1"), REJECT_TIME_OUT_OF_RANGE, NULL},
    };
    struct intake intake = {
        .scratch = scrobble_scratch_new(), .now_ms = NOW_MS, .max_future_ms = 300000};
    (void)state;
    assert_non_null(intake.scratch);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scrobble scrobble;
        struct err detail = {0};
        enum reject_reason reason =
            intake_read(&intake, text(cases[i].key), text(cases[i].value), &scrobble, &detail);
        if (reason != cases[i].reason) {
            fail_msg("case %zu: %s, not %s", i, reject_reason_name(reason),
                     reject_reason_name(cases[i].reason));
        }
        if (cases[i].user) {
            assert_int_equal(scrobble.user_id.size, strlen(cases[i].user));
            assert_memory_equal(scrobble.user_id.data, cases[i].user, scrobble.user_id.size);
        } else {
            assert_true(strlen(detail.text) > 0);
        }
    }
    scrobble_scratch_free(intake.scratch);
}

static void test_intake_a_key_with_a_nul_byte_is_no_user(void **state)
{
    struct intake intake = {.scratch = scrobble_scratch_new(), .now_ms = NOW_MS};
    struct scrobble scrobble;
    struct err detail;
    (void)state;
    assert_int_equal(intake_read(&intake, (struct slice){"a\0b", 3},
                                 text(BODY("", "1600000000000")), &scrobble, &detail),
                     REJECT_BAD_FIELD);
    scrobble_scratch_free(intake.scratch);
}

static void test_intake_the_table_fills_a_missing_duration_only(void **state)
{
    struct temp_file file;
    struct err err;
    struct scrobble scrobble;
    (void)state;
    temp_file_text(&file, "a\tt\t215000\n");
    struct durations *durations = durations_load(file.path, &err);
    temp_file_remove(&file);
    assert_non_null(durations);
    struct intake intake = {
        .scratch = scrobble_scratch_new(), .durations = durations, .now_ms = NOW_MS};
    assert_int_equal(
        intake_read(&intake, text("u"), text(BODY("", "1600000000000")), &scrobble, &err),
        REJECT_NONE);
    assert_int_equal(scrobble.duration_ms, 215000);
    assert_int_equal(intake_read(&intake, text("u"),
                                 text(BODY("\"duration_ms\":1000,", "1600000000000")), &scrobble,
                                 &err),
                     REJECT_NONE);
    assert_int_equal(scrobble.duration_ms, 1000);
    scrobble_scratch_free(intake.scratch);
    durations_free(durations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intake_key_body_and_clock_decide),
        cmocka_unit_test(test_intake_a_key_with_a_nul_byte_is_no_user),
        cmocka_unit_test(test_intake_the_table_fills_a_missing_duration_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
