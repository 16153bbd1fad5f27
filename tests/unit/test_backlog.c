#include "daemon/backlog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void test_backlog_gives_back_what_was_added_in_order(void **state)
{
    struct backlog backlog = {0};
    struct backlog_record record;
    struct err err;
    size_t cursor = 0;
    static char value[5000];
    (void)state;
    assert_false(backlog_next(&backlog, &cursor, &record));
    for (int i = 0; i < 100; i++) { /* grows several times */
        char key[16];
        snprintf(key, sizeof key, "key-%d", i);
        memset(value, i, sizeof value);
        record =
            (struct backlog_record){i % 3, (uint32_t)strlen(key), (uint32_t)(i * 50), key, value};
        assert_int_equal(backlog_add(&backlog, &record, &err), 0);
    }
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "key-%d", i);
        memset(value, i, sizeof value);
        assert_true(backlog_next(&backlog, &cursor, &record));
        assert_int_equal(record.partition, i % 3);
        assert_int_equal(record.key_size, strlen(key));
        assert_memory_equal(record.key, key, record.key_size);
        assert_int_equal(record.value_size, i * 50);
        if (i == 0) {
            assert_null(record.value); /* nothing: a tombstone */
        } else {
            assert_memory_equal(record.value, value, record.value_size);
        }
    }
    assert_false(backlog_next(&backlog, &cursor, &record));
    backlog_clear(&backlog);
    cursor = 0;
    assert_false(backlog_next(&backlog, &cursor, &record));
    backlog_release(&backlog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backlog_gives_back_what_was_added_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
