#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <zstd.h>

#include "data/durations.h"
#include "temp_file.h"

static int64_t find(const struct durations *durations, const char *artist, const char *track)
{
    return durations_find(durations, (struct slice){artist, strlen(artist)},
                          (struct slice){track, strlen(track)});
}

static void test_durations_finds_by_compared_names(void **state)
{
    (void)state;
    static const char CONTENT[] = "artist\ttrack\tduration_ms\n"
                                  "Radiohead\tCreep\t238000\r\n"
                                  "\n"
                                  "Bj\xc3\xb6rk\tJ\xc3\xb3ga\t305000\n"
                                  "Unknown\tNothing\t0\n"
                                  "Unknown\tEmpty\t\n"
                                  "DJ\tMix\t86400001\n"
                                  "DJ\tHuge\t99999999999999999999999999\n"
                                  "DJ\tDay\t86400000\n"
                                  "radiohead \tCREEP\t999\n"
                                  "Later\tKnown\t0\n"
                                  "Later\tKnown\t5\n"
                                  "ab\tc\t6\n"
                                  "a\tbc\t7";
    static const struct {
        const char *artist, *track;
        int64_t ms;
    } CASES[] = {
        {"Radiohead", "Creep", 238000}, /* the first known stands */
        {" RADIOHEAD", "creep ", 238000},
        {"BJ\xc3\x96RK", "j\xc3\xb3ga", 305000},
        {"Radiohead", "Karma Police", 0},
        {"Creep", "Radiohead", 0},
        {"Unknown", "Nothing", 0},
        {"Unknown", "Empty", 0},
        {"DJ", "Mix", 0},
        {"DJ", "Huge", 0},
        {"DJ", "Day", 86400000},
        {"Later", "Known", 5},
        {"ab", "c", 6},
        {"a", "bc", 7},
        {"abc", "", 0},
        {"", "", 0},
        {"artist", "track", 0},
    };
    char zstd[1024];
    size_t zstd_size = ZSTD_compress(zstd, sizeof zstd, CONTENT, sizeof CONTENT - 1, 3);
    assert_false(ZSTD_isError(zstd_size));
    for (int form = 0; form < 3; form++) {
        struct temp_file file;
        if (form == 0)
            temp_file_text(&file, CONTENT);
        else if (form == 1)
            temp_file_gzip(&file, CONTENT, sizeof CONTENT - 1);
        else
            temp_file_write(&file, zstd, zstd_size);
        struct err err = {0};
        struct durations *durations = durations_load(file.path, &err);
        assert_non_null(durations);
        assert_int_equal(durations_count(durations), 6);
        for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
            assert_int_equal(find(durations, CASES[i].artist, CASES[i].track), CASES[i].ms);
        durations_free(durations);
        temp_file_remove(&file);
    }
}

static void test_durations_none_at_all(void **state)
{
    (void)state;
    assert_int_equal(find(NULL, "a", "b"), 0);
    assert_int_equal(durations_count(NULL), 0);
    durations_free(NULL);
    struct temp_file file;
    temp_file_text(&file, "");
    struct err err = {0};
    struct durations *durations = durations_load(file.path, &err);
    assert_non_null(durations);
    assert_int_equal(durations_count(durations), 0);
    assert_int_equal(find(durations, "a", "b"), 0);
    durations_free(durations);
    temp_file_remove(&file);
}

/* More tracks than the first table has places. */
static void test_durations_many(void **state)
{
    (void)state;
    enum { TRACKS = 20000 };
    struct temp_file file;
    temp_file_make(&file);
    FILE *stream = fopen(file.path, "wb");
    assert_non_null(stream);
    for (int i = 0; i < TRACKS; i++)
        fprintf(stream, "Artist %d\tTrack %d\t%d\n", i % 100, i, i + 1);
    fclose(stream);
    struct err err = {0};
    struct durations *durations = durations_load(file.path, &err);
    assert_non_null(durations);
    assert_int_equal(durations_count(durations), TRACKS);
    for (int i = 0; i < TRACKS; i++) {
        char artist[32], track[32];
        snprintf(artist, sizeof artist, "artist %d", i % 100);
        snprintf(track, sizeof track, "track %d", i);
        assert_int_equal(find(durations, artist, track), i + 1);
        assert_int_equal(find(durations, track, artist), 0);
    }
    durations_free(durations);
    temp_file_remove(&file);
}

static void test_durations_bad_line_is_an_error_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *content, *place, *reason;
    } CASES[] = {
        {"A\tT\t1\nA\tT\n", ":2: ", "2 tab-separated fields, not 3"},
        {"A\tT\t1\nA\tT\t1\t2\n", ":2: ", "4 tab-separated fields, not 3"},
        {"A\tT\t1\nA\tT\t-1\n", ":2: ", "duration \"-1\" is not a whole number"},
        {"A\tT\t1\nA\tT\t1.5\n", ":2: ", "duration \"1.5\" is not a whole number"},
        {"A\tT\t12x\n", ":1: ", "duration \"12x\" is not a whole number"},
        {"hello\n", ":1: ", "1 tab-separated field, not 3"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct temp_file file;
        temp_file_text(&file, CASES[i].content);
        struct err err = {0};
        assert_null(durations_load(file.path, &err));
        assert_int_equal(err.code, ERR_INPUT);
        assert_ptr_equal(strstr(err.text, file.path), err.text);
        assert_non_null(strstr(err.text, CASES[i].place));
        assert_non_null(strstr(err.text, CASES[i].reason));
        temp_file_remove(&file);
    }
    struct err err = {0};
    assert_null(durations_load("/nonexistent/durations.tsv", &err));
    assert_int_equal(err.code, ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations_finds_by_compared_names),
        cmocka_unit_test(test_durations_none_at_all),
        cmocka_unit_test(test_durations_many),
        cmocka_unit_test(test_durations_bad_line_is_an_error_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
