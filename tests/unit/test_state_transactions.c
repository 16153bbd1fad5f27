/* Transactions over the state store: whatever happened since begin is taken back to the byte, and
 * what comes then is what would have come without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "stream_fixture.h"

#define T0   INT64_C(1241478000000)
#define HOUR INT64_C(3600000)

struct world {
    struct pipeline *pipeline;
    struct state_store *store;
    struct bundle *bundle;
    struct capture capture;
};

static void world_make(struct world *w, uint64_t bundle_seed, int64_t ttl_ms)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct pipeline_sink sink = capture_sink(&w->capture);
    params.ttl_ms = ttl_ms;
    w->capture = (struct capture){0};
    w->bundle = bundle_seed ? test_bundle_new(bundle_seed, 16) : NULL;
    w->pipeline = pipeline_new(&params, &sink, 64, NULL);
    w->store = state_store_new(&params, 0, NULL);
    assert_true(w->pipeline && w->store);
    if (w->bundle)
        assert_int_equal(pipeline_set_bundle(w->pipeline, w->bundle, NULL), 0);
}

static void world_release(struct world *w)
{
    pipeline_free(w->pipeline);
    state_store_free(w->store);
    bundle_release(w->bundle);
    capture_release(&w->capture);
}

static void push(struct world *w, const char *user, int64_t at_ms, int track)
{
    char name[16];
    enum outcome outcome;
    int size = snprintf(name, sizeof name, "%d", track);
    const struct scrobble scrobble = {.user_id = {user, strlen(user)},
                                      .time = {T0 + at_ms},
                                      .artist = {"a", 1},
                                      .track = {name, (size_t)size}};
    assert_int_equal(pipeline_push(w->pipeline, w->store, &scrobble, &outcome, NULL), 0);
}

/* What a daemon does on each of these, the sink's part included: what was handed on in the
 * transaction was not there. */
static void commit(struct world *w)
{
    assert_int_equal(pipeline_flush(w->pipeline, NULL), 0);
    state_store_commit(w->store);
    assert_false(state_store_in_transaction(w->store));
}

static void abort_to(struct world *w, const struct capture *before)
{
    pipeline_discard(w->pipeline);
    state_store_abort(w->store);
    assert_false(state_store_in_transaction(w->store));
    w->capture.predictions = before->predictions;
    w->capture.sessions = before->sessions;
    w->capture.json_size = before->json_size;
}

/* ---- all of it ---- */

static void test_state_transactions_abort_leaves_no_trace(void **state)
{
    enum { USERS = 40, ROWS = 24000 };
    struct test_log log;
    struct capture plain = {0};
    struct world w;
    struct random random;
    unsigned aborts = 0, aborted_sessions = 0;
    (void)state;
    test_log_init(&log);
    test_log_synth(&log, 11, USERS, ROWS);
    test_log_disturb(&log, 12);
    run_log(&log, &(struct run_options){.bundle_seed = 1}, &plain);
    world_make(&w, 1, 0);
    random_init(&random, 13, 0);
    for (size_t at = 0; at < log.count;) {
        const struct capture before = w.capture;
        uint64_t hash = state_store_hash(w.store);
        size_t users = state_store_users(w.store), open = state_store_open_sessions(w.store);
        size_t to = at + 1 + random_below(&random, 1500);
        to = to < log.count ? to : log.count;
        state_store_begin(w.store);
        assert_true(state_store_in_transaction(w.store));
        push_rows(w.pipeline, &w.store, 1, &log, at, to);
        if (random_below(&random, 3) == 0) {
            commit(&w);
            at = to;
            continue;
        }
        if (random_below(&random, 2))
            assert_int_equal(pipeline_flush(w.pipeline, NULL), 0);
        aborts++;
        aborted_sessions += w.capture.sessions > before.sessions;
        abort_to(&w, &before);
        assert_int_equal(state_store_hash(w.store), hash);
        assert_int_equal(state_store_users(w.store), users);
        assert_int_equal(state_store_open_sessions(w.store), open);
    }
    assert_int_equal(pipeline_end(w.pipeline, w.store, NULL), 0);
    assert_true(aborts > 10 && aborted_sessions > 10); /* or it has shown nothing */
    capture_sort_sessions(&plain);
    capture_sort_sessions(&w.capture);
    assert_same_sessions(&w.capture, &plain);
    capture_sort_predictions(&plain);
    capture_sort_predictions(&w.capture);
    assert_near_predictions(&w.capture, &plain, 0);
    world_release(&w);
    capture_release(&plain);
    test_log_release(&log);
}

/* A sink that fails in the middle, of a push or of a flush: what was half done is taken back, too.
 */
static void test_state_transactions_abort_after_the_sink_failed(void **state)
{
    enum { USERS = 20, ROWS = 4000 };
    struct test_log log;
    struct world w;
    (void)state;
    test_log_init(&log);
    test_log_synth(&log, 21, USERS, ROWS);
    world_make(&w, 1, 0);
    unsigned failures[2] = {0};
    for (size_t at = 0, round = 0; at < log.count; round++) {
        const struct capture before = w.capture;
        uint64_t hash = state_store_hash(w.store);
        bool fails = round % 2 == 0, at_session = round % 4 == 0;
        w.capture.fail_at_session = fails && at_session ? before.sessions + 2 : 0;
        w.capture.fail_at_prediction = fails && !at_session ? before.predictions + 40 : 0;
        int result = 0;
        size_t row = at;
        state_store_begin(w.store);
        for (; result == 0 && row < log.count && row < at + 200; row++) {
            enum outcome outcome;
            result = pipeline_push(w.pipeline, w.store, &log.row[row], &outcome, NULL);
        }
        if (result == 0)
            result = pipeline_flush(w.pipeline, NULL);
        w.capture.fail_at_session = w.capture.fail_at_prediction = 0;
        if (result < 0) {
            failures[at_session]++;
            abort_to(&w, &before);
            assert_int_equal(state_store_hash(w.store), hash);
        } else {
            commit(&w);
            at = row;
        }
    }
    assert_true(failures[0] > 0 && failures[1] > 0);
    assert_int_equal(pipeline_end(w.pipeline, w.store, NULL), 0);
    struct capture plain = {0};
    run_log(&log, &(struct run_options){.bundle_seed = 1}, &plain);
    capture_sort_sessions(&plain);
    capture_sort_sessions(&w.capture);
    assert_same_sessions(&w.capture, &plain);
    capture_sort_predictions(&plain);
    capture_sort_predictions(&w.capture);
    assert_near_predictions(&w.capture, &plain, 0);
    capture_release(&plain);
    world_release(&w);
    test_log_release(&log);
}

/* ---- time and timers ---- */

/* A session that stream time closed in an aborted transaction is open again, and closes when it
 * would have, not later. */
static void test_state_transactions_abort_reopens_what_time_closed(void **state)
{
    struct world w;
    (void)state;
    world_make(&w, 0, 0);
    push(&w, "a", 0, 1);
    push(&w, "b", 0, 1);
    const struct capture before = w.capture;
    uint64_t hash = state_store_hash(w.store);
    for (int again = 0; again < 3; again++) {
        state_store_begin(w.store);
        bool both = again % 2;
        push(&w, "b", HOUR / 4, 2); /* its timer moves on */
        push(&w, "c", both ? HOUR : HOUR / 2 + 1, 1);
        assert_int_equal(w.capture.sessions, before.sessions + (both ? 2 : 1));
        abort_to(&w, &before);
        assert_int_equal(state_store_hash(w.store), hash);
        assert_int_equal(state_store_stream_time(w.store).ms, T0);
        assert_int_equal(state_store_open_sessions(w.store), 2);
    }
    const struct event_time gap = {T0 + HOUR / 2}, past_gap = {T0 + HOUR / 2 + 1};
    assert_int_equal(pipeline_advance(w.pipeline, w.store, gap, NULL), 0);
    assert_int_equal(w.capture.sessions, 0);
    assert_int_equal(pipeline_advance(w.pipeline, w.store, past_gap, NULL), 0);
    assert_int_equal(w.capture.sessions, 2);
    assert_int_equal(state_store_open_sessions(w.store), 0);
    world_release(&w);
}

/* ---- users who come and go ---- */

static struct slice id_of(uint32_t user, char text[16])
{
    int size = snprintf(text, 16, "user_%06u", user);
    return (struct slice){text, (size_t)size};
}

static void assert_there(struct state_store *store, uint32_t from, uint32_t to, bool there)
{
    char id[16];
    for (uint32_t u = from; u < to; u++)
        if (!!state_store_find(store, id_of(u, id)) != there)
            fail_msg("%s is %s", id, there ? "missing" : "there");
}

static void test_state_transactions_new_users_and_a_growing_index(void **state)
{
    enum { OLD = 100, NEW = 3000 };
    struct world w;
    char id[16];
    (void)state;
    world_make(&w, 0, 0);
    for (uint32_t u = 0; u < OLD; u++)
        push(&w, id_of(u, id).data, u, 1);
    uint64_t hash = state_store_hash(w.store);
    for (int again = 0; again < 2; again++) {
        const struct capture before = w.capture;
        state_store_begin(w.store);
        for (uint32_t u = 0; u < NEW; u += 7) /* old ones and new ones */
            push(&w, id_of(u, id).data, 1000 + u, 2);
        for (uint32_t u = 0; u < NEW; u++)
            push(&w, id_of(u, id).data, 10000 + u, 3);
        assert_int_equal(state_store_users(w.store), NEW);
        abort_to(&w, &before);
        assert_int_equal(state_store_users(w.store), OLD);
        assert_int_equal(state_store_open_sessions(w.store), OLD);
        assert_int_equal(state_store_hash(w.store), hash);
        assert_there(w.store, 0, OLD, true);
        assert_there(w.store, OLD, NEW, false);
    }
    state_store_begin(w.store);
    for (uint32_t u = OLD; u < NEW; u++)
        push(&w, id_of(u, id).data, 1000 + u, 2);
    commit(&w);
    assert_there(w.store, 0, NEW, true);
    world_release(&w);
}

/* Users drawn at random are removed and come again, in transactions that are kept or not: the store
 * knows exactly those it should, whatever chains in the index were closed behind them. */
static void test_state_transactions_removed_users_come_and_go(void **state)
{
    enum { PEOPLE = 1500, ROUNDS = 60, CHANGES = 200 };
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct state_store *store = state_store_new(&params, 0, NULL);
    static bool there[PEOPLE], kept[PEOPLE];
    struct random random;
    (void)state;
    assert_non_null(store);
    random_init(&random, 17, 0);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t hash = state_store_hash(store);
        bool new_this_round[PEOPLE] = {false};
        memcpy(kept, there, sizeof kept);
        state_store_begin(store);
        for (int i = 0; i < CHANGES; i++) {
            char id[16];
            uint32_t u = (uint32_t)random_below(&random, PEOPLE);
            struct user_slot *slot = state_store_at(store, id_of(u, id));
            assert_non_null(slot);
            new_this_round[u] |= !there[u];
            bool remove = !new_this_round[u] && random_below(&random, 2);
            if (remove)
                assert_int_equal(state_store_remove(store, slot, NULL), 0);
            there[u] = !remove;
        }
        if (random_below(&random, 2)) {
            state_store_commit(store);
        } else {
            state_store_abort(store);
            memcpy(there, kept, sizeof kept);
            assert_int_equal(state_store_hash(store), hash);
        }
        size_t users = 0;
        for (uint32_t u = 0; u < PEOPLE; u++) {
            assert_there(store, u, u + 1, there[u]);
            users += there[u];
        }
        assert_int_equal(state_store_users(store), users);
    }
    state_store_free(store);
}

/* ---- the silent ---- */

struct gone {
    char user_id[8][USER_ID_MAX + 1];
    size_t count;
    size_t fail_at; /* from 1; 0: never */
};

static int note_gone(void *ctx, const struct user_state *user, struct err *err)
{
    struct gone *gone = ctx;
    if (gone->count + 1 == gone->fail_at)
        return err_set(err, ERR_IO, "no room for a tombstone");
    assert_true(gone->count < 8);
    memcpy(gone->user_id[gone->count], user->user_id, user->user_id_size);
    gone->user_id[gone->count++][user->user_id_size] = '\0';
    return 0;
}

/* Six users, two of them listening; it is 20 hours. */
static void make_silent(struct world *w, int64_t ttl_ms)
{
    world_make(w, 1, ttl_ms);
    push(w, "early", 0, 1);
    push(w, "twice", 0, 1);
    push(w, "late", 5 * HOUR, 1);
    push(w, "upload", 10 * HOUR, 1);
    push(w, "new-upload", HOUR, 1); /* heard of now, of a time long ago */
    push(w, "listens", 20 * HOUR, 1);
    push(w, "twice", 20 * HOUR, 2);
    assert_int_equal(state_store_open_sessions(w->store), 2);
    assert_int_equal(pipeline_flush(w->pipeline, NULL), 0);
}

static void test_state_transactions_evict_the_silent(void **state)
{
    static const struct {
        int64_t ttl_ms;
        const char *gone; /* in the order of the slots */
    } cases[] = {
        {0, ""}, /* never */
        {20 * HOUR, ""},
        {20 * HOUR - 1, "early "},
        {15 * HOUR, "early "},
        {15 * HOUR - 1, "early late "},
        {10 * HOUR, "early late "},
        {10 * HOUR - 1, "early late upload new-upload "},
        {1, "early late upload new-upload "}, /* the others are listening */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gone gone = {.count = 0};
        char names[128] = "";
        struct world w;
        make_silent(&w, cases[i].ttl_ms);
        assert_int_equal(state_store_evict(w.store, 100, note_gone, &gone, NULL), 0);
        for (size_t g = 0; g < gone.count; g++) {
            struct slice id = {gone.user_id[g], strlen(gone.user_id[g])};
            assert_null(state_store_find(w.store, id));
            strcat(strcat(names, gone.user_id[g]), " ");
        }
        assert_string_equal(names, cases[i].gone);
        assert_int_equal(state_store_users(w.store), 6 - gone.count);
        assert_int_equal(state_store_open_sessions(w.store), 2);
        world_release(&w);
    }
}

static void test_state_transactions_abort_brings_the_evicted_back(void **state)
{
    struct world w;
    (void)state;
    make_silent(&w, 6 * HOUR);
    uint64_t hash = state_store_hash(w.store);
    for (int keep = 0; keep < 2; keep++) {
        const struct capture before = w.capture;
        struct gone gone = {.count = 0};
        state_store_begin(w.store);
        push(&w, "late", 20 * HOUR, 3); /* touched: it stays, but begins anew */
        const struct user_slot *late = state_store_find(w.store, (struct slice){"late", 4});
        assert_int_equal(late->state.current.number, 1);
        assert_int_equal(state_store_evict(w.store, 100, note_gone, &gone, NULL), 0);
        assert_int_equal(gone.count, 3);
        push(&w, "early", 21 * HOUR, 1); /* back, in another's slot */
        push(&w, "other", 21 * HOUR, 1);
        const struct user_slot *early = state_store_find(w.store, (struct slice){"early", 5});
        assert_int_equal(early->state.current.number, 1);
        if (keep) {
            commit(&w);
            assert_int_equal(state_store_users(w.store), 5);
        } else {
            abort_to(&w, &before);
            assert_int_equal(state_store_users(w.store), 6);
            assert_int_equal(state_store_hash(w.store), hash);
        }
    }
    assert_int_equal(pipeline_end(w.pipeline, w.store, NULL), 0);
    world_release(&w);
}

static void test_state_transactions_evict_in_short_calls(void **state)
{
    struct gone gone = {.fail_at = 2};
    struct err err = {0};
    struct world w;
    (void)state;
    make_silent(&w, 6 * HOUR);
    assert_int_equal(state_store_evict(w.store, 2, note_gone, &gone, NULL), 0);
    assert_int_equal(gone.count, 1);
    assert_int_equal(state_store_evict(w.store, 4, note_gone, &gone, &err), -1);
    assert_string_equal(err.text, "no room for a tombstone");
    assert_int_equal(state_store_users(w.store), 5); /* who could not be told of stays */
    gone.fail_at = 0;
    assert_int_equal(state_store_evict(w.store, 1, note_gone, &gone, NULL), 0);
    assert_string_equal(gone.user_id[1], "late"); /* where it stopped */
    assert_int_equal(state_store_evict(w.store, 6, note_gone, &gone, NULL), 0);
    assert_int_equal(gone.count, 4);
    assert_int_equal(state_store_evict(w.store, 100, note_gone, &gone, NULL), 0);
    assert_int_equal(gone.count, 4);
    world_release(&w);
}

static int let_go(void *ctx, const struct user_state *user, struct err *err)
{
    (void)user;
    (void)err;
    ++*(size_t *)ctx;
    return 0;
}

/* Forgotten is who was silent, not whose memory was taken back: that may happen at any time, or
 * never. */
static void test_state_transactions_evicting_changes_nothing(void **state)
{
    enum { USERS = 40, ROWS = 8000 };
    const int64_t ttl_ms = 40 * HOUR;
    struct test_log log;
    struct random random;
    struct world never, often;
    size_t gone = 0, renewed = 0;
    (void)state;
    test_log_init(&log);
    test_log_synth(&log, 31, USERS, ROWS);
    test_log_disturb(&log, 32);
    world_make(&never, 1, ttl_ms);
    world_make(&often, 1, ttl_ms);
    random_init(&random, 33, 0);
    push_rows(never.pipeline, &never.store, 1, &log, 0, log.count);
    for (size_t at = 0; at < log.count;) {
        size_t to = at + 1 + random_below(&random, 100);
        to = to < log.count ? to : log.count;
        push_rows(often.pipeline, &often.store, 1, &log, at, to);
        assert_int_equal(pipeline_flush(often.pipeline, NULL), 0);
        assert_int_equal(state_store_evict(often.store, USERS / 2, let_go, &gone, NULL), 0);
        at = to;
    }
    assert_int_equal(pipeline_end(never.pipeline, never.store, NULL), 0);
    assert_int_equal(pipeline_end(often.pipeline, often.store, NULL), 0);
    capture_sort_sessions(&never.capture);
    capture_sort_sessions(&often.capture);
    assert_same_sessions(&often.capture, &never.capture);
    capture_sort_predictions(&never.capture);
    capture_sort_predictions(&often.capture);
    assert_near_predictions(&often.capture, &never.capture, 0);
    for (size_t i = 0; i < never.capture.sessions; i++)
        renewed += never.capture.session[i].number == 1;
    assert_true(gone > 10 && renewed > USERS + 10); /* or it has shown nothing */
    world_release(&never);
    world_release(&often);
    test_log_release(&log);
}

/* ---- what changed ---- */

static int note_change(void *ctx, const struct user_state *user, bool history, struct err *err)
{
    char *text = ctx;
    (void)err;
    sprintf(text + strlen(text), "%.*s%s ", user->user_id_size, user->user_id, history ? "+" : "");
    return 0;
}

static int refuse_change(void *ctx, const struct user_state *user, bool history, struct err *err)
{
    (void)ctx;
    (void)user;
    (void)history;
    return err_set(err, ERR_IO, "not now");
}

static void test_state_transactions_tell_whom_they_changed(void **state)
{
    char text[128];
    struct err err = {0};
    struct world w;
    (void)state;
    world_make(&w, 0, 0);
    for (int64_t session = 0; session < 3; session++) {
        push(&w, "old", session * 2 * HOUR, 1);
        push(&w, "idle", session * 2 * HOUR, 1);
    }
    static const struct {
        const char *user;
        int64_t at_ms;
        int track;
        const char *told; /* of the transaction so far */
    } rows[] = {
        {"young", 4 * HOUR, 1, "young "},
        {"young", 4 * HOUR + 1, 2, "young "},
        {"old", 4 * HOUR, 1, "young "},   /* a duplicate */
        {"old", -24 * HOUR, 9, "young "}, /* too late */
        {"old", 4 * HOUR + 1, 2, "young old "},
        {"old", 5 * HOUR, 3, "young old+ idle "},   /* opens the next; closes idle's */
        {"young", 5 * HOUR, 3, "young old+ idle "}, /* the second: nothing to fold yet */
        {"young", 6 * HOUR, 4, "young+ old+ idle "},
    };
    state_store_begin(w.store);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        push(&w, rows[i].user, rows[i].at_ms, rows[i].track);
        text[0] = '\0';
        assert_int_equal(state_store_changes(w.store, note_change, text, NULL), 0);
        assert_string_equal(text, rows[i].told);
    }
    assert_int_equal(state_store_changes(w.store, refuse_change, NULL, &err), -1);
    assert_string_equal(err.text, "not now");
    commit(&w);
    state_store_begin(w.store);
    text[0] = '\0';
    assert_int_equal(state_store_changes(w.store, note_change, text, NULL), 0);
    assert_string_equal(text, "");
    commit(&w);
    world_release(&w);
}

/* The log's memory is kept: the same work again takes none. */
static void test_state_transactions_allocate_once(void **state)
{
    enum { USERS = 500 };
    size_t bytes = 0;
    struct world w;
    (void)state;
    world_make(&w, 0, 0);
    for (int64_t round = 0; round < 12; round++) {
        const struct capture before = w.capture;
        state_store_begin(w.store);
        for (uint32_t u = 0; u < USERS; u++) {
            char id[16];
            push(&w, id_of(u, id).data, round * 2 * HOUR + u, 1);
        }
        if (round % 4 == 3)
            abort_to(&w, &before);
        else
            commit(&w);
        if (round == 3)
            bytes = state_store_bytes(w.store);
        if (round > 3)
            assert_int_equal(state_store_bytes(w.store), bytes);
    }
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_transactions_abort_leaves_no_trace),
        cmocka_unit_test(test_state_transactions_abort_after_the_sink_failed),
        cmocka_unit_test(test_state_transactions_abort_reopens_what_time_closed),
        cmocka_unit_test(test_state_transactions_new_users_and_a_growing_index),
        cmocka_unit_test(test_state_transactions_removed_users_come_and_go),
        cmocka_unit_test(test_state_transactions_evict_the_silent),
        cmocka_unit_test(test_state_transactions_abort_brings_the_evicted_back),
        cmocka_unit_test(test_state_transactions_evict_in_short_calls),
        cmocka_unit_test(test_state_transactions_evicting_changes_nothing),
        cmocka_unit_test(test_state_transactions_tell_whom_they_changed),
        cmocka_unit_test(test_state_transactions_allocate_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
