#include "data/key_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct table_key key_of(uint32_t number)
{
    return (struct table_key){.high = number / 7, .low = number + 1};
}

/* What was set last is there, what was taken out is not, through several growths. */
static void test_key_table_keeps_what_was_set_last(void **state)
{
    enum { KEYS = 5000, ROUNDS = 4 };
    struct err err = {0};
    struct key_table *table = key_table_new(&err);
    (void)state;
    assert_non_null(table);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        size_t there = 0;
        for (uint32_t i = 0; i < KEYS; i++) {
            uint32_t value = (i + round) % 3 == 0 ? 0 : i + round;
            assert_int_equal(key_table_set(table, key_of(i), value, &err), 0);
            there += value != 0;
        }
        assert_int_equal(key_table_count(table), there);
        for (uint32_t i = 0; i < KEYS; i++) {
            assert_int_equal(key_table_get(table, key_of(i)), (i + round) % 3 == 0 ? 0 : i + round);
        }
        assert_int_equal(key_table_get(table, key_of(KEYS)), 0);
    }
    key_table_free(table);
    key_table_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_key_table_keeps_what_was_set_last)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
