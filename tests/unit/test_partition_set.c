#include "daemon/partition_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static int install(struct partition_set *set, int32_t id, int64_t offset)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct err err;
    struct state_store *store = state_store_new(&params, (uint32_t)id, &err);
    assert_non_null(store);
    return partition_set_install(set, id, store, offset, &err);
}

static void test_partition_set_comes_with_its_state_and_goes_with_its_state(void **state)
{
    struct partition_set set = {0};
    (void)state;
    assert_null(partition_set_find(&set, 0));
    assert_null(partition_set_find(&set, -1));
    assert_int_equal(install(&set, 5, OFFSET_NONE), 0);
    assert_int_equal(install(&set, 2, OFFSET_NONE), 0);
    assert_int_equal(set.live, 2);
    assert_null(partition_set_find(&set, 3));
    struct partition *partition = partition_set_find(&set, 5);
    assert_non_null(partition);
    assert_int_equal(partition->next_offset, OFFSET_NONE);
    assert_int_equal(state_store_users(partition->store), 0);
    partition->next_offset = 17;
    assert_int_equal(install(&set, 5, 40), 0); /* in its place */
    assert_int_equal(set.live, 2);
    assert_int_equal(partition_set_find(&set, 5)->next_offset, 40);
    assert_int_equal(partition_set_find(&set, 5)->base_offset, 40);
    assert_int_equal(partition_set_find(&set, 5)->committed_offset, 40);
    partition_set_remove(&set, 5);
    partition_set_remove(&set, 5);
    partition_set_remove(&set, 99);
    assert_null(partition_set_find(&set, 5));
    assert_int_equal(set.live, 1);
    assert_int_equal(install(&set, 5, OFFSET_NONE), 0);
    assert_int_equal(partition_set_find(&set, 5)->next_offset, OFFSET_NONE);
    partition_set_release(&set);
}

static void test_partition_set_the_wall_clock_moves_silent_partitions_only(void **state)
{
    static const struct {
        bool at_end;
        int64_t stream_ms, arrival_ms, now_ms, idle_ms, expected_ms; /* INT64_MIN: never */
    } cases[] = {
        {true, 1000, 500000, 560000, 60000, 61000},      /* by what has passed since, not to now */
        {true, 1000, 500000, 559999, 60000, INT64_MIN},  /* not silent long enough */
        {false, 1000, 500000, 600000, 60000, INT64_MIN}, /* there is more to read */
        {true, INT64_MIN, 500000, 600000, 60000, INT64_MIN}, /* nothing was ever read */
        {true, 1000, 500000, 600000, 0, INT64_MIN},          /* switched off */
        {true, 1000, 500000, 400000, 60000, INT64_MIN},      /* the clock was set back */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct partition partition = {.at_end = cases[i].at_end,
                                      .arrival_ms = cases[i].arrival_ms,
                                      .arrival_stream_time = {cases[i].stream_ms}};
        struct event_time time = partition_idle_time(&partition, cases[i].now_ms, cases[i].idle_ms);
        assert_true(time.ms == cases[i].expected_ms);
    }
}

static void test_partition_set_lag_is_what_is_left_to_process(void **state)
{
    static const struct {
        bool at_end;
        int64_t next, end, lag;
    } cases[] = {
        {false, 10, 15, 5},          {true, 10, 11, 0}, /* the marker of a transaction is left, no
                                                           message */
        {false, OFFSET_NONE, 15, 0}, {false, 10, OFFSET_NONE, 0}, {false, 10, 10, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct partition partition = {
            .at_end = cases[i].at_end, .next_offset = cases[i].next, .end_offset = cases[i].end};
        assert_int_equal(partition_lag(&partition), cases[i].lag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partition_set_comes_with_its_state_and_goes_with_its_state),
        cmocka_unit_test(test_partition_set_the_wall_clock_moves_silent_partitions_only),
        cmocka_unit_test(test_partition_set_lag_is_what_is_left_to_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
