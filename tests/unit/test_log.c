#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "log_fixture.h"

static void expect_log(const char *path, const struct log_options *options, const char *expected,
                       uint64_t rejected)
{
    struct err err = {0};
    char found[4096];
    struct log *log = log_open(path, options, &err);
    if (!log)
        fail_msg("%s", err.text);
    for (int pass = 0; pass < 2; pass++) {
        log_describe(log, found, sizeof found);
        assert_string_equal(found, expected);
        assert_int_equal(log_rewind(log, &err), 0);
    }
    assert_int_equal(log_counts(log).rejected, rejected);
    log_free(log);
}

#define ROW(user, time, track) user "\t" time "\tma\tA\tmt\t" track "\n"

static const char TWO_USERS[] =
    ROW("u1", "2009-05-03T15:48:25Z", "t3") ROW("u1", "2009-05-03T15:37:56Z", "t1")
        ROW("u2", "2009-05-03T15:48:25Z", "t4") ROW("u2", "2009-05-03T15:40:00Z", "t2");

static const char TWO_USERS_BY_TIME[] = "u1@1241365076000 A/t1 [ma|mt] 0\n"
                                        "u2@1241365200000 A/t2 [ma|mt] 0\n"
                                        "u1@1241365705000 A/t3 [ma|mt] 0\n"
                                        "u2@1241365705000 A/t4 [ma|mt] 0\n";

static void test_log_orders_across_users(void **state)
{
    (void)state;
    for (int gzip = 0; gzip < 2; gzip++) {
        struct temp_file file;
        if (gzip)
            temp_file_gzip(&file, TWO_USERS, sizeof TWO_USERS - 1);
        else
            temp_file_text(&file, TWO_USERS);
        struct log_options options = {.order = LOG_BY_TIME};
        expect_log(file.path, &options, TWO_USERS_BY_TIME, 0);
        options.order = LOG_AS_ARRIVED; /* a table is a history: nothing arrived in its order */
        expect_log(file.path, &options, TWO_USERS_BY_TIME, 0);
        temp_file_remove(&file);
    }
}

static void test_log_keeps_json_as_arrived(void **state)
{
    (void)state;
    struct temp_file file;
    temp_file_text(&file,
                   "{\"user_id\":\"u\",\"timestamp\":3,\"artist\":\"A\",\"track\":\"T\"}\n"
                   "{\"user_id\":\"v\",\"timestamp\":1,\"artist\":\"A\",\"track\":\"T\"}\n"
                   "u\t{\"user_id\":\"u\",\"timestamp\":2,\"artist\":\"A\",\"track\":\"T\"}\n");
    struct log_options options = {.order = LOG_AS_ARRIVED};
    expect_log(file.path, &options, "u@3 A/T [|] 0\nv@1 A/T [|] 0\nu@2 A/T [|] 0\n", 0);
    options.order = LOG_BY_TIME;
    expect_log(file.path, &options, "v@1 A/T [|] 0\nu@2 A/T [|] 0\nu@3 A/T [|] 0\n", 0);
    temp_file_remove(&file);
}

static void test_log_reads_every_form(void **state)
{
    (void)state;
#define T1    "2009-05-03T15:48:25Z"
#define PLAIN "u@1241365705000 A/T [|] 0\n"
    static const struct {
        const char *content, *expected;
    } CASES[] = {
        {"", ""},
        {"\n\r\n", ""},
        {"user\ttimestamp\tartist_id\tartist\tartist_id\tsong\n", ""},
        {"user\ttimestamp\tartist_id\tartist\tartist_id\tsong\nu\t" T1 "\t\tA\t\tT\n", PLAIN},
        {"#id\ttimestamp\tartid\tartname\ttraid\ttraname\r\nu\t" T1 "\t\tA\t\tT\r\n", PLAIN},
        {"#userid\nu\t" T1 "\t\tA\t\tT", PLAIN},
        {"u\t" T1 "\t\tA\t\tT", PLAIN},
        {"u\t" T1 "\t\tBj\xc3\xb6rk\t\t\xe6\xa4\x8e\n",
         "u@1241365705000 Bj\xc3\xb6rk/\xe6\xa4\x8e [|] 0\n"},
        {"{\"user_id\":\"u\",\"timestamp\":1241365705000,\"artist\":\"A\",\"track\":\"T\"}\n",
         PLAIN},
        {" {\"user_id\":\"u\",\"timestamp\":1241365705000,\"artist\":\"A\",\"track\":\"T\"}\r\n",
         PLAIN},
        {"{\"user_id\":\"u\",\"timestamp\":5,\"artist\":\"A\",\"track\":\"T\",\"artist_mbid\":"
         "\"x\","
         "\"track_mbid\":\"y\",\"duration_ms\":7}",
         "u@5 A/T [x|y] 7\n"},
        {"u\t{\"user_id\":\"u\",\"timestamp\":1241365705000,\"artist\":\"A\",\"track\":\"T\"}\n",
         PLAIN},
        {"u\t{\"timestamp\":1241365705000,\"artist\":\"A\",\"track\":\"T\"}\n", PLAIN},
        {"{\"user_name\":\"u\",\"listened_at\":1241365705,\"track_metadata\":{\"artist_name\":"
         "\"A\","
         "\"track_name\":\"T\"}}\n",
         PLAIN},
        {"{\"user_name\":\"u\",\"listened_at\":1241365705,\"track_metadata\":{\"artist_name\":"
         "\"A\","
         "\"track_name\":\"T\",\"additional_info\":{\"duration_ms\":180000,\"recording_mbid\":"
         "\"y\","
         "\"artist_mbids\":[\"x\",\"z\"]}}}\n",
         "u@1241365705000 A/T [x|y] 180000\n"},
        {"{\"user_name\":\"u\",\"listened_at\":1241365705,\"track_metadata\":{\"artist_name\":"
         "\"A\","
         "\"track_name\":\"T\",\"additional_info\":{\"duration\":180}}}\n",
         "u@1241365705000 A/T [|] 180000\n"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct temp_file file;
        struct log_options options = {0};
        temp_file_text(&file, CASES[i].content);
        expect_log(file.path, &options, CASES[i].expected, 0);
        temp_file_remove(&file);
    }
}

#define GOOD      "u\t2009-05-03T15:48:25Z\t\tA\t\tT"
#define GOOD_SEEN "u@1241365705000 A/T [|] 0\n"
#define LONG_65   "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg"

/* Each bad line stands between two good ones: it is set aside with its reason, and costs nothing
 * else. */
static void test_log_sets_bad_rows_aside(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        size_t size; /* 0: up to the NUL */
        const char *reason;
    } CASES[] = {
        {"u", 0, "1 tab-separated field, not 6"},
        {"u\t2009-05-03T15:48:25Z\t\tA\t", 0, "5 tab-separated fields, not 6"},
        {"u\t2009-05-03T15:48:25Z\t\tA\tB\tC\tT", 0, "7 tab-separated fields, not 6"},
        {"u\t2009-05-03T15:48:25Z\t\tA\t\t\tT", 0, "7 tab-separated fields, not 6"},
        {"\t2009-05-03T15:48:25Z\t\tA\t\tT", 0, "user id is empty"},
        {LONG_65 "\t2009-05-03T15:48:25Z\t\tA\t\tT", 0, "user id has 65 bytes, more than 64"},
        {"u\t\t\tA\t\tT", 0, "time \"\" is not of the form"},
        {"u\tyesterday\t\tA\t\tT", 0, "time \"yesterday\" is not of the form"},
        {"u\tyest\033[31merday\t\tA\t\tT", 0, "time \"yest\" is not of the form"},
        {"u\t2009-02-30T00:00:00Z\t\tA\t\tT", 0, "does not exist in the calendar"},
        {"u\t1969-12-31T23:59:59Z\t\tA\t\tT", 0, "is not between 1970 and 2099"},
        {"u\t2009-05-03T15:48:25Z\t\t\t\tT", 0, "artist is empty"},
        {"u\t2009-05-03T15:48:25Z\t\tA\t\t", 0, "track is empty"},
        {"u\t2009-05-03T15:48:25Z\t\tA\xff\t\tT", 0, "not valid UTF-8"},
        {"u\t2009-05-03T15:48:25Z\t\tA\t\tT\xc3", 0, "not valid UTF-8"},
        {"u\t2009-05-03T15:48:25Z\t\tA\0\t\tT", sizeof "u\t2009-05-03T15:48:25Z\t\tA\0\t\tT" - 1,
         "NUL byte"},
        {"user\ttimestamp\tartist_id\tartist\tartist_id\tsong", 0, "time \"timestamp\""},
        {"{\"user_id\":\"u\"", 0, "not-json: "},
        {"{}", 0, "missing-field: "},
        {"{\"timestamp\":1,\"artist\":\"A\",\"track\":\"T\"}", 0,
         "missing-field: neither a user_id"},
        {"{\"user_id\":\"u\",\"timestamp\":\"1\",\"artist\":\"A\",\"track\":\"T\"}", 0,
         "bad-field: "},
        {"{\"user_id\":\"u\",\"timestamp\":-1,\"artist\":\"A\",\"track\":\"T\"}", 0,
         "time-out-of-range: "},
        {"v\t{\"user_id\":\"u\",\"timestamp\":1,\"artist\":\"A\",\"track\":\"T\"}", 0,
         "key-mismatch: "},
        {"\xff\t{\"timestamp\":1,\"artist\":\"A\",\"track\":\"T\"}", 0, "not-utf8: the key"},
        {LONG_65 "\t{\"timestamp\":1,\"artist\":\"A\",\"track\":\"T\"}", 0,
         "bad-field: the key before the tab is longer"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char content[512], place[300], *complaints = NULL;
        size_t size = CASES[i].size ? CASES[i].size : strlen(CASES[i].line), complaint_size;
        size_t used = (size_t)snprintf(content, sizeof content, "%s\n", GOOD);
        memcpy(content + used, CASES[i].line, size);
        used += size;
        used += (size_t)snprintf(content + used, sizeof content - used, "\n%s\n", GOOD);
        struct temp_file file;
        temp_file_write(&file, content, used);

        struct log_options options = {.complaints = open_memstream(&complaints, &complaint_size)};
        struct err err = {0};
        char found[4096];
        struct log *log = log_open(file.path, &options, &err);
        assert_non_null(log);
        log_describe(log, found, sizeof found);
        assert_string_equal(found, GOOD_SEEN GOOD_SEEN);
        assert_int_equal(log_counts(log).rejected, 1);
        assert_int_equal(log_counts(log).rows, 2);
        log_free(log);
        fclose(options.complaints);
        snprintf(place, sizeof place, "%s:2: ", file.path);
        assert_ptr_equal(strstr(complaints, place), complaints);
        if (!strstr(complaints, CASES[i].reason))
            fail_msg("\"%s\" is not in \"%s\"", CASES[i].reason, complaints);
        free(complaints);

        /* The same in strict reading is an error with the same words. */
        struct log_options strict = {.strict = true};
        assert_null(log_open(file.path, &strict, &err));
        assert_int_equal(err.code, ERR_INPUT);
        assert_ptr_equal(strstr(err.text, place), err.text);
        assert_non_null(strstr(err.text, CASES[i].reason));
        temp_file_remove(&file);
    }
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    return lines;
}

static void test_log_shows_the_first_twenty_bad_rows(void **state)
{
    (void)state;
    static const struct {
        int bad;
        size_t shown;
        const char *last;
    } CASES[] = {{20, 20, ":21: "},
                 {21, 21, ": 1 more bad rows, not shown\n"},
                 {500, 21, ": 480 more bad rows, not shown\n"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char content[4096] = GOOD "\n", *complaints = NULL;
        size_t complaint_size, used = strlen(content);
        for (int row = 0; row < CASES[i].bad; row++)
            used += (size_t)snprintf(content + used, sizeof content - used, "bad\n");
        struct temp_file file;
        temp_file_write(&file, content, used);
        struct log_options options = {.complaints = open_memstream(&complaints, &complaint_size)};
        struct err err = {0};
        struct log *log = log_open(file.path, &options, &err);
        assert_non_null(log);
        assert_int_equal(log_counts(log).rejected, CASES[i].bad);
        log_free(log);
        fclose(options.complaints);
        assert_int_equal(count_lines(complaints), CASES[i].shown);
        assert_non_null(strstr(complaints, CASES[i].last));
        free(complaints);
        temp_file_remove(&file);
    }
}

static void test_log_line_over_the_limit_is_a_bad_row(void **state)
{
    (void)state;
    static char content[6 << 20];
    size_t used = (size_t)snprintf(content, sizeof content, "%s\n", GOOD);
    memset(content + used, 'x', 5 << 20);
    used += 5 << 20;
    used += (size_t)snprintf(content + used, sizeof content - used, "\n%s", GOOD);
    struct temp_file file;
    temp_file_write(&file, content, used);
    struct log_options options = {0};
    expect_log(file.path, &options, GOOD_SEEN GOOD_SEEN, 1);
    temp_file_remove(&file);
}

static void test_log_refuses_what_is_no_log(void **state)
{
    (void)state;
    static const char *const CONTENTS[] = {
        "hello\n",
        "a,b,c\n1,2,3\n",
        "[{\"user_id\":\"u\"}]\n",
        "\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    };
    for (size_t i = 0; i < sizeof CONTENTS / sizeof *CONTENTS; i++) {
        struct temp_file file;
        temp_file_text(&file, CONTENTS[i]);
        struct log_options options = {0};
        struct err err = {0};
        assert_null(log_open(file.path, &options, &err));
        assert_int_equal(err.code, ERR_INPUT);
        assert_non_null(strstr(err.text, "no scrobble in "));
        assert_non_null(strstr(err.text, file.path));
        assert_non_null(strstr(err.text, ":1: "));
        temp_file_remove(&file);
    }
    struct log_options options = {0};
    struct err err = {0};
    assert_null(log_open("/nonexistent/log.tsv", &options, &err));
    assert_int_equal(err.code, ERR_IO);
}

/* The rows before the place where a gzip breaks off are not taken for the whole. */
static void test_log_truncated_gzip_is_an_error(void **state)
{
    (void)state;
    static char content[200 * 1000];
    size_t used = 0;
    for (int i = 0; i < 4000; i++)
        used += (size_t)snprintf(content + used, sizeof content - used,
                                 "u\t2009-05-03T15:%02d:%02dZ\t\tA\t\t%d\n", i / 60 % 60, i % 60,
                                 i * 7919 % 4000);
    struct temp_file file;
    temp_file_gzip(&file, content, used);
    FILE *stream = fopen(file.path, "rb");
    fseek(stream, 0, SEEK_END);
    long size = ftell(stream);
    fclose(stream);
    assert_int_equal(truncate(file.path, size / 2), 0);
    struct log_options options = {0};
    struct err err = {0};
    assert_null(log_open(file.path, &options, &err));
    assert_int_equal(err.code, ERR_INPUT);
    assert_non_null(strstr(err.text, file.path));
    assert_non_null(strstr(err.text, "it ends too early"));
    temp_file_remove(&file);
}

static void test_log_fills_durations(void **state)
{
    (void)state;
    struct temp_file log_file, durations_file;
    temp_file_text(&durations_file, "A\tT\t1000\nA\tU\t2000\n");
    temp_file_text(&log_file,
                   "{\"user_id\":\"u\",\"timestamp\":1,\"artist\":\" a\",\"track\":\"t\"}\n"
                   "{\"user_id\":\"u\",\"timestamp\":2,\"artist\":\"A\",\"track\":\"U\","
                   "\"duration_ms\":7}\n"
                   "{\"user_id\":\"u\",\"timestamp\":3,\"artist\":\"A\",\"track\":\"V\"}\n");
    struct err err = {0};
    struct durations *durations = durations_load(durations_file.path, &err);
    assert_non_null(durations);
    struct log_options options = {.durations = durations};
    expect_log(log_file.path, &options, "u@1  a/t [|] 1000\nu@2 A/U [|] 7\nu@3 A/V [|] 0\n", 0);
    durations_free(durations);
    temp_file_remove(&log_file);
    temp_file_remove(&durations_file);
}

/* A log larger than its budget goes through temporary files and comes out the same. */
static void test_log_beyond_its_budget_is_the_same(void **state)
{
    (void)state;
    struct temp_file file;
    temp_file_make(&file);
    FILE *stream = fopen(file.path, "wb");
    assert_non_null(stream);
    for (int user = 0; user < 10; user++)
        for (int i = 4000; i-- > 0;)
            fprintf(stream, "u%d\t2009-05-03T%02d:%02d:%02dZ\t\tA\t\tT %d\n", user, i / 60 / 60,
                    i / 60 % 60, i % 60, i);
    fclose(stream);
    struct log_options small = {.memory_bytes = 1}, large = {0};
    struct err err = {0};
    struct log *a = log_open(file.path, &small, &err), *b = log_open(file.path, &large, &err);
    assert_non_null(a);
    assert_non_null(b);
    struct scrobble x, y;
    int64_t last = 0;
    for (int row = 0; row < 40000; row++) {
        assert_int_equal(log_next(a, &x, &err), 1);
        assert_int_equal(log_next(b, &y, &err), 1);
        assert_true(x.time.ms == y.time.ms && x.time.ms >= last);
        last = x.time.ms;
        assert_int_equal(x.user_id.data[1], '0' + row % 10);
        assert_int_equal(x.user_id.size, y.user_id.size);
        assert_memory_equal(x.user_id.data, y.user_id.data, x.user_id.size);
        assert_int_equal(x.track.size, y.track.size);
        assert_memory_equal(x.track.data, y.track.data, x.track.size);
    }
    assert_int_equal(log_next(a, &x, &err), 0);
    log_free(a);
    log_free(b);
    temp_file_remove(&file);
}

static void count_report(void *ctx, uint64_t rows, uint64_t bytes, uint64_t total_bytes)
{
    uint64_t *last = ctx;
    assert_true(rows >= last[0] && bytes >= last[1] && bytes <= total_bytes);
    last[0] = rows;
    last[1] = bytes;
    last[2] = total_bytes;
}

static void test_log_reports_progress_to_the_end(void **state)
{
    (void)state;
    struct temp_file file;
    uint64_t last[3] = {0};
    temp_file_text(&file, TWO_USERS);
    struct log_options options = {.progress = count_report, .progress_ctx = last};
    expect_log(file.path, &options, TWO_USERS_BY_TIME, 0);
    assert_int_equal(last[0], 4);
    assert_int_equal(last[1], sizeof TWO_USERS - 1);
    assert_int_equal(last[2], sizeof TWO_USERS - 1);
    temp_file_remove(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_orders_across_users),
        cmocka_unit_test(test_log_keeps_json_as_arrived),
        cmocka_unit_test(test_log_reads_every_form),
        cmocka_unit_test(test_log_sets_bad_rows_aside),
        cmocka_unit_test(test_log_shows_the_first_twenty_bad_rows),
        cmocka_unit_test(test_log_line_over_the_limit_is_a_bad_row),
        cmocka_unit_test(test_log_refuses_what_is_no_log),
        cmocka_unit_test(test_log_truncated_gzip_is_an_error),
        cmocka_unit_test(test_log_fills_durations),
        cmocka_unit_test(test_log_beyond_its_budget_is_the_same),
        cmocka_unit_test(test_log_reports_progress_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
