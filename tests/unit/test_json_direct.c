/* What the readers without allocation take, and what they leave to the parser that has the last
 * word. That both read the same is held by fuzz_scrobble_json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "data/json_direct.h"
#include "data/scrobble_json_parts.h"

enum { SLOT_A, SLOT_B, SLOT_C, SLOTS };

static const struct json_want INNER_WANTS[] = {JSON_WANT("b", SLOT_B, false, NULL)};
static const struct json_shape INNER = {INNER_WANTS, 1};
static const struct json_want WANTS[] = {JSON_WANT("a", SLOT_A, false, &INNER),
                                         JSON_WANT("c", SLOT_C, true, NULL)};
static const struct json_shape SHAPE = {WANTS, 2};

/* In a block of its own size, so that a sanitizer sees a read one byte too far. */
static bool read_exact(const char *json, struct json_slot *slots)
{
    size_t size = strlen(json);
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, json, size);
    memset(slots, 0, SLOTS * sizeof *slots);
    bool read = json_direct_read(copy, size, &SHAPE, slots);
    free(copy);
    return read;
}

static void test_json_direct_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum json_kind kind; /* of a */
        int64_t integer;
    } CASES[] = {
        {"{}", JSON_KIND_ABSENT, 0},
        {" { \"a\" : null } ", JSON_KIND_ABSENT, 0},
        {"{\"a\":7}", JSON_KIND_INTEGER, 7},
        {"{\"a\":-7}", JSON_KIND_INTEGER, -7},
        {"{\"a\":7.00}", JSON_KIND_INTEGER, 7},
        {"{\"a\":7.5}", JSON_KIND_OTHER, 7},
        {"{\"a\":true}", JSON_KIND_OTHER, 0},
        {"{\"a\":[1,[],{\"a\":2}]}", JSON_KIND_OTHER, 0},
        {"{\"a\":{}}", JSON_KIND_OBJECT, 0},
        {"{\"a\":\"\"}", JSON_KIND_TEXT, 0},
        {"{\"x\":\"\\n\\\"\",\"y\":{\"a\":1},\"a\":\"\xc3\xa9\"}", JSON_KIND_TEXT, 0},
        {"{\"a\":999999999999999999}", JSON_KIND_INTEGER, 999999999999999999},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct json_slot slots[SLOTS];
        if (!read_exact(CASES[i].json, slots))
            fail_msg("%s is not read", CASES[i].json);
        if (slots[SLOT_A].kind != CASES[i].kind || slots[SLOT_A].integer != CASES[i].integer)
            fail_msg("%s: kind %d", CASES[i].json, slots[SLOT_A].kind);
    }
}

static void test_json_direct_fields_within(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum json_kind b, c;
    } CASES[] = {
        {"{\"a\":{\"b\":1},\"b\":\"\"}", JSON_KIND_INTEGER, JSON_KIND_ABSENT},
        {"{\"x\":{\"b\":1}}", JSON_KIND_ABSENT, JSON_KIND_ABSENT},
        {"{\"c\":[1,\"x\"]}", JSON_KIND_ABSENT, JSON_KIND_INTEGER},
        {"{\"c\":[]}", JSON_KIND_ABSENT, JSON_KIND_ABSENT},
        {"{\"c\":\"x\"}", JSON_KIND_ABSENT, JSON_KIND_OTHER},
        {"{\"c\":[[\"x\"]]}", JSON_KIND_ABSENT, JSON_KIND_OTHER},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct json_slot slots[SLOTS];
        if (!read_exact(CASES[i].json, slots))
            fail_msg("%s is not read", CASES[i].json);
        if (slots[SLOT_B].kind != CASES[i].b || slots[SLOT_C].kind != CASES[i].c)
            fail_msg("%s: kinds %d, %d", CASES[i].json, slots[SLOT_B].kind, slots[SLOT_C].kind);
    }
}

static void test_json_direct_leaves_what_is_unusual(void **state)
{
    (void)state;
    static const char *const CASES[] = {
        "",
        "[]",
        "7",
        "{",
        "{}x",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":1e3}",
        "{\"a\":-}",
        "{\"a\":1000000000000000000}",
        "{\"a\":1000000000000000.0}",
        "{\"a\":nul}",
        "{\"a\":[1,]}",
        "{\"a\":[1",
        "{\"a\":\"x",
        "{\"a\":\"\\n\"}", /* wanted, so it would have to be resolved */
        "{\"x\":\"\\u0041\"}",
        "{\"x\":\"\\x\"}",
        "{\"\\n\":1}",
        "{\"x\":\"\x01\"}",
        "{\"x\":\"\xff\"}",
        "{\"x\":1,\"x\":2}",
        "{\"x\":{\"y\":1,\"y\":1}}",
        "{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
    };
    struct json_slot slots[SLOTS];
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        if (read_exact(CASES[i], slots))
            fail_msg("%s is read", CASES[i]);
    /* One less deep: 32. */
    assert_true(read_exact(
        "{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", slots));
}

/* The records that producers write do not come to the slow parser. */
static void test_json_direct_reads_the_usual_records(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        bool read;
    } CASES[] = {
        {"{\"user_name\":\"u\",\"listened_at\":5,\"recording_msid\":\"x\",\"track_metadata\":{"
         "\"artist_name\":\"A\",\"track_name\":\"T\",\"additional_info\":{\"artist_mbids\":[\"m\"],"
         "\"duration_ms\":7,\"tags\":[]},\"mbid_mapping\":null}}",
         true},
        {"{\"listened_at\":5.000000,\"track_metadata\":{\"artist_name\":\"A\",\"track_name\":"
         "\"T\"}}",
         true},
        {"{\"artist\":{\"mbid\":\"\",\"#text\":\"A\"},\"name\":\"T\",\"image\":[{\"size\":\"s\"}],"
         "\"date\":{\"uts\":\"5\",\"#text\":\"x\"}}",
         true},
        {"{\"artist\":{\"name\":\"A\"},\"name\":\"T\",\"date\":{\"uts\":5}}", true},
        {"{\"listened_at\":5,\"track_metadata\":{\"artist_name\":\"A\"}}", false},
        {"{\"listened_at\":5.5,\"track_metadata\":{\"artist_name\":\"A\",\"track_name\":\"T\"}}",
         false},
        {"{\"artist\":{\"name\":\"A\"},\"name\":\"T\",\"date\":{\"uts\":\"x\"}}", false},
        {"{\"artist\":\"A\",\"name\":\"T\",\"date\":{\"uts\":5}}", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct scrobble scrobble = {0};
        if (scrobble_read_nested(CASES[i].json, strlen(CASES[i].json), &scrobble) != CASES[i].read)
            fail_msg("%s", CASES[i].json);
        if (CASES[i].read)
            assert_true(scrobble.time.ms == 5000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_direct_kinds),
        cmocka_unit_test(test_json_direct_fields_within),
        cmocka_unit_test(test_json_direct_leaves_what_is_unusual),
        cmocka_unit_test(test_json_direct_reads_the_usual_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
