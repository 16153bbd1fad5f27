/* Event time through the whole pipeline: what is published of whom, when. Tables of scrobbles and
 * movements of stream time; what a sink was given is compared line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream/features.h"
#include "stream_fixture.h"

#define T0   INT64_C(1241478000000)
#define S    INT64_C(1000)
#define MIN  (60 * S)
#define HOUR (60 * MIN)
#define GAP  (30 * MIN)
#define DAY  (24 * HOUR)

struct step {
    const char *user; /* NULL: stream time alone moves */
    int64_t at;       /* ms after T0 */
    int64_t duration;
    enum outcome outcome;
    const char *published; /* sessions closed or changed: "user number.revision start+length n; ";
                              times in seconds after T0 */
};

struct world {
    struct capture capture;
    struct pipeline *pipeline;
    struct state_store *store;
    struct bundle *bundle;
    size_t seen; /* sessions of the capture */
    int64_t base;
    uint32_t tracks;
};

static void world_init(struct world *w)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    *w = (struct world){.base = T0};
    struct pipeline_sink sink = capture_sink(&w->capture);
    w->pipeline = pipeline_new(&params, &sink, 1, NULL);
    w->store = state_store_new(&params, 0, NULL);
    w->bundle = test_bundle_new(1, 16);
    assert_true(w->pipeline && w->store);
    assert_int_equal(pipeline_set_bundle(w->pipeline, w->bundle, NULL), 0);
}

static void world_release(struct world *w)
{
    pipeline_free(w->pipeline);
    state_store_free(w->store);
    bundle_release(w->bundle);
    capture_release(&w->capture);
}

static void check_published(struct world *w, const struct step *step, size_t at)
{
    char text[512] = "";
    size_t used = 0;
    for (; w->seen < w->capture.sessions; w->seen++) {
        const struct session *s = &w->capture.session[w->seen];
        used += (size_t)snprintf(text + used, sizeof text - used, "%s %u.%u %g+%g %u; ", s->user_id,
                                 s->number, s->revision, (double)(s->start.ms - w->base) / 1000,
                                 (double)s->length_ms / 1000, s->scrobbles);
        assert_true(used < sizeof text);
        assert_int_equal(s->end.ms, s->start.ms + s->length_ms);
    }
    if (strcmp(text, step->published ? step->published : "") != 0)
        fail_msg("step %zu published \"%s\"", at, text);
}

static void run(struct world *w, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        struct event_time time = {w->base + step->at};
        char track[16];
        if (!step->user) {
            assert_int_equal(pipeline_advance(w->pipeline, w->store, time, NULL), 0);
            check_published(w, step, i);
            continue;
        }
        snprintf(track, sizeof track, "%u", w->tracks++);
        enum outcome outcome;
        const struct scrobble scrobble = {.user_id = {step->user, strlen(step->user)},
                                          .time = time,
                                          .artist = {"a", 1},
                                          .track = {track, strlen(track)},
                                          .duration_ms = step->duration};
        assert_int_equal(pipeline_push(w->pipeline, w->store, &scrobble, &outcome, NULL), 0);
        if (outcome != step->outcome)
            fail_msg("step %zu: outcome %d", i, (int)outcome);
        check_published(w, step, i);
    }
}

#define RUN(w, steps) run(w, steps, sizeof(steps) / sizeof *(steps))

static void test_pipeline_sessions_close_by_stream_time(void **state)
{
    struct world w;
    (void)state;
    world_init(&w);
    const struct step steps[] = {
        {"u", 0, 0, OUTCOME_SESSION, NULL},
        {"v", 10 * MIN, 200 * S, OUTCOME_SESSION, NULL},
        {NULL, GAP, 0, 0, NULL}, /* strictly */
        {NULL, GAP + 1, 0, 0, "u 1.0 0+0 1; "},
        {NULL, 5 * MIN, 0, 0, NULL}, /* never back */
        {NULL, 10 * MIN + 200 * S + GAP, 0, 0, NULL},
        {"u", 10 * MIN + 200 * S + GAP + 1, 0, OUTCOME_SESSION, "v 1.0 600+200 1; "},
    };
    RUN(&w, steps);
    assert_int_equal(state_store_stream_time(w.store).ms, T0 + 10 * MIN + 200 * S + GAP + 1);
    assert_int_equal(state_store_open_sessions(w.store), 1);
    world_release(&w);
}

/* A long track that is skipped takes the session's end back, and the moment it closes with it:
 * whether or not its timer was set when the track began. */
static void test_pipeline_sessions_close_earlier_after_a_skipped_track(void **state)
{
    struct world w;
    (void)state;
    world_init(&w);
    const struct step steps[] = {
        {"u", 0, 20 * MIN, OUTCOME_SESSION, NULL},
        {"u", 1 * MIN, 0, OUTCOME_SESSION, NULL},
        {NULL, 1 * MIN + GAP, 0, 0, NULL},
        {NULL, 1 * MIN + GAP + 1, 0, 0, "u 1.0 0+60 2; "},
    };
    RUN(&w, steps);
    world_release(&w);
}

static void test_pipeline_sessions_bulk_upload_of_an_offline_day(void **state)
{
    struct world w;
    (void)state;
    world_init(&w);
    const struct step steps[] = {
        {"v", 20 * HOUR, 0, OUTCOME_SESSION, NULL}, /* stream time is far ahead */
        {"u", 0, 0, OUTCOME_SESSION, NULL},
        {"u", 10 * MIN, 0, OUTCOME_SESSION, NULL},
        {"u", 2 * HOUR, 0, OUTCOME_SESSION, "u 1.0 0+600 2; "},
        {"u", 2 * HOUR + 25 * MIN, 0, OUTCOME_SESSION, NULL},
        {"v", 20 * HOUR + 10 * MIN, 0, OUTCOME_SESSION, NULL},
        {"u", 2 * HOUR + 50 * MIN, 0, OUTCOME_SESSION, NULL}, /* arrives ten minutes later */
        {NULL, 20 * HOUR + 10 * MIN + GAP, 0, 0, NULL},       /* the gap from its arrival */
        {NULL, 20 * HOUR + 10 * MIN + GAP + 1, 0, 0, "u 2.0 7200+3000 3; v 1.0 72000+600 2; "},
    };
    RUN(&w, steps);
    world_release(&w);
}

static void test_pipeline_sessions_session_before_is_published_again(void **state)
{
    struct world w;
    (void)state;
    world_init(&w);
    const struct step steps[] = {
        {"u", 0, 0, OUTCOME_SESSION, NULL},
        {"u", 10 * MIN, 0, OUTCOME_SESSION, NULL},
        {"u", 2 * HOUR, 0, OUTCOME_SESSION, "u 1.0 0+600 2; "},
        {"u", 5 * MIN, 0, OUTCOME_SESSION, "u 1.1 0+600 3; "},
        {"u", 30 * MIN, 0, OUTCOME_SESSION, "u 1.2 0+1800 4; "},
        {"u", -GAP, 0, OUTCOME_SESSION, "u 1.3 -1800+3600 5; "},
        {"u", 61 * MIN, 0, OUTCOME_LATE, NULL},
        {"u", 2 * HOUR + 5 * MIN, 0, OUTCOME_SESSION, NULL},
    };
    RUN(&w, steps);
    const struct user_state *user = &state_store_slot(w.store, 0)->state;
    assert_int_equal(user->current.gap_ms, 90 * MIN); /* from the new last start */
    const struct pipeline_counts *counts = pipeline_counts(w.pipeline);
    assert_int_equal(counts->sessions_revised, 3);
    assert_int_equal(counts->outcome[OUTCOME_SESSION], 7);
    assert_int_equal(counts->outcome[OUTCOME_LATE], 1);
    /* the last prediction knows of the change */
    const struct prediction *p = &w.capture.prediction[w.capture.predictions - 1].prediction;
    assert_int_equal(p->session, 2);
    assert_int_equal(p->previous_session_length_ms, HOUR);
    assert_int_equal(p->average_session_length_cs, 360000);
    world_release(&w);
}

static void test_pipeline_sessions_reopened_within_allowed_lateness(void **state)
{
    struct world w;
    (void)state;
    world_init(&w);
    const struct step steps[] = {
        {"u", 0, 0, OUTCOME_SESSION, NULL},
        {NULL, 2 * HOUR, 0, 0, "u 1.0 0+0 1; "},
        {"u", 20 * MIN, 0, OUTCOME_SESSION, NULL}, /* goes on with it */
        {"u", 3 * HOUR, 0, OUTCOME_SESSION, "u 1.1 0+1200 2; "},
        {NULL, 27 * HOUR + 10 * MIN, 0, 0, "u 2.0 10800+0 1; "},
        {"u", 3 * HOUR + 10 * MIN, 0, OUTCOME_SESSION, NULL}, /* 24 hours late, to the ms */
        {NULL, 28 * HOUR, 0, 0, "u 2.1 10800+600 2; "},
        {"u", 3 * HOUR + 40 * MIN, 0, OUTCOME_LATE, NULL},
        {"u", 3 * HOUR + 40 * MIN + 1, 0, OUTCOME_SESSION, NULL}, /* past the gap: one of its own */
    };
    RUN(&w, steps);
    assert_int_equal(pipeline_counts(w.pipeline)->sessions_reopened, 2);
    assert_int_equal(pipeline_counts(w.pipeline)->sessions_closed, 4);
    assert_int_equal(state_store_open_sessions(w.store), 1);
    world_release(&w);
}

/* Kernel KM alone, after six days of history at three hours of the day. @param ms after T0, in the
 * order of arrival  @param close_before stream time closes the session before that one; -1: never
 * @return the last prediction */
static struct kept_prediction last_of(const int64_t *ms, size_t count, int64_t close_before)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct capture capture = {0};
    struct pipeline_sink sink = capture_sink(&capture);
    struct pipeline *pipeline = pipeline_new(&params, &sink, 16, NULL);
    struct state_store *store = state_store_new(&params, 0, NULL);
    int64_t pool_ms[POOL_VALUES];
    for (int i = 0; i < POOL_VALUES; i++)
        pool_ms[i] = i * 17 * S;
    assert_int_equal(pipeline_set_pool(pipeline, pool_ms, 0, NULL), 0);
    for (int64_t k = -36; k < (int64_t)count; k++) {
        int64_t past = k + 36;
        int64_t at = k >= 0 ? ms[k]
                            : -(DAY * (6 - past / 6)) + past / 2 % 3 * 7 * HOUR +
                                  past % 2 * ((past * 7 % 11 + 1) * 97 * S);
        char track[16];
        enum outcome outcome;
        snprintf(track, sizeof track, "%lld", (long long)at);
        const struct scrobble scrobble = {.user_id = {"u", 1},
                                          .time = {T0 + at},
                                          .artist = {"a", 1},
                                          .track = {track, strlen(track)}};
        if (k >= 0 && k == close_before)
            assert_int_equal(
                pipeline_advance(pipeline, store, (struct event_time){T0 + 10 * HOUR}, NULL), 0);
        assert_int_equal(pipeline_push(pipeline, store, &scrobble, &outcome, NULL), 0);
        assert_int_equal(outcome, OUTCOME_SESSION);
    }
    assert_int_equal(pipeline_end(pipeline, store, NULL), 0);
    struct kept_prediction last = capture.prediction[capture.predictions - 1];
    pipeline_free(pipeline);
    state_store_free(store);
    capture_release(&capture);
    return last;
}

/* What a session starts with, and what came before it, count as they are known now: from then on a
 * late scrobble has left the same as one in order. */
static void test_pipeline_sessions_late_scrobble_ends_in_the_same_prediction(void **state)
{
    static const struct {
        const char *what;
        int64_t in_order[5], late[5];
        int64_t close_before; /* which of late: the session is closed before it */
    } table[] = {
        {"before the open session",
         {2 * HOUR, 5 * HOUR, 5 * HOUR + 25 * MIN, 5 * HOUR + 30 * MIN, 5 * HOUR + 40 * MIN},
         {2 * HOUR, 5 * HOUR + 25 * MIN, 5 * HOUR + 30 * MIN, 5 * HOUR, 5 * HOUR + 40 * MIN},
         -1},
        {"in the session before",
         {2 * HOUR, 2 * HOUR + 28 * MIN, 5 * HOUR, 5 * HOUR + MIN, 5 * HOUR + 20 * MIN},
         {2 * HOUR, 5 * HOUR, 5 * HOUR + MIN, 2 * HOUR + 28 * MIN, 5 * HOUR + 20 * MIN},
         -1},
        {"before the closed session",
         {2 * HOUR, 5 * HOUR, 5 * HOUR + 25 * MIN, 5 * HOUR + 30 * MIN, 5 * HOUR + 40 * MIN},
         {2 * HOUR, 5 * HOUR + 25 * MIN, 5 * HOUR + 30 * MIN, 5 * HOUR, 5 * HOUR + 40 * MIN},
         3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct kept_prediction in_order = last_of(table[i].in_order, 5, -1);
        struct kept_prediction late = last_of(table[i].late, 5, table[i].close_before);
        const struct prediction a = in_order.prediction, b = late.prediction;
        /* all but pace, which knows no interval of a scrobble out of order */
        for (int k = 0; k < START_FEATURES; k++)
            if (k != START_PACE && in_order.start[k] != late.start[k])
                fail_msg("%s: start feature %d is %g, in order %g", table[i].what, k, late.start[k],
                         in_order.start[k]);
        if (a.session != b.session || a.session_start.ms != b.session_start.ms ||
            a.scrobble != b.scrobble || a.elapsed_ms != b.elapsed_ms ||
            a.previous_session_length_ms != b.previous_session_length_ms ||
            a.total_s[0] != b.total_s[0] || a.total_s[1] != b.total_s[1] ||
            a.total_s[2] != b.total_s[2])
            fail_msg("%s: %g %g %g, in order %g %g %g", table[i].what, b.total_s[0], b.total_s[1],
                     b.total_s[2], a.total_s[0], a.total_s[1], a.total_s[2]);
    }
}

static void test_pipeline_sessions_equal_stamps_and_duplicates(void **state)
{
    struct world w;
    (void)state;
    world_init(&w);
    static const struct {
        const char *track;
        int64_t at;
        enum outcome outcome;
    } rows[] = {
        {"x", 0, OUTCOME_SESSION},     {"y", 0, OUTCOME_SESSION}, {"x", 0, OUTCOME_DUPLICATE},
        {" X ", 0, OUTCOME_DUPLICATE}, {"x", 1, OUTCOME_SESSION}, {"y", 0, OUTCOME_DUPLICATE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum outcome outcome;
        const struct scrobble scrobble = {.user_id = {"u", 1},
                                          .time = {T0 + rows[i].at},
                                          .artist = {"a", 1},
                                          .track = {rows[i].track, strlen(rows[i].track)}};
        assert_int_equal(pipeline_push(w.pipeline, w.store, &scrobble, &outcome, NULL), 0);
        assert_int_equal(outcome, rows[i].outcome);
    }
    assert_int_equal(w.capture.predictions, 3); /* none for what was dropped */
    const struct step end[] = {{NULL, DAY, 0, 0, "u 1.0 0+0.001 3; "}};
    RUN(&w, end);
    world_release(&w);
}

static void test_pipeline_sessions_ends_of_time(void **state)
{
    struct world w;
    (void)state;
    world_init(&w);
    w.base = 0;
    const struct step steps[] = {
        {"u", 0, 0, OUTCOME_SESSION, NULL},
        {"u", GAP, 0, OUTCOME_SESSION, NULL},
        {"v", 1, 200 * S, OUTCOME_SESSION, NULL},
        {"u", EVENT_TIME_END_MS - 1, 0, OUTCOME_SESSION, "u 1.0 0+1800 2; v 1.0 0.001+200 1; "},
        {"u", 0, 0, OUTCOME_LATE, NULL},
        {"v", 10 * MIN, 0, OUTCOME_LATE, NULL},
        {"v", EVENT_TIME_END_MS - 1, 0, OUTCOME_SESSION, NULL},
    };
    RUN(&w, steps);
    assert_int_equal(pipeline_end(w.pipeline, w.store, NULL), 0);
    assert_int_equal(w.capture.sessions, 4);
    world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipeline_sessions_close_by_stream_time),
        cmocka_unit_test(test_pipeline_sessions_close_earlier_after_a_skipped_track),
        cmocka_unit_test(test_pipeline_sessions_bulk_upload_of_an_offline_day),
        cmocka_unit_test(test_pipeline_sessions_session_before_is_published_again),
        cmocka_unit_test(test_pipeline_sessions_reopened_within_allowed_lateness),
        cmocka_unit_test(test_pipeline_sessions_late_scrobble_ends_in_the_same_prediction),
        cmocka_unit_test(test_pipeline_sessions_equal_stamps_and_duplicates),
        cmocka_unit_test(test_pipeline_sessions_ends_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
