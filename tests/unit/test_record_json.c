#include "data/record_json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

static void assert_text(const char *out, size_t size, const char *expected)
{
    if (size != strlen(expected) || memcmp(out, expected, size) != 0)
        fail_msg("got %.*s\nnot %s", (int)size, out, expected);
}

static struct prediction example_prediction(void)
{
    return (struct prediction){
        .user_id = "user_000003",
        .time = {1241478537000},
        .session = 17,
        .session_start = {1241478120000},
        .scrobble = 3,
        .elapsed_ms = 417000,
        .previous_session_length_ms = 5210000,
        .average_session_length_cs = 431025,
        .total_s = {1200, 3900, 9100},
        .cluster = -1,
        .model = "20260101T000000Z-1a2b3c",
    };
}

static void test_record_json_prediction_is_the_documented_text(void **state)
{
    (void)state;
    char out[RECORD_JSON_MAX];
    struct prediction prediction = example_prediction();
    size_t size = prediction_to_json(&prediction, out, sizeof out);
    assert_text(out, size,
                "{\"user_id\":\"user_000003\",\"timestamp\":1241478537000,\"session\":17,"
                "\"session_start\":1241478120000,\"scrobble\":3,\"elapsed_s\":417,"
                "\"previous_session_length_s\":5210,\"average_session_length_s\":4310.25,"
                "\"p10_s\":1200,\"p50_s\":3900,\"p90_s\":9100,\"cluster\":-1,"
                "\"model\":\"20260101T000000Z-1a2b3c\"}");
}

/* A net of a single output. */
static void test_record_json_without_an_interval_has_the_median_alone(void **state)
{
    (void)state;
    char out[RECORD_JSON_MAX + 1];
    struct prediction prediction = example_prediction();
    prediction.total_s[0] = prediction.total_s[2] = (double)NAN;
    out[prediction_to_json(&prediction, out, RECORD_JSON_MAX)] = '\0';
    assert_non_null(
        strstr(out, "\"average_session_length_s\":4310.25,\"p50_s\":3900,\"cluster\":-1"));
    assert_null(strstr(out, "p10_s"));
    assert_null(strstr(out, "p90_s"));
}

static void test_record_json_session_is_the_documented_text(void **state)
{
    (void)state;
    char out[RECORD_JSON_MAX];
    struct session session = {.user_id = "user_000003",
                              .number = 17,
                              .revision = 0,
                              .start = {1241478120000},
                              .end = {1241482020000},
                              .length_ms = 3900000,
                              .scrobbles = 14};
    size_t size = session_to_json(&session, out, sizeof out);
    assert_text(out, size,
                "{\"user_id\":\"user_000003\",\"session\":17,\"revision\":0,"
                "\"start\":1241478120000,\"end\":1241482020000,\"length_s\":3900,"
                "\"scrobbles\":14}");
}

static void test_record_json_seconds_are_the_shortest_decimal(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {{0, "0"},
                {1, "0.001"},
                {10, "0.01"},
                {100, "0.1"},
                {250, "0.25"},
                {999, "0.999"},
                {1000, "1"},
                {417500, "417.5"},
                {1001, "1.001"},
                {1010, "1.01"},
                {99999, "99.999"},
                {100000, "100"},
                {86400000, "86400"},
                {-1, "-0.001"},
                {-1500, "-1.5"},
                {INT64_MAX, "9223372036854775.807"},
                {INT64_MIN, "-9223372036854775.808"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[RECORD_JSON_MAX], expected[RECORD_JSON_MAX];
        struct session session = {.user_id = "u", .number = UINT32_MAX, .length_ms = rows[i].ms};
        size_t size = session_to_json(&session, out, sizeof out);
        snprintf(expected, sizeof expected,
                 "{\"user_id\":\"u\",\"session\":4294967295,\"revision\":0,\"start\":0,\"end\":0,"
                 "\"length_s\":%s,\"scrobbles\":0}",
                 rows[i].text);
        assert_text(out, size, expected);
    }
}

static void test_record_json_averages_keep_hundredths(void **state)
{
    static const struct {
        int64_t cs;
        double average;
    } rows[] = {{0, 0},   {1, 0.01},        {10, 0.1},        {99, 0.99},
                {100, 1}, {431020, 4310.2}, {431025, 4310.25}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[RECORD_JSON_MAX];
        struct prediction prediction = example_prediction();
        prediction.average_session_length_cs = rows[i].cs;
        size_t size = prediction_to_json(&prediction, out, sizeof out);
        json_t *root = json_loadb(out, size, 0, NULL);
        assert_non_null(root);
        double average = json_number_value(json_object_get(root, "average_session_length_s"));
        assert_true(average == rows[i].average);
        json_decref(root);
    }
}

static void test_record_json_quantiles_round_to_the_millisecond(void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{0, "0"},
                {0.0004, "0"},
                {0.0005, "0.001"},
                {0.25, "0.25"},
                {417.4996, "417.5"},
                {417.4994, "417.499"},
                {1199.9999, "1200"},
                {1e12, "1000000000000"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[RECORD_JSON_MAX + 1], expected[64];
        struct prediction prediction = example_prediction();
        prediction.total_s[1] = rows[i].seconds;
        out[prediction_to_json(&prediction, out, RECORD_JSON_MAX)] = '\0';
        snprintf(expected, sizeof expected, ",\"p50_s\":%s,\"p90_s\":9100,", rows[i].text);
        if (!strstr(out, expected))
            fail_msg("%s not in %s", expected, out);
    }
}

/* Whatever the key was, another parser reads the same key back; and the worst still fits. */
static void test_record_json_any_user_id_survives(void **state)
{
    static const char *const ids[] = {
        "a\"b\\c", "\x01\x02\x1f", "tab\there", "\xc3\xb6\xf0\x9f\x8e\xb5", "/", " ", "\x7f", ""};
    (void)state;
    char worst[USER_ID_MAX + 1], model[129];
    memset(worst, 1, USER_ID_MAX);
    worst[USER_ID_MAX] = '\0';
    memset(model, 2, 128);
    model[128] = '\0';
    for (size_t i = 0; i <= sizeof ids / sizeof *ids; i++) {
        const char *id = i < sizeof ids / sizeof *ids ? ids[i] : worst;
        char *out = malloc(RECORD_JSON_MAX);
        assert_non_null(out);
        struct prediction prediction = example_prediction();
        prediction.time.ms = prediction.session_start.ms = INT64_MIN;
        prediction.elapsed_ms = prediction.previous_session_length_ms = INT64_MIN;
        prediction.average_session_length_cs = INT64_MIN;
        prediction.cluster = INT32_MIN;
        prediction.model = model;
        strcpy(prediction.user_id, id);
        json_t *root = json_loadb(out, prediction_to_json(&prediction, out, RECORD_JSON_MAX),
                                  JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(root);
        assert_string_equal(json_string_value(json_object_get(root, "user_id")), id);
        assert_string_equal(json_string_value(json_object_get(root, "model")), model);
        json_decref(root);

        struct session session = {.number = 1};
        strcpy(session.user_id, id);
        root = json_loadb(out, session_to_json(&session, out, RECORD_JSON_MAX), 0, NULL);
        assert_non_null(root);
        assert_string_equal(json_string_value(json_object_get(root, "user_id")), id);
        json_decref(root);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_json_prediction_is_the_documented_text),
        cmocka_unit_test(test_record_json_without_an_interval_has_the_median_alone),
        cmocka_unit_test(test_record_json_session_is_the_documented_text),
        cmocka_unit_test(test_record_json_seconds_are_the_shortest_decimal),
        cmocka_unit_test(test_record_json_averages_keep_hundredths),
        cmocka_unit_test(test_record_json_quantiles_round_to_the_millisecond),
        cmocka_unit_test(test_record_json_any_user_id_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
