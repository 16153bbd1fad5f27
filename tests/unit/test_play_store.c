/* Rows in, rows by user out: from memory, from the file, grouped or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>

#include "core/random.h"
#include "prepare/play_store.h"

/* Rows whose variant is their number in the log. */
static void fill(struct play_store *store, const uint32_t *users, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct play_row row = {
            .time_ms = (int64_t)(count - i), .variant = (uint32_t)i, .user = users[i]};
        assert_int_equal(play_store_add(store, &row, NULL), 0);
    }
    assert_int_equal(play_store_finish(store, NULL), 0);
}

/* Every user's rows are all there, in the order of the log. */
static void check(const struct play_store *store, const uint32_t *users, size_t count)
{
    struct play_row *rows = calloc(count, sizeof *rows);
    size_t seen = 0;
    for (uint32_t user = 0; user < play_store_users(store); user++) {
        size_t wanted = 0, mine = play_store_count(store, user);
        assert_int_equal(play_store_load(store, user, rows, NULL), 0);
        for (size_t i = 0; i < count; i++) {
            if (users[i] != user)
                continue;
            assert_true(wanted < mine);
            assert_int_equal(rows[wanted].variant, i);
            assert_int_equal(rows[wanted].user, user);
            assert_true(rows[wanted].time_ms == (int64_t)(count - i));
            wanted++;
        }
        assert_int_equal(wanted, mine);
        seen += mine;
    }
    assert_int_equal(seen, count);
    free(rows);
}

static void test_play_store_gives_back_by_user(void **state)
{
    (void)state;
    enum { ROWS = 50000, USERS = 37 };
    static const struct {
        size_t memory_bytes;
        bool grouped;
    } CASES[] = {{0, true}, {0, false}, {1, true}, {1, false}, {ROWS * 20 * 3 / 2, false}};
    uint32_t *users = calloc(ROWS, sizeof *users);
    struct random random;
    random_init(&random, 3, 0);
    for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
        for (size_t i = 0; i < ROWS; i++)
            users[i] = CASES[c].grouped ? (uint32_t)(i * USERS / ROWS)
                                        : (uint32_t)random_below(&random, USERS);
        /* One of them has more than all others. */
        for (size_t i = 0; i < ROWS && !CASES[c].grouped; i++)
            if (random_below(&random, 2))
                users[i] = 5;
        struct play_store *store = play_store_new(CASES[c].memory_bytes, NULL);
        fill(store, users, ROWS);
        check(store, users, ROWS);
        play_store_free(store);
    }
    free(users);
}

static void test_play_store_sorts_stably(void **state)
{
    (void)state;
    enum { MAX = 1000 };
    struct play_row rows[MAX], scratch[MAX];
    struct random random;
    random_init(&random, 9, 0);
    for (int round = 0; round < 200; round++) {
        size_t count = (size_t)random_below(&random, MAX) + 1;
        int kind = round % 3; /* any order, newest first with ties, oldest first with ties */
        for (size_t i = 0; i < count; i++) {
            int64_t time = kind == 0   ? (int64_t)random_below(&random, 50)
                           : kind == 1 ? (int64_t)((count - i) / 3)
                                       : (int64_t)(i / 3);
            rows[i] = (struct play_row){.time_ms = time, .variant = (uint32_t)i};
        }
        play_rows_sort(rows, scratch, count);
        for (size_t i = 1; i < count; i++) {
            assert_true(rows[i - 1].time_ms <= rows[i].time_ms);
            assert_true(rows[i - 1].time_ms < rows[i].time_ms ||
                        rows[i - 1].variant < rows[i].variant);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_play_store_gives_back_by_user),
        cmocka_unit_test(test_play_store_sorts_stably),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
