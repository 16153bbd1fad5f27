/* Lists of tracks: which files are taken for one, and what is read from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crawl/track_table.h"
#include "temp_file.h"

/* The tracks of a set as "artist/track;". */
static const char *list(const struct track_set *set)
{
    static char out[1024];
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < track_set_count(set); i++) {
        struct track_name name = track_set_get(set, i);
        used += (size_t)snprintf(out + used, sizeof out - used, "%.*s/%.*s;", (int)name.artist.size,
                                 name.artist.data, (int)name.track.size, name.track.data);
    }
    return out;
}

static void test_track_table_forms(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        int status;
        const char *tracks;
        unsigned rejected;
    } CASES[] = {
        {"artist\ttrack\nA\tB\nC\tD\n", 1, "A/B;C/D;", 0},
        {"\xef\xbb\xbf"
         "artist\ttrack\r\nA\tB\r\n\r\nC\tD",
         1, "A/B;C/D;", 0},
        {"id\ttrack\tplays\tartist\n1\tB\t9\tA\n", 1, "A/B;", 0},
        {"artist\ttrack\nA\tB\n a \tb\nA\tC\n", 1, "A/B;A/C;", 0},
        {"artist\ttrack\nA\n\tB\nA\t\nA\t\xff\nA\tB\textra\n", 1, "A/B;", 4},
        {"artist\ttrack\n\"A \"\"q\"\"\"\t\"\t\"\n", 1, "A \"q\"/\t;", 0},
        {"artist\ttrack\n\"A\" live\t\"B\n", 1, "\"A\" live/\"B;", 0},
        {"artist\ttrack\n\"A\tB\"\n", 1, "", 1},
        {"artist\ttrack\n", 1, "", 0},
        {"\"\",\"A\",\"B\",182\r\n\"mbid\",\"C\",\"D\",1\r\n", 1, "A/B;C/D;", 0},
        {"\"\",\"A \"\"q\"\", x\",\"\"\"\",1\n", 1, "A \"q\", x/\";", 0},
        {"\"\",\"A\",\"B\",1\n,C,D,2\n\"\",\"E\",\"F\"\n\"\",\"G\",\"H\",x\n", 1, "A/B;C/D;", 2},
        {"\"\",\"A\",\"B\",1\n\"\",\"G\",\"H,2\n\"\",\"I\"\"J\",K,L,2\n", 1, "A/B;", 2},
        {"\"\",\"\",\"B\",1\n", 1, "", 1},
        {"\"\",\"A\",\"B\"\n", 0, "", 0},
        {"\"\",\"A\",\"B\",\n", 0, "", 0},
        {"\"\",\"A\",\"B\",1,2\n", 0, "", 0},
        {"user_id\ttimestamp\tartist_mbid\tartist\ttrack_mbid\ttrack\nu\tt\t\tA\t\tB\n", 0, "", 0},
        {"user_id\tartist\ttrack\n", 0, "", 0},
        {"artist\tsong\n", 0, "", 0},
        {"u\t2009-05-03T15:48:25Z\t\tA\t\tB\n", 0, "", 0},
        {"{\"user_id\":\"u\"}\n", 0, "", 0},
        {"", 0, "", 0},
        {"\n", 0, "", 0},
        {"\"", 0, "", 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct temp_file file;
        struct track_table_counts counts;
        struct err err = {0};
        struct track_set *set = track_set_new(&err);
        temp_file_text(&file, CASES[i].content);
        int status = track_table_read(file.path, set, false, NULL, &counts, &err);
        if (status != CASES[i].status || strcmp(list(set), CASES[i].tracks) != 0 ||
            counts.rejected != CASES[i].rejected)
            fail_msg("%s: %d, %s, %u rejected", CASES[i].content, status, list(set),
                     (unsigned)counts.rejected);
        track_set_free(set);
        temp_file_remove(&file);
    }
}

static void test_track_table_other_inputs(void **state)
{
    (void)state;
    static const char CONTENT[] = "artist\ttrack\nA\tB\n";
    struct temp_file file;
    struct track_table_counts counts;
    struct err err = {0};
    struct track_set *set = track_set_new(&err);
    assert_int_equal(track_table_read("-", set, false, NULL, &counts, &err), 0);
    temp_file_text(&file, "artist\ttrack\nA\tB\nbad\n");
    assert_int_equal(track_table_read(file.path, set, true, NULL, &counts, &err), -1);
    assert_non_null(strstr(err.text, ":3: it has 1 tab-separated field, too few"));
    assert_int_equal(err.code, ERR_INPUT);
    temp_file_remove(&file);
    assert_int_equal(track_table_read("/nonexistent", set, false, NULL, &counts, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    temp_file_gzip(&file, CONTENT, sizeof CONTENT - 1);
    assert_int_equal(track_table_read(file.path, set, false, NULL, &counts, &err), 1);
    assert_string_equal(list(set), "A/B;");
    temp_file_remove(&file);
    track_set_free(set);
}

static void test_track_table_complains_of_the_first_rows(void **state)
{
    (void)state;
    char *said = NULL;
    size_t size = 0, lines = 0;
    struct temp_file file;
    struct track_table_counts counts;
    struct track_set *set = track_set_new(NULL);
    temp_file_make(&file);
    FILE *stream = fopen(file.path, "wb");
    assert_non_null(stream);
    fputs("artist\ttrack\n", stream);
    for (int i = 0; i < 30; i++)
        fputs("bad\n", stream);
    fclose(stream);
    stream = open_memstream(&said, &size);
    assert_non_null(stream);
    assert_int_equal(track_table_read(file.path, set, false, stream, &counts, NULL), 1);
    fclose(stream);
    for (size_t i = 0; i < size; i++)
        lines += said[i] == '\n';
    assert_int_equal(lines, 21);
    assert_int_equal(counts.rejected, 30);
    assert_non_null(strstr(said, ":2: it has 1 tab-separated field, too few\n"));
    assert_non_null(strstr(said, ": 10 more bad rows, not shown\n"));
    free(said);
    track_set_free(set);
    temp_file_remove(&file);
}

static void test_track_set_finds_by_the_compared_form(void **state)
{
    (void)state;
    uint32_t index = 9;
    struct track_set *set = track_set_new(NULL);
    for (int i = 0; i < 5000; i++) {
        char name[16];
        int size = snprintf(name, sizeof name, "T%d", i / 2); /* each twice */
        assert_int_equal(
            track_set_add(set, (struct slice){"Ab", 2}, (struct slice){name, (size_t)size}, NULL),
            0);
    }
    assert_int_equal(track_set_count(set), 2500);
    assert_true(track_set_find(set, (struct slice){" aB ", 4}, (struct slice){"t77", 3}, &index));
    assert_int_equal(index, 77);
    assert_memory_equal(track_set_get(set, index).track.data, "T77", 3);
    assert_false(track_set_find(set, (struct slice){"T77", 3}, (struct slice){"Ab", 2}, &index));
    track_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_track_table_forms),
        cmocka_unit_test(test_track_table_other_inputs),
        cmocka_unit_test(test_track_table_complains_of_the_first_rows),
        cmocka_unit_test(test_track_set_finds_by_the_compared_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
