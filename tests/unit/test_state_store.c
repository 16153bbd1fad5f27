/* The store of a partition's users: growth, timers, what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream_fixture.h"

#define T0   INT64_C(1241478000000)
#define HOUR INT64_C(3600000)

static struct slice id_of(uint32_t user, char text[16])
{
    int size = snprintf(text, 16, "user_%06u", user);
    return (struct slice){text, (size_t)size};
}

static void test_state_store_finds_everybody_after_growth(void **state)
{
    enum { USERS = 50000 };
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    char id[16];
    (void)state;
    params.window = 64;
    struct state_store *store = state_store_new(&params, 7, NULL);
    assert_int_equal(state_store_partition(store), 7);
    struct user_slot **slots = malloc(USERS * sizeof *slots);
    assert_non_null(slots);
    for (uint32_t u = 0; u < USERS; u++) {
        assert_null(state_store_find(store, id_of(u, id)));
        slots[u] = state_store_at(store, id_of(u, id));
        assert_int_equal(slots[u]->index, u);
        if (u == USERS / 2)
            assert_int_equal(state_store_adopt(store, 1, 8, 8, NULL), 0);
    }
    assert_int_equal(state_store_users(store), USERS);
    for (uint32_t u = 0; u < USERS; u++) {
        struct slice user_id = id_of(u, id);
        assert_ptr_equal(state_store_find(store, user_id), slots[u]); /* stable */
        assert_ptr_equal(state_store_at(store, user_id), slots[u]);
        assert_ptr_equal(state_store_slot(store, u), slots[u]);
        assert_int_equal(slots[u]->state.user_id_size, user_id.size);
        assert_memory_equal(slots[u]->state.user_id, user_id.data, user_id.size);
        assert_non_null(state_store_hidden(store, u));
        assert_int_equal(slots[u]->hidden_valid, u > USERS / 2);
    }
    assert_null(state_store_find(store, (struct slice){"user_05000", 10}));
    assert_int_equal(state_store_users(store), USERS);
    free(slots);
    state_store_free(store);
}

static void test_state_store_timers_come_in_order(void **state)
{
    enum { TIMERS = 1000 };
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct state_store *store = state_store_new(&params, 0, NULL);
    uint32_t index, session;
    (void)state;
    /* due at 0 .. 999, set in a shuffled order */
    for (uint32_t i = 0; i < TIMERS; i++) {
        uint32_t due = i * 387 % TIMERS;
        assert_int_equal(
            state_store_watch(store, due, due + 1, (struct event_time){T0 + due}, NULL), 0);
    }
    assert_false(state_store_due(store, &index, &session)); /* time has not begun */
    uint32_t next = 0;
    for (int64_t now = 0; now <= TIMERS; now += 50) {
        assert_int_equal(state_store_move_time(store, (struct event_time){T0 + now}), true);
        assert_int_equal(state_store_move_time(store, (struct event_time){T0 + now}), false);
        assert_int_equal(state_store_move_time(store, (struct event_time){T0 + now - 1}), false);
        while (state_store_due(store, &index, &session)) {
            assert_int_equal(index, next);
            assert_int_equal(session, next + 1);
            next++;
        }
        assert_int_equal(next, now); /* strictly before stream time */
    }
    assert_int_equal(next, TIMERS);
    state_store_free(store);
}

/* ---- what it costs ---- */

/* All listening at once: a record's size does not depend on what is in it. */
static void test_state_store_bytes_a_user(void **state)
{
    enum { USERS = 20000 };
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct pipeline_sink sink = {0};
    struct bundle *bundle = test_bundle_new(1, 32);
    struct pipeline *pipeline = pipeline_new(&params, &sink, 256, NULL);
    struct state_store *store = state_store_new(&params, 0, NULL);
    struct scrobble scrobble = {.artist = {"a", 1}, .track = {"t", 1}};
    enum outcome outcome;
    char id[16];
    (void)state;
    assert_int_equal(pipeline_set_bundle(pipeline, bundle, NULL), 0);
    for (uint32_t i = 0; i < 3 * USERS; i++) { /* three sessions each, the last one open */
        scrobble.user_id = id_of(i % USERS, id);
        scrobble.time.ms = T0 + i / USERS * 2 * HOUR + i;
        assert_int_equal(pipeline_push(pipeline, store, &scrobble, &outcome, NULL), 0);
    }
    assert_int_equal(pipeline_flush(pipeline, NULL), 0);
    assert_int_equal(state_store_users(store), USERS);
    double bytes = (double)state_store_bytes(store) / USERS;
    print_message("%.0f bytes a user at W 256, H 32\n", bytes);
    assert_true(bytes <= 5120);
    pipeline_free(pipeline);
    state_store_free(store);
    bundle_release(bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_store_finds_everybody_after_growth),
        cmocka_unit_test(test_state_store_timers_come_in_order),
        cmocka_unit_test(test_state_store_bytes_a_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
