/* What must hold of the pipeline whatever the log: invented people, some of their scrobbles twice,
 * late or very late, through a net that has something to say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream_fixture.h"

#define ROWS  20000
#define USERS 8 /* some 110 sessions each: more than the 64 of the step ring */

/* The two logs that most cases run, made once. */
struct logs {
    struct test_log in_order, disturbed;
};

static int make_logs(void **state)
{
    struct logs *logs = calloc(1, sizeof *logs);
    assert_non_null(logs);
    test_log_init(&logs->in_order);
    test_log_init(&logs->disturbed);
    test_log_synth(&logs->in_order, 3, USERS, ROWS);
    test_log_synth(&logs->disturbed, 4, USERS, ROWS);
    test_log_disturb(&logs->disturbed, 5);
    *state = logs;
    return 0;
}

static int free_logs(void **state)
{
    struct logs *logs = *state;
    test_log_release(&logs->in_order);
    test_log_release(&logs->disturbed);
    free(logs);
    return 0;
}

/* ---- one outcome each ---- */

static void test_pipeline_every_scrobble_ends_in_one_place(void **state)
{
    const struct test_log *log = &((struct logs *)*state)->disturbed;
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct capture capture = {0};
    struct pipeline_sink sink = capture_sink(&capture);
    struct pipeline *pipeline = pipeline_new(&params, &sink, 256, NULL);
    struct state_store *store = state_store_new(&params, 0, NULL);
    uint64_t outcomes[OUTCOMES] = {0};
    for (size_t i = 0; i < log->count; i++) {
        enum outcome outcome = OUTCOMES;
        assert_int_equal(pipeline_push(pipeline, store, &log->row[i], &outcome, NULL), 0);
        assert_in_range(outcome, 0, OUTCOMES - 1);
        outcomes[outcome]++;
    }
    const struct pipeline_counts *counts = pipeline_counts(pipeline);
    assert_memory_equal(counts->outcome, outcomes, sizeof outcomes);
    /* the log has some of everything */
    assert_true(outcomes[OUTCOME_DUPLICATE] > 50 && outcomes[OUTCOME_LATE] > 50);
    assert_true(counts->sessions_reopened > 10 && counts->sessions_revised > 10);
    assert_int_equal(counts->sessions_opened + counts->sessions_reopened,
                     counts->sessions_closed + state_store_open_sessions(store));
    assert_int_equal(pipeline_end(pipeline, store, NULL), 0);
    assert_int_equal(counts->sessions_closed + counts->sessions_revised, capture.sessions);
    /* the scrobbles of the last word on every session are those that were counted */
    uint64_t scrobbles = 0;
    capture_sort_sessions(&capture);
    for (size_t i = 0; i < capture.sessions; i++) {
        const struct session *session = &capture.session[i], *next = session + 1;
        bool last = i + 1 == capture.sessions || next->number != session->number ||
                    strcmp(next->user_id, session->user_id) != 0;
        scrobbles += last ? session->scrobbles : 0;
    }
    assert_int_equal(scrobbles, outcomes[OUTCOME_SESSION]);
    pipeline_free(pipeline);
    state_store_free(store);
    capture_release(&capture);
}

/* ---- the size of a micro-batch is nobody's business ---- */

static void test_pipeline_batch_size_changes_nothing(void **state)
{
    static const size_t batch_rows[] = {7, 256, 4096};
    const struct test_log *log = &((struct logs *)*state)->disturbed;
    struct capture alone = {0};
    run_log(log, &(struct run_options){.bundle_seed = 1, .batch_rows = 1}, &alone);
    assert_true(alone.predictions > ROWS * 8 / 10);
    capture_sort_sessions(&alone);
    for (size_t b = 0; b < sizeof batch_rows / sizeof *batch_rows; b++) {
        struct capture batched = {0};
        run_log(log, &(struct run_options){.bundle_seed = 1, .batch_rows = batch_rows[b]},
                &batched);
        assert_same_predictions(&batched, &alone);
        capture_sort_sessions(&batched);
        assert_same_sessions(&batched, &alone);
        capture_release(&batched);
    }
    capture_release(&alone);
}

static void test_pipeline_predictions_are_sorted_and_not_below_elapsed(void **state)
{
    const struct test_log *log = &((struct logs *)*state)->disturbed;
    struct capture capture = {0};
    run_log(log, &(struct run_options){.bundle_seed = 2}, &capture);
    assert_true(capture.predictions > ROWS * 8 / 10);
    for (size_t i = 0; i < capture.predictions; i++) {
        const struct prediction *p = &capture.prediction[i].prediction;
        assert_true((double)p->elapsed_ms / 1000.0 <= p->total_s[0]);
        assert_true(p->total_s[0] <= p->total_s[1] && p->total_s[1] <= p->total_s[2]);
        assert_true(isfinite(p->total_s[2]));
    }
    capture_release(&capture);
}

/* The net is not idle in these tests: another seed says something else. */
static void test_pipeline_predictions_are_the_bundles(void **state)
{
    const struct test_log *log = &((struct logs *)*state)->in_order;
    struct capture one = {0}, other = {0};
    size_t different = 0;
    run_log(log, &(struct run_options){.bundle_seed = 1}, &one);
    run_log(log, &(struct run_options){.bundle_seed = 2}, &other);
    assert_int_equal(one.predictions, other.predictions);
    for (size_t i = 0; i < one.predictions; i++) {
        double a = one.prediction[i].prediction.total_s[1];
        double b = other.prediction[i].prediction.total_s[1];
        different += fabs(a - b) > 10;
    }
    assert_true(different > one.predictions / 2);
    capture_release(&one);
    capture_release(&other);
}

/* ---- how a session was closed ---- */

/* In one store stream time closes nearly every session; with a store a user only the user's own
 * next scrobble can. */
static void test_pipeline_closing_early_or_late_gives_the_same_sessions(void **state)
{
    const struct test_log *log = &((struct logs *)*state)->in_order;
    struct capture by_time = {0}, by_scrobble = {0};
    run_log(log, &(struct run_options){0}, &by_time);
    for (int user = 0; user < USERS; user++) {
        struct test_log own;
        test_log_init(&own);
        for (size_t i = 0; i < log->count; i++) {
            const struct slice id = log->row[i].user_id;
            if (atoi(id.data + id.size - 2) == user + 1)
                test_log_add(&own, &log->row[i]);
        }
        assert_true(own.count > 0);
        run_log(&own, &(struct run_options){0}, &by_scrobble);
        test_log_release(&own);
    }
    capture_sort_sessions(&by_time);
    capture_sort_sessions(&by_scrobble);
    assert_same_sessions(&by_scrobble, &by_time);
    capture_release(&by_time);
    capture_release(&by_scrobble);
}

static void test_pipeline_partitions_give_the_same_sessions(void **state)
{
    const struct test_log *log = &((struct logs *)*state)->in_order;
    struct capture one = {0}, two = {0};
    run_log(log, &(struct run_options){.bundle_seed = 1}, &one);
    run_log(log, &(struct run_options){.bundle_seed = 1, .stores = 2}, &two);
    capture_sort_sessions(&one);
    capture_sort_sessions(&two);
    assert_same_sessions(&two, &one);
    assert_same_predictions(&two, &one);
    capture_release(&one);
    capture_release(&two);
}

/* ---- restart, reload ---- */

/* Every user's record into a new store, and its stream time. */
static struct state_store *moved(struct state_store *from, const struct stream_params *params)
{
    struct state_store *to = state_store_new(params, 0, NULL);
    assert_non_null(to);
    for (size_t u = state_store_users(from); u-- > 0;) { /* in another order */
        const struct user_state *user = &state_store_slot(from, (uint32_t)u)->state;
        carry_user(to, from, (struct slice){user->user_id, user->user_id_size});
    }
    assert_int_equal(state_store_open_sessions(to), state_store_open_sessions(from));
    state_store_free(from);
    return to;
}

static void test_pipeline_restart_changes_nothing(void **state)
{
    static const size_t stops[] = {1, 500, 7000, 19000};
    const struct test_log *log = &((struct logs *)*state)->disturbed;
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct capture never = {0}, restarted = {0};
    struct bundle *bundle = test_bundle_new(1, 16);
    run_log(log, &(struct run_options){.bundle_seed = 1}, &never);

    struct pipeline_sink sink = capture_sink(&restarted);
    struct state_store *store = state_store_new(&params, 0, NULL);
    size_t at = 0;
    for (size_t s = 0; s <= sizeof stops / sizeof *stops; s++) {
        size_t stop = s < sizeof stops / sizeof *stops ? stops[s] : log->count;
        struct pipeline *pipeline = pipeline_new(&params, &sink, 64, NULL);
        assert_int_equal(pipeline_set_bundle(pipeline, bundle, NULL), 0);
        push_rows(pipeline, &store, 1, log, at, stop);
        assert_int_equal(pipeline_flush(pipeline, NULL), 0);
        at = stop;
        if (stop < log->count)
            store = moved(store, &params);
        else
            assert_int_equal(pipeline_end(pipeline, store, NULL), 0);
        pipeline_free(pipeline);
    }
    capture_sort_sessions(&never);
    capture_sort_sessions(&restarted);
    assert_same_sessions(&restarted, &never);
    assert_near_predictions(&restarted, &never, 0);
    state_store_free(store);
    bundle_release(bundle);
    capture_release(&never);
    capture_release(&restarted);
}

/* Two lives of one user, of as many sessions: the record of the second put over the first, in the
 * middle of a session, takes its place in everything that is prepared or carried. */
static void test_pipeline_restored_over_another_life(void **state)
{
    enum { ROWS_OF_LIFE = 400 };
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct bundle *bundle = test_bundle_new(1, 16);
    struct capture capture[2] = {{0}};
    struct pipeline *pipeline[2];
    struct state_store *store[2];
    size_t seen[2];
    (void)state;
    for (int life = 0; life < 2; life++) {
        struct pipeline_sink sink = capture_sink(&capture[life]);
        pipeline[life] = pipeline_new(&params, &sink, 32, NULL);
        store[life] = state_store_new(&params, 0, NULL);
        assert_int_equal(pipeline_set_bundle(pipeline[life], bundle, NULL), 0);
    }
    for (int64_t i = 0; i < ROWS_OF_LIFE + 100; i++) {
        bool own = i < ROWS_OF_LIFE - 1;
        for (int life = 0; life < 2; life++) {
            /* one session in four rows; of other lengths at other hours in the two lives */
            int64_t pace = own ? 60000 + life * 400000 + i % 7 * 9000 : 480000;
            int64_t start = i / 4 * 18000000 + (own ? life * 7200000 : 7200000);
            char track[16];
            enum outcome outcome;
            snprintf(track, sizeof track, "%d", (int)(i * (own ? life + 3 : 5) % 19));
            const struct scrobble scrobble = {
                .user_id = {"u", 1},
                .time = {INT64_C(1241478000000) + start + i % 4 * pace},
                .artist = {track, 1},
                .track = {track, strlen(track)}};
            assert_int_equal(pipeline_push(pipeline[life], store[life], &scrobble, &outcome, NULL),
                             0);
        }
        if (i != ROWS_OF_LIFE - 2)
            continue;
        for (int life = 0; life < 2; life++) {
            assert_int_equal(pipeline_flush(pipeline[life], NULL), 0);
            seen[life] = capture[life].predictions;
        }
        carry_user(store[0], store[1], (struct slice){"u", 1});
    }
    for (int life = 0; life < 2; life++)
        assert_int_equal(pipeline_end(pipeline[life], store[life], NULL), 0);
    assert_int_equal(seen[0], seen[1]);
    assert_near_predictions(&capture[0], &capture[1], seen[0]);
    /* and before, they were of two lives */
    assert_true(fabs(capture[0].prediction[seen[0] - 1].prediction.total_s[1] -
                     capture[1].prediction[seen[0] - 1].prediction.total_s[1]) > 10);
    for (int life = 0; life < 2; life++) {
        pipeline_free(pipeline[life]);
        state_store_free(store[life]);
        capture_release(&capture[life]);
    }
    bundle_release(bundle);
}

/* Without a reload nothing is made again: the hidden state is carried. */
static void test_pipeline_carries_the_hidden_state(void **state)
{
    const struct test_log *log = &((struct logs *)*state)->in_order;
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct bundle *bundle = test_bundle_new(1, 16);
    struct pipeline_sink sink = {0};
    struct pipeline *pipeline = pipeline_new(&params, &sink, 256, NULL);
    struct state_store *store = state_store_new(&params, 0, NULL);
    assert_int_equal(pipeline_set_bundle(pipeline, bundle, NULL), 0);
    push_rows(pipeline, &store, 1, log, 0, log->count);
    assert_int_equal(pipeline_end(pipeline, store, NULL), 0);
    assert_true(pipeline_counts(pipeline)->sessions_closed > 64 * USERS);
    assert_int_equal(pipeline_counts(pipeline)->predictions, log->count);
    assert_int_equal(pipeline_counts(pipeline)->hidden_recomputed, 0);
    pipeline_free(pipeline);
    state_store_free(store);
    bundle_release(bundle);
}

/* Two LSTM layers, an output alone, taken over from a GRU: states of another width are made again
 * from the rings, medians are as if it had always been there, and there is no interval. */
static void test_pipeline_serves_an_lstm_of_one_output(void **state)
{
    const struct test_log *log = &((struct logs *)*state)->in_order;
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct net_spec spec = {.inputs = STEP_INPUTS, .features = ROW_FEATURES};
    assert_int_equal(net_spec_parse("lstm:9,5", "12 tanh, 1", &spec, NULL), 0);
    struct bundle *gru = test_bundle_new(1, 16), *lstm = test_bundle_of(3, &spec);
    struct capture capture[2] = {{0}, {0}};
    const size_t swap = log->count / 2;
    for (int life = 0; life < 2; life++) {
        struct pipeline_sink sink = capture_sink(&capture[life]);
        struct state_store *store = state_store_new(&params, 0, NULL);
        struct pipeline *pipeline = pipeline_new(&params, &sink, 256, NULL);
        assert_int_equal(pipeline_set_bundle(pipeline, life ? gru : lstm, NULL), 0);
        push_rows(pipeline, &store, 1, log, 0, swap);
        if (life)
            assert_int_equal(pipeline_set_bundle(pipeline, lstm, NULL), 0);
        push_rows(pipeline, &store, 1, log, swap, log->count);
        assert_int_equal(pipeline_end(pipeline, store, NULL), 0);
        pipeline_free(pipeline);
        state_store_free(store);
    }
    assert_int_equal(capture[0].predictions, log->count);
    for (size_t i = swap; i < log->count; i++) {
        const struct prediction *always = &capture[0].prediction[i].prediction;
        const struct prediction *taken = &capture[1].prediction[i].prediction;
        assert_true(!prediction_has_interval(always) && !prediction_has_interval(taken));
        double median = always->total_s[QUANTILE_MEDIAN];
        assert_true(fabs(taken->total_s[QUANTILE_MEDIAN] - median) <= 1e-4 * (median + 30));
    }
    for (int life = 0; life < 2; life++)
        capture_release(&capture[life]);
    bundle_release(gru);
    bundle_release(lstm);
}

static void test_pipeline_reload_predicts_as_if_always_there(void **state)
{
    const struct test_log *log = &((struct logs *)*state)->disturbed;
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct capture always = {0}, reloaded = {0};
    struct bundle *first = test_bundle_new(1, 24), *second = test_bundle_new(2, 16);
    run_log(log, &(struct run_options){.bundle_seed = 2}, &always);

    struct pipeline_sink sink = capture_sink(&reloaded);
    struct state_store *store = state_store_new(&params, 0, NULL);
    struct pipeline *pipeline = pipeline_new(&params, &sink, 256, NULL);
    const size_t swap = log->count * 2 / 3;
    assert_int_equal(pipeline_set_bundle(pipeline, first, NULL), 0);
    push_rows(pipeline, &store, 1, log, 0, swap);
    assert_int_equal(pipeline_set_bundle(pipeline, second, NULL), 0);
    assert_int_equal(first->holders, 1); /* the pipeline let go of it */
    size_t before = reloaded.predictions;
    push_rows(pipeline, &store, 1, log, swap, log->count);
    assert_int_equal(pipeline_end(pipeline, store, NULL), 0);
    assert_near_predictions(&reloaded, &always, before);
    /* and what came before was the first one's */
    assert_true(fabs(reloaded.prediction[before / 2].prediction.total_s[1] -
                     always.prediction[before / 2].prediction.total_s[1]) > 1e-3);
    assert_true(pipeline_counts(pipeline)->hidden_recomputed >= USERS);
    pipeline_free(pipeline);
    state_store_free(store);
    bundle_release(first);
    bundle_release(second);
    capture_release(&always);
    capture_release(&reloaded);
}

static void test_pipeline_refuses_a_bundle_that_needs_more_history(void **state)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct bundle *bundle = test_bundle_new(1, 16);
    struct pipeline_sink sink = {0};
    struct pipeline *pipeline = pipeline_new(&params, &sink, 1, NULL);
    struct err err = {0};
    (void)state;
    bundle->window = 257;
    assert_int_equal(pipeline_set_bundle(pipeline, bundle, &err), -1);
    assert_int_equal(err.code, ERR_SHAPE);
    assert_non_null(strstr(err.text, "257"));
    assert_int_equal(bundle->holders, 1);
    pipeline_free(pipeline);
    bundle_release(bundle);
}

/* ---- prepared sessions are only a cache ---- */

/* More people at once than there are blocks for, listening in turns, so that each turn finds its
 * block given to somebody else; then the same in many stores, where everybody keeps theirs. */
static void test_pipeline_evicted_sessions_predict_the_same(void **state)
{
    enum { PEOPLE = 1500, SESSIONS = 3, TURNS = 3 };
    struct test_log log;
    struct capture crowded = {0}, roomy = {0};
    (void)state;
    test_log_init(&log);
    for (int64_t k = 0; k < SESSIONS * TURNS; k++) {
        for (int64_t u = 0; u < PEOPLE; u++) {
            char id[16], track[16];
            snprintf(id, sizeof id, "user_%04d", (int)u);
            snprintf(track, sizeof track, "%d", (int)(u * k % 7));
            int64_t at = k / TURNS * 7200000 + k % TURNS * (100000 + 1000 * (u % 50)) + u;
            const struct scrobble scrobble = {.user_id = {id, strlen(id)},
                                              .time = {INT64_C(1241478000000) + at},
                                              .artist = {"a", 1},
                                              .track = {track, strlen(track)}};
            test_log_add(&log, &scrobble);
        }
    }
    run_log(&log, &(struct run_options){.bundle_seed = 1}, &crowded);
    run_log(&log, &(struct run_options){.bundle_seed = 1, .stores = 16}, &roomy);
    assert_int_equal(crowded.predictions, PEOPLE * SESSIONS * TURNS);
    assert_same_predictions(&crowded, &roomy);
    test_log_release(&log);
    capture_release(&crowded);
    capture_release(&roomy);
}

/* ---- sinks that fail ---- */

static void test_pipeline_stops_with_what_the_sink_said(void **state)
{
    static const struct {
        size_t prediction, session;
        const char *reason;
    } table[] = {
        {1, 0, "full at prediction 1"},
        {777, 0, "full at prediction 777"},
        {0, 1, "full at session 1"},
        {0, 100, "full at session 100"},
    };
    const struct test_log *log = &((struct logs *)*state)->disturbed;
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        for (size_t batch_rows = 1; batch_rows <= 64; batch_rows += 63) {
            struct stream_params params = STREAM_PARAMS_DEFAULTS;
            struct capture capture = {.fail_at_prediction = table[t].prediction,
                                      .fail_at_session = table[t].session};
            struct pipeline_sink sink = capture_sink(&capture);
            struct bundle *bundle = test_bundle_new(1, 16);
            struct pipeline *pipeline = pipeline_new(&params, &sink, batch_rows, NULL);
            struct state_store *store = state_store_new(&params, 0, NULL);
            struct err err = {0};
            int result = pipeline_set_bundle(pipeline, bundle, &err);
            size_t pushed = 0;
            for (; result == 0 && pushed < log->count; pushed++) {
                enum outcome outcome;
                result = pipeline_push(pipeline, store, &log->row[pushed], &outcome, &err);
            }
            assert_int_equal(result, -1);
            assert_int_equal(err.code, ERR_IO);
            assert_non_null(strstr(err.text, table[t].reason));
            assert_true(pushed < log->count);
            pipeline_free(pipeline);
            state_store_free(store);
            bundle_release(bundle);
            capture_release(&capture);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipeline_every_scrobble_ends_in_one_place),
        cmocka_unit_test(test_pipeline_batch_size_changes_nothing),
        cmocka_unit_test(test_pipeline_predictions_are_sorted_and_not_below_elapsed),
        cmocka_unit_test(test_pipeline_predictions_are_the_bundles),
        cmocka_unit_test(test_pipeline_closing_early_or_late_gives_the_same_sessions),
        cmocka_unit_test(test_pipeline_partitions_give_the_same_sessions),
        cmocka_unit_test(test_pipeline_restart_changes_nothing),
        cmocka_unit_test(test_pipeline_restored_over_another_life),
        cmocka_unit_test(test_pipeline_carries_the_hidden_state),
        cmocka_unit_test(test_pipeline_serves_an_lstm_of_one_output),
        cmocka_unit_test(test_pipeline_reload_predicts_as_if_always_there),
        cmocka_unit_test(test_pipeline_refuses_a_bundle_that_needs_more_history),
        cmocka_unit_test(test_pipeline_evicted_sessions_predict_the_same),
        cmocka_unit_test(test_pipeline_stops_with_what_the_sink_said),
    };
    return cmocka_run_group_tests(tests, make_logs, free_logs);
}
