/* The bounded memory of plays: exact while everything fits, honest about what it forgot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stream/sketch.h"

#define SLOTS 64

struct fixture {
    struct sketch_entry entries[SLOTS];
    struct sketch sketch;
};

static void fixture_init(struct fixture *f, uint32_t slots)
{
    memset(f, 0, sizeof *f);
    f->sketch = (struct sketch){f->entries, slots};
}

static void test_sketch_counts_plays_and_ends(void **state)
{
    /* plays of two keys in sessions, what was known before each */
    static const struct {
        uint64_t key;
        uint32_t session;
        bool end; /* of the session before, by key */
        struct sketch_counts expected;
    } table[] = {
        {1, 1, false, {0, 0, false}}, {1, 1, false, {1, 0, true}}, {2, 1, false, {0, 0, false}},
        {1, 1, false, {2, 0, true}},  {1, 2, true, {3, 1, false}}, {2, 2, false, {1, 0, false}},
        {1, 2, false, {4, 1, true}},  {2, 3, true, {2, 1, false}}, {1, 258, false, {5, 1, true}},
    };
    struct fixture f;
    (void)state;
    fixture_init(&f, SLOTS);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].end)
            sketch_end(f.sketch, table[i].key);
        struct sketch_counts got = sketch_play(f.sketch, table[i].key, table[i].session);
        if (got.plays != table[i].expected.plays || got.ends != table[i].expected.ends ||
            got.in_session != table[i].expected.in_session)
            fail_msg("row %zu: %u plays, %u ends, in session %d", i, got.plays, got.ends,
                     got.in_session);
    }
}

/* A limit halves both, so that their ratio stays. */
static void test_sketch_limits_keep_the_ratio(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, 8);
    for (uint32_t k = 0; k < 65535; k++) {
        sketch_play(f.sketch, 9, 1);
        if (k % 512 == 0)
            sketch_end(f.sketch, 9);
    }
    struct sketch_counts full = sketch_play(f.sketch, 9, 1);
    assert_int_equal(full.plays, 65535);
    assert_int_equal(full.ends, 128);
    struct sketch_counts halved = sketch_play(f.sketch, 9, 1);
    assert_int_equal(halved.plays, 32768);
    assert_int_equal(halved.ends, 64);
    for (int k = 0; k < 255 - 64; k++)
        sketch_end(f.sketch, 9);
    assert_int_equal(sketch_play(f.sketch, 9, 1).ends, 255);
    sketch_end(f.sketch, 9);
    halved = sketch_play(f.sketch, 9, 1);
    assert_int_equal(halved.plays, 32770 / 2);
    assert_int_equal(halved.ends, 128);
}

/* In one set of eight: what ended sessions, or is played again and again, outlives what is heard
 * once. */
static void test_sketch_keeps_what_tells_most(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, 8);
    sketch_play(f.sketch, 1, 1);
    sketch_end(f.sketch, 1);
    for (int k = 0; k < 5; k++)
        sketch_play(f.sketch, 2, 1);
    for (uint64_t once = 100; once < 130; once++)
        sketch_play(f.sketch, once, 2);
    assert_int_equal(sketch_play(f.sketch, 1, 3).ends, 1);
    assert_int_equal(sketch_play(f.sketch, 2, 3).plays, 5);
    assert_int_equal(sketch_play(f.sketch, 100, 3).plays, 0); /* made room */
    sketch_end(f.sketch, 115); /* forgotten as well: no count appears from nowhere */
    assert_int_equal(sketch_play(f.sketch, 115, 3).ends, 0);
}

static void test_sketch_is_exact_while_all_fits(void **state)
{
    enum { KEYS = 200, BIG = 4096 };
    static struct sketch_entry entries[BIG];
    struct sketch sketch = {entries, BIG};
    (void)state;
    for (uint32_t round = 0; round < 10; round++) {
        for (uint64_t key = 0; key < KEYS; key++) {
            struct sketch_counts got = sketch_play(sketch, key * 7919, round + 1);
            assert_int_equal(got.plays, round);
            assert_int_equal(got.ends, key % 3 ? 0 : round);
            assert_false(got.in_session);
            if (key % 3 == 0)
                sketch_end(sketch, key * 7919);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sketch_counts_plays_and_ends),
        cmocka_unit_test(test_sketch_limits_keep_the_ratio),
        cmocka_unit_test(test_sketch_keeps_what_tells_most),
        cmocka_unit_test(test_sketch_is_exact_while_all_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
