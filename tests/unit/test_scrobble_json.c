#include "data/scrobble_json.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/hash.h"
#include "data/scrobble_json_parts.h"
#include "data/utf8.h"

#define NAMES "\"artist\":\"Kalomi\",\"track\":\"Bare Rune\""
#define OWN   "{\"user_id\":\"u1\",\"timestamp\":1241478537000," NAMES

struct expected {
    const char *user_id;
    int64_t time_ms;
    const char *artist, *track, *artist_mbid, *track_mbid;
    int64_t duration_ms;
};

struct accepted {
    const char *json;
    bool direct; /* by the direct reader, without Jansson */
    struct expected scrobble;
};

static void assert_slice(struct slice slice, const char *expected)
{
    assert_int_equal(slice.size, strlen(expected));
    if (slice.size)
        assert_memory_equal(slice.data, expected, slice.size);
}

static void assert_scrobble(const struct scrobble *got, const struct expected *expected)
{
    assert_slice(got->user_id, expected->user_id);
    assert_int_equal(got->time.ms, expected->time_ms);
    assert_slice(got->artist, expected->artist);
    assert_slice(got->track, expected->track);
    assert_slice(got->artist_mbid, expected->artist_mbid);
    assert_slice(got->track_mbid, expected->track_mbid);
    assert_int_equal(got->duration_ms, expected->duration_ms);
}

/* In memory of exactly its size, so that a sanitizer sees a read behind the end. */
static char *exact_copy(const char *data, size_t size)
{
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    return copy;
}

static void check_accepted(const struct accepted *rows, size_t count)
{
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    assert_non_null(scratch);
    for (size_t i = 0; i < count; i++) {
        struct scrobble got;
        struct err detail = {0};
        size_t size = strlen(rows[i].json);
        char *json = exact_copy(rows[i].json, size);
        enum reject_reason reason = scrobble_from_json(json, size, scratch, &got, &detail);
        if (reason)
            fail_msg("%s: %s: %s", rows[i].json, reject_reason_name(reason), detail.text);
        assert_scrobble(&got, &rows[i].scrobble);
        assert_int_equal(scrobble_from_json_general(json, size, scratch, &got, &detail), 0);
        assert_scrobble(&got, &rows[i].scrobble);
        if (scrobble_read_direct(json, size, &got) != rows[i].direct)
            fail_msg("%s: wrong reader", rows[i].json);
        free(json);
    }
    scrobble_scratch_free(scratch);
}

static void test_scrobble_json_reads_own_form(void **state)
{
    (void)state;
#define K "Kalomi", "Bare Rune"
#define T 1241478537000
    static const struct accepted rows[] = {
        {OWN "}", true, {"u1", T, K, "", "", 0}},
        {"{" NAMES ",\"timestamp\":0}", true, {"", 0, K, "", "", 0}},
        {OWN ",\"artist_mbid\":\"a-1\",\"track_mbid\":\"t-1\",\"duration_ms\":215000}",
         true,
         {"u1", T, K, "a-1", "t-1", 215000}},
        {OWN ",\"duration_ms\":86400000}", true, {"u1", T, K, "", "", 86400000}},
        {OWN ",\"duration_ms\":86400001}", true, {"u1", T, K, "", "", 0}},
        {OWN ",\"duration_ms\":null,\"track_mbid\":null,\"artist_mbid\":\"\"}",
         true,
         {"u1", T, K, "", "", 0}},
        {"{\"user_id\":null,\"timestamp\":4102444799999," NAMES "}",
         true,
         {"", 4102444799999, K, "", "", 0}},
        {" \n{ \"timestamp\" :\t1241478537000 , " NAMES " \r\n} \n", true, {"", T, K, "", "", 0}},
        {OWN ",\"x\":1,\"y\":\"z\",\"\":null,\"v\":true,\"w\":false}",
         true,
         {"u1", T, K, "", "", 0}},
        {OWN ",\"name\":\"N\",\"date\":5,\"mbid\":\"m\",\"listened_at\":5}",
         true,
         {"u1", T, K, "", "", 0}},
        {OWN ",\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}",
         false,
         {"u1", T, K, "", "", 0}},
        {OWN ",\"x\":[1,{\"artist\":2}],\"y\":-1.5e3}", false, {"u1", T, K, "", "", 0}},
        {OWN ",\"track_metadata\":null}", false, {"u1", T, K, "", "", 0}},
        {OWN ",\"duration_ms\":2.15e5}", false, {"u1", T, K, "", "", 215000}},
        {OWN ",\"duration_ms\":-0}", false, {"u1", T, K, "", "", 0}},
        {OWN ",\"duration_ms\":1e300}", false, {"u1", T, K, "", "", 0}},
        {"{\"timestamp\":1241478537000.0," NAMES "}", false, {"", T, K, "", "", 0}},
        {"{\"timestamp\":1,\"artist\":\"Bj\xc3\xb6rk\",\"track\":\"\xe6\xad\x8c\xf0\x9f\x8e\xb5\"}",
         true,
         {"", 1, "Bj\xc3\xb6rk", "\xe6\xad\x8c\xf0\x9f\x8e\xb5", "", "", 0}},
        {"{\"timestamp\":1,\"artist\":\"Bj\\u00f6rk\",\"track\":\"12\\\" \\/ \\ud83c\\udfb5\\n\"}",
         false,
         {"", 1, "Bj\xc3\xb6rk", "12\" / \xf0\x9f\x8e\xb5\n", "", "", 0}},
        {"{\"timest\\u0061mp\":1," NAMES "}", false, {"", 1, K, "", "", 0}},
    };
    check_accepted(rows, sizeof rows / sizeof *rows);
}

static void test_scrobble_json_reads_listens(void **state)
{
    (void)state;
#define META                                                                                       \
    "\"track_metadata\":{\"artist_name\":\"Kalomi\",\"track_name\":\"Bare Rune\""                  \
    ",\"release_name\":\"R\",\"additional_info\":"
#define LISTEN "{\"listened_at\":1241478537,\"user_name\":\"u1\"," META
    static const struct accepted rows[] = {
        {LISTEN "{}}}", false, {"u1", T, K, "", "", 0}},
        {LISTEN "null},\"recording_msid\":\"x\",\"user_id\":7}", false, {"u1", T, K, "", "", 0}},
        {"{\"listened_at\":1241478537," META "{\"duration_ms\":1500,\"recording_mbid\":\"t-1\","
         "\"artist_mbids\":[\"a-1\",\"a-2\"]}}}",
         false,
         {"", T, K, "a-1", "t-1", 1500}},
        {LISTEN "{\"duration\":215}}}", false, {"u1", T, K, "", "", 215000}},
        {LISTEN "{\"duration\":0.5,\"duration_ms\":0}}}", false, {"u1", T, K, "", "", 500}},
        {LISTEN "{\"duration\":215,\"duration_ms\":1500}}}", false, {"u1", T, K, "", "", 1500}},
        {LISTEN "{\"duration\":90000}}}", false, {"u1", T, K, "", "", 0}},
        {LISTEN "{\"duration\":-3}}}", false, {"u1", T, K, "", "", 0}},
        {LISTEN "{\"duration\":\"3:35\",\"duration_ms\":\"215000\",\"artist_mbids\":\"a\","
                "\"recording_mbid\":5}}}",
         false,
         {"u1", T, K, "", "", 0}},
        {LISTEN "[]}}", false, {"u1", T, K, "", "", 0}},
        {LISTEN "{}},\"artist\":{\"#text\":\"Other\"}}", false, {"u1", T, K, "", "", 0}},
    };
    check_accepted(rows, sizeof rows / sizeof *rows);
}

static void test_scrobble_json_reads_recent_tracks(void **state)
{
    (void)state;
#define DATE ",\"name\":\"Bare Rune\",\"date\":{\"uts\":\"1241478537\",\"#text\":\"04 May 2009\"}"
    static const struct accepted rows[] = {
        {"{\"artist\":{\"mbid\":\"a-1\",\"#text\":\"Kalomi\"},\"mbid\":\"t-1\"" DATE "}",
         false,
         {"", T, K, "a-1", "t-1", 0}},
        {"{\"artist\":{\"mbid\":\"\",\"#text\":\"Kalomi\"},\"mbid\":\"\",\"streamable\":\"0\","
         "\"image\":[{\"size\":\"small\",\"#text\":\"\"}],\"user\":\"u1\"" DATE "}",
         false,
         {"u1", T, K, "", "", 0}},
        {"{\"artist\":{\"name\":\"Kalomi\",\"url\":\"u\"}" DATE "}", false, {"", T, K, "", "", 0}},
        {"{\"artist\":{\"#text\":\"Kalomi\"},\"name\":\"Bare Rune\",\"date\":{\"uts\":1241478537}}",
         false,
         {"", T, K, "", "", 0}},
        {"{\"artist\":{\"#text\":\"Kalomi\"},\"name\":\"Bare Rune\",\"date\":{\"uts\":\"0\"}}",
         false,
         {"", 0, K, "", "", 0}},
    };
    check_accepted(rows, sizeof rows / sizeof *rows);
}

static void assert_sentence(const struct err *detail, const char *name)
{
    size_t size = strlen(detail->text);
    if (size < 10 || size >= sizeof detail->text - 1)
        fail_msg("%s: no sentence: \"%s\"", name, detail->text);
    if (utf8_valid_prefix(detail->text, size) != size || strpbrk(detail->text, "\r\n"))
        fail_msg("%s: not one line of text: \"%s\"", name, detail->text);
    assert_int_equal(detail->code, ERR_INPUT);
}

static void check_refused(const char *name, const char *data, size_t size, const char *reason,
                          struct scrobble_scratch *scratch)
{
    struct scrobble untouched, got;
    struct err detail = {0};
    memset(&untouched, 0x5a, sizeof untouched);
    got = untouched;
    char *json = exact_copy(data, size);
    enum reject_reason direct = scrobble_from_json(json, size, scratch, &got, &detail);
    if (strcmp(reject_reason_name(direct), reason) != 0)
        fail_msg("%s: refused as %s: %s", name, reject_reason_name(direct), detail.text);
    assert_sentence(&detail, name);
    assert_int_equal(scrobble_from_json_general(json, size, scratch, &got, NULL), direct);
    assert_memory_equal(&got, &untouched, sizeof got);
    free(json);
}

static size_t read_file(const char *folder, const char *name, char *out, size_t capacity)
{
    char path[1024];
    assert_true((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(out, 1, capacity, file);
    assert_true(size < capacity);
    fclose(file);
    return size;
}

static void check_valid_file(const char *name, const char *data, size_t size,
                             struct scrobble_scratch *scratch)
{
    struct scrobble scrobble;
    struct err detail = {0};
    char *json = exact_copy(data, size);
    if (scrobble_from_json(json, size, scratch, &scrobble, &detail) != REJECT_NONE)
        fail_msg("%s: %s", name, detail.text);
    assert_int_equal(scrobble_from_json_general(json, size, scratch, &scrobble, NULL), 0);
    free(json);
}

/* Calls check for each record of a folder of fixtures. @return how many */
static int walk(const char *folder, void (*check)(const char *name, const char *data, size_t size,
                                                  struct scrobble_scratch *scratch))
{
    char data[16384];
    int count = 0;
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (!strstr(entry->d_name, ".json"))
            continue;
        size_t size = read_file(folder, entry->d_name, data, sizeof data);
        check(entry->d_name, data, size, scratch);
        count++;
    }
    closedir(entries);
    scrobble_scratch_free(scratch);
    return count;
}

/* <reason>.<what is wrong>.json */
static void check_invalid_file(const char *name, const char *data, size_t size,
                               struct scrobble_scratch *scratch)
{
    char reason[64] = "";
    size_t length = strcspn(name, ".");
    assert_true(length < sizeof reason);
    memcpy(reason, name, length);
    check_refused(name, data, size, reason, scratch);
}

static void test_scrobble_json_refuses_corpus_for_its_reason(void **state)
{
    (void)state;
    assert_true(walk(OUTRO_FIXTURES "/invalid", check_invalid_file) >= 120);
}

/* The same files hold for the schema: contract.schemas. */
static void test_scrobble_json_reads_what_the_schema_allows(void **state)
{
    (void)state;
    assert_true(walk(OUTRO_FIXTURES "/valid", check_valid_file) >= 15);
}

static void test_scrobble_json_names_the_field_that_is_wrong(void **state)
{
    static const struct {
        const char *json;
        const char *field;
    } rows[] = {
        {"{\"timestamp\":1,\"track\":\"t\"}", "artist is missing"},
        {"{\"timestamp\":1,\"artist\":\"a\",\"track\":\"\"}", "track must"},
        {"{\"timestamp\":true," NAMES "}", "timestamp must"},
        {"{\"timestamp\":-5," NAMES "}", "timestamp is -5"},
        {"{\"user_id\":\"\",\"timestamp\":1," NAMES "}", "user_id must"},
        {OWN ",\"duration_ms\":-1}", "duration_ms must"},
        {OWN ",\"track_mbid\":1}", "track_mbid must"},
        {"{\"track_metadata\":{},\"listened_at\":1}", "track_metadata.artist_name is missing"},
        {"{\"track_metadata\":{}}", "listened_at is missing"},
        {"{\"artist\":{\"#text\":\"a\"},\"name\":\"n\"}", "date is missing"},
        {"{\"artist\":{},\"name\":\"n\",\"date\":{\"uts\":1}}", "artist.name is missing"},
        {"{\"artist\":\"Kal\\u0000omi\"}", "\\u0000"},
        {"{\"artist\":\"Kal\x80omi\"}", "byte 14 (0x80)"},
    };
    (void)state;
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scrobble out;
        struct err detail = {0};
        assert_int_not_equal(
            scrobble_from_json(rows[i].json, strlen(rows[i].json), scratch, &out, &detail), 0);
        if (!strstr(detail.text, rows[i].field))
            fail_msg("%s: %s", rows[i].json, detail.text);
    }
    scrobble_scratch_free(scratch);
}

static void test_scrobble_json_limits_are_inclusive(void **state)
{
    (void)state;
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    struct scrobble out;
    char *json = malloc(SCROBBLE_JSON_MAX + 1);
    assert_non_null(json);
    size_t size = strlen(OWN "}");
    memcpy(json, OWN "}", size);
    memset(json + size, ' ', SCROBBLE_JSON_MAX + 1 - size);
    assert_int_equal(scrobble_from_json(json, SCROBBLE_JSON_MAX, scratch, &out, NULL), 0);
    check_refused("64 KiB + 1", json, SCROBBLE_JSON_MAX + 1, "too-large", scratch);

    for (int depth = SCROBBLE_DEPTH_MAX - 1; depth <= SCROBBLE_DEPTH_MAX; depth++) {
        char *end = json + sprintf(json, OWN ",\"x\":");
        memset(end, '[', (size_t)depth);
        memset(end + depth, ']', (size_t)depth);
        end[2 * depth] = '}';
        size = (size_t)(end + 2 * depth + 1 - json);
        if (depth < SCROBBLE_DEPTH_MAX)
            assert_int_equal(scrobble_from_json(json, size, scratch, &out, NULL), 0);
        else
            check_refused("33 deep", json, size, "too-large", scratch);
    }

    memset(json, 'a', SCROBBLE_TEXT_MAX + 100);
    memcpy(json, "{\"timestamp\":1,\"track\":\"t\",\"artist\":\"", 37);
    memcpy(json + 37 + SCROBBLE_TEXT_MAX, "\"}", 2);
    assert_int_equal(scrobble_from_json(json, 37 + SCROBBLE_TEXT_MAX + 2, scratch, &out, NULL), 0);
    assert_int_equal(out.artist.size, SCROBBLE_TEXT_MAX);
    free(json);
    scrobble_scratch_free(scratch);
}

static void test_scrobble_json_null_value_has_its_own_reason(void **state)
{
    (void)state;
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    struct scrobble out;
    assert_int_equal(scrobble_from_json(NULL, 0, scratch, &out, NULL), REJECT_NULL_VALUE);
    assert_int_equal(scrobble_from_json("", 0, scratch, &out, NULL), REJECT_NOT_JSON);
    scrobble_scratch_free(scratch);
}

static void assert_same_slice(struct slice a, struct slice b)
{
    assert_int_equal(a.size, b.size);
    if (a.size)
        assert_memory_equal(a.data, b.data, a.size);
}

/* The fuzz target without the fuzzer: records near good ones, where the two readers could part. */
static void test_scrobble_json_readers_agree_on_damaged_records(void **state)
{
    static const char base[] = OWN ",\"artist_mbid\":\"a\",\"x\":\"\xc3\xb6\",\"duration_ms\":1}";
    static const char material[] = "{}[]\",:\\ \n0159-+.eEu\xc3\xb6\xff\x01tnaxr";
    (void)state;
    struct scrobble_scratch *one = scrobble_scratch_new();
    struct scrobble_scratch *two = scrobble_scratch_new();
    uint64_t random = 1;
    int read = 0, refused = 0;
    for (int round = 0; round < 60000; round++) {
        size_t size = sizeof base - 1;
        char *json = exact_copy(base, size);
        struct scrobble a, b;
        for (int hits = 1 + round % 2; hits > 0; hits--) {
            random = hash_mix(random + 1);
            size_t at = random % size;
            uint64_t pick = random >> 32;
            if (pick % 3)
                json[at] = material[(pick >> 8) % (sizeof material - 1)];
            else
                memmove(json + at, json + at + 1, --size - at);
        }
        char *exact = exact_copy(json, size);
        enum reject_reason reason = scrobble_from_json(exact, size, one, &a, NULL);
        assert_int_equal(scrobble_from_json_general(exact, size, two, &b, NULL), reason);
        if (!reason) {
            assert_same_slice(a.user_id, b.user_id);
            assert_same_slice(a.artist, b.artist);
            assert_same_slice(a.track, b.track);
            assert_same_slice(a.artist_mbid, b.artist_mbid);
            assert_same_slice(a.track_mbid, b.track_mbid);
            assert_int_equal(a.time.ms, b.time.ms);
            assert_int_equal(a.duration_ms, b.duration_ms);
        }
        reason ? refused++ : read++;
        free(exact);
        free(json);
    }
    assert_true(read > 5000 && refused > 5000);
    scrobble_scratch_free(one);
    scrobble_scratch_free(two);
}

static struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static void test_scrobble_json_writes_what_it_reads(void **state)
{
    static const struct {
        struct expected scrobble;
        const char *json;
    } rows[] = {
        {{"u1", T, K, "", "", 0}, OWN "}"},
        {{"", 1, K, "a", "t", 5},
         "{\"timestamp\":1," NAMES
         ",\"artist_mbid\":\"a\",\"track_mbid\":\"t\",\"duration_ms\":5}"},
        {{"\"\\\n\t\r\x01\x1f\x7f/", 0, "\xc3\xb6", "\xf0\x9f\x8e\xb5", "", "", 0},
         "{\"user_id\":\"\\\"\\\\\\n\\t\\r\\u0001\\u001f\x7f/\",\"timestamp\":0,"
         "\"artist\":\"\xc3\xb6\",\"track\":\"\xf0\x9f\x8e\xb5\"}"},
    };
    (void)state;
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct expected *e = &rows[i].scrobble;
        struct scrobble scrobble = {slice_of(e->user_id),
                                    {e->time_ms},
                                    slice_of(e->artist),
                                    slice_of(e->track),
                                    slice_of(e->artist_mbid),
                                    slice_of(e->track_mbid),
                                    e->duration_ms};
        char out[1024];
        size_t size = scrobble_to_json(&scrobble, out, sizeof out);
        assert_slice((struct slice){out, size}, rows[i].json);
        assert_int_equal(scrobble_from_json(out, size, scratch, &scrobble, NULL), 0);
        assert_scrobble(&scrobble, e);
    }
    scrobble_scratch_free(scratch);
}

static void test_scrobble_json_writer_says_when_it_does_not_fit(void **state)
{
    (void)state;
    char name[1000];
    memset(name, 'n', sizeof name);
    struct scrobble scrobble = {.artist = {name, sizeof name}, .track = {"\x01", 1}};
    for (size_t capacity = 0; capacity < 1400; capacity++) {
        char *out = malloc(capacity ? capacity : 1);
        assert_non_null(out);
        size_t size = scrobble_to_json(&scrobble, out, capacity);
        assert_true(size == (size_t)-1 ? capacity < 1200 : size <= capacity);
        free(out);
    }
}

static void test_scrobble_json_every_reason_has_its_name(void **state)
{
    (void)state;
    for (int a = 0; a < REJECT_REASONS; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(reject_reason_name(a), reject_reason_name(b));
    assert_string_equal(reject_reason_name(REJECT_TIME_IN_FUTURE), "time-in-future");
    assert_string_equal(reject_reason_name(REJECT_REASONS), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scrobble_json_reads_own_form),
        cmocka_unit_test(test_scrobble_json_reads_listens),
        cmocka_unit_test(test_scrobble_json_reads_recent_tracks),
        cmocka_unit_test(test_scrobble_json_refuses_corpus_for_its_reason),
        cmocka_unit_test(test_scrobble_json_reads_what_the_schema_allows),
        cmocka_unit_test(test_scrobble_json_names_the_field_that_is_wrong),
        cmocka_unit_test(test_scrobble_json_limits_are_inclusive),
        cmocka_unit_test(test_scrobble_json_null_value_has_its_own_reason),
        cmocka_unit_test(test_scrobble_json_readers_agree_on_damaged_records),
        cmocka_unit_test(test_scrobble_json_writes_what_it_reads),
        cmocka_unit_test(test_scrobble_json_writer_says_when_it_does_not_fit),
        cmocka_unit_test(test_scrobble_json_every_reason_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
