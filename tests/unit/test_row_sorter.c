#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/hash.h"
#include "data/row_sorter.h"

/* Row i of a made-up log: its time is one of few, so that many are equal; its track says i. Every
 * 5000th row is longer than a read buffer of the merge. */
struct made_row {
    char user[32], track[64], artist[20000];
    struct scrobble scrobble;
};

static void make_row(struct made_row *row, uint32_t i, uint32_t times)
{
    uint64_t random = hash_mix(i + 1);
    snprintf(row->user, sizeof row->user, "user_%u", (unsigned)(random % 17));
    snprintf(row->track, sizeof row->track, "track %u", i);
    size_t size = i % 5000 == 4999 ? sizeof row->artist : random % 40;
    memset(row->artist, 'a' + (int)(i % 26), size);
    row->scrobble = (struct scrobble){
        .user_id = {row->user, strlen(row->user)},
        .time = {(int64_t)(random >> 20) % times * 1000 + (times > 1 ? INT64_C(1000000000000) : 0)},
        .artist = {row->artist, size},
        .track = {row->track, strlen(row->track)},
        .track_mbid = {row->user, i % 3},
        .duration_ms = i % 7 ? (int64_t)(random % 86400001) : 0};
}

static void assert_slices_equal(struct slice a, struct slice b)
{
    assert_int_equal(a.size, b.size);
    if (a.size > 0)
        assert_memory_equal(a.data, b.data, a.size);
}

static void assert_same(const struct scrobble *a, const struct scrobble *b)
{
    assert_slices_equal(a->user_id, b->user_id);
    assert_slices_equal(a->artist, b->artist);
    assert_slices_equal(a->track, b->track);
    assert_slices_equal(a->artist_mbid, b->artist_mbid);
    assert_slices_equal(a->track_mbid, b->track_mbid);
    assert_true(a->time.ms == b->time.ms);
    assert_true(a->duration_ms == b->duration_ms);
}

static uint32_t row_number(const struct scrobble *scrobble)
{
    uint32_t number = 0;
    for (size_t i = sizeof "track " - 1; i < scrobble->track.size; i++)
        number = number * 10 + (uint32_t)(scrobble->track.data[i] - '0');
    return number;
}

/* Reads all rows: each must be whole, none missing, ascending in (time, number). */
static void read_and_check(struct row_sorter *sorter, uint32_t rows, uint32_t times, bool by_time)
{
    struct scrobble scrobble, last = {0};
    struct made_row made;
    struct err err = {0};
    uint32_t count = 0, last_number = 0;
    int status;
    while ((status = row_sorter_next(sorter, &scrobble, &err)) > 0) {
        uint32_t number = row_number(&scrobble);
        make_row(&made, number, times);
        assert_same(&scrobble, &made.scrobble);
        if (count > 0 && by_time)
            assert_true(last.time.ms < scrobble.time.ms ||
                        (last.time.ms == scrobble.time.ms && last_number < number));
        else if (count > 0)
            assert_int_equal(number, last_number + 1);
        last = scrobble;
        last_number = number;
        count++;
    }
    assert_int_equal(status, 0);
    assert_int_equal(count, rows);
    assert_int_equal(row_sorter_next(sorter, &scrobble, &err), 0);
}

static void test_row_sorter_orders_and_keeps_ties(void **state)
{
    (void)state;
    static const struct {
        uint32_t rows, times;
        bool by_time;
        size_t memory_bytes;
        bool spills;
    } CASES[] = {
        {0, 1, true, 0, false},
        {1, 1, true, 0, false},
        {1000, 1, true, 0, false},
        {1000, 50, true, 0, false},
        {1000, 50, false, 0, false},
        {60000, 100, true, 64 << 20, false},
        {60000, 100, true, 0, true}, /* 0: the smallest budget there is */
        {60000, 1, true, 0, true},
        {60000, 100, false, 0, true},
        {60000, 1000000000, true, 2 << 20, true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct err err = {0};
        struct row_sorter *sorter = row_sorter_new(CASES[i].by_time, CASES[i].memory_bytes);
        assert_non_null(sorter);
        for (uint32_t row = 0; row < CASES[i].rows; row++) {
            struct made_row made;
            make_row(&made, row, CASES[i].times);
            assert_int_equal(row_sorter_add(sorter, &made.scrobble, &err), 0);
        }
        assert_int_equal(row_sorter_finish(sorter, &err), 0);
        assert_int_equal(row_sorter_runs(sorter) > 1, CASES[i].spills);
        for (int pass = 0; pass < 2; pass++) {
            read_and_check(sorter, CASES[i].rows, CASES[i].times, CASES[i].by_time);
            assert_int_equal(row_sorter_rewind(sorter, &err), 0);
        }
        /* Rewound in the middle, it begins at the beginning all the same. */
        struct scrobble scrobble;
        for (uint32_t row = 0; row < CASES[i].rows / 3; row++)
            assert_int_equal(row_sorter_next(sorter, &scrobble, &err), 1);
        assert_int_equal(row_sorter_rewind(sorter, &err), 0);
        read_and_check(sorter, CASES[i].rows, CASES[i].times, CASES[i].by_time);
        row_sorter_free(sorter);
    }
}

static int fill_until_error(struct err *err)
{
    struct row_sorter *sorter = row_sorter_new(true, 0);
    assert_non_null(sorter);
    int status = 0;
    for (uint32_t row = 0; row < 60000 && status == 0; row++) {
        struct made_row made;
        make_row(&made, row, 100);
        status = row_sorter_add(sorter, &made.scrobble, err);
    }
    row_sorter_free(sorter);
    return status;
}

/* The system refuses to make the file larger, as a full disk would. */
static void test_row_sorter_full_disk_names_the_folder(void **state)
{
    (void)state;
    struct rlimit saved;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
    struct rlimit small = {.rlim_cur = 2 << 20, .rlim_max = saved.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct err err = {0};
    int status = fill_until_error(&err);
    setrlimit(RLIMIT_FSIZE, &saved);
    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_IO);
    const char *folder = getenv("TMPDIR");
    assert_non_null(strstr(err.text, folder ? folder : "/tmp"));
    assert_non_null(strstr(err.text, "File too large"));
}

static void test_row_sorter_bad_tmpdir_is_an_error(void **state)
{
    (void)state;
    const char *value = getenv("TMPDIR");
    char *saved = value ? strdup(value) : NULL;
    setenv("TMPDIR", "/nonexistent/folder", 1);
    struct err err = {0};
    int status = fill_until_error(&err);
    if (saved)
        setenv("TMPDIR", saved, 1);
    else
        unsetenv("TMPDIR");
    free(saved);
    assert_int_equal(status, -1);
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.text, "/nonexistent/folder"));
}

static void test_row_sorter_refuses_what_cannot_be_packed(void **state)
{
    (void)state;
    char text[65536];
    memset(text, 'x', sizeof text);
    struct scrobble scrobble = {.user_id = {"u", 1}, .artist = {text, sizeof text}};
    struct row_sorter *sorter = row_sorter_new(true, 0);
    assert_non_null(sorter);
    struct err err = {0};
    assert_int_equal(row_sorter_add(sorter, &scrobble, &err), -1);
    assert_int_equal(err.code, ERR_INPUT);
    scrobble.artist.size--;
    assert_int_equal(row_sorter_add(sorter, &scrobble, &err), 0);
    row_sorter_free(sorter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_sorter_orders_and_keeps_ties),
        cmocka_unit_test(test_row_sorter_full_disk_names_the_folder),
        cmocka_unit_test(test_row_sorter_bad_tmpdir_is_an_error),
        cmocka_unit_test(test_row_sorter_refuses_what_cannot_be_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
