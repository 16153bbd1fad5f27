/* The table of event time (tests/fixtures/event-time) through intake and pipeline: what becomes of
 * every scrobble and which sessions are published at which of them, straight on and with a restart
 * from the changelog before each row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/intake.h"
#include "stream_fixture.h"

#define FIRST_MS      INT64_C(1241478000000) /* 2009-05-04T23:00:00Z */
#define NOW_MS        INT64_C(1790000000000)
#define MAX_FUTURE_MS INT64_C(300000)
#define ROWS_MAX      64

struct row {
    char kind; /* p: play, i: idle, s: session */
    char user[32], track[32], outcome[32];
    int64_t time_ms, duration_ms, idle_ms;
    struct session session;
    bool open;
};

struct table_case {
    char name[96];
    int64_t gap_ms;
    struct row row[ROWS_MAX];
    size_t rows;
};

static int64_t time_of(const char *text)
{
    long long hours, ms = 0;
    int minutes, seconds, end = 0;
    if (*text == '@') {
        return strtoll(text + 1, NULL, 10);
    }
    if (strncmp(text, "now", 3) == 0) {
        return NOW_MS + strtoll(text + 3, NULL, 10);
    }
    assert_int_equal(sscanf(text, "%lld:%d:%d%n", &hours, &minutes, &seconds, &end), 3);
    if (text[end] == '.') {
        ms = strtoll(text + end + 1, NULL, 10);
    }
    return FIRST_MS + ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}

static void parse_session(struct row *row, const char *line)
{
    char start[32], end[32], open[8] = "";
    struct session *session = &row->session;
    int fields =
        sscanf(line, "session %31s %u.%u %31s %31s %u %7s", session->user_id, &session->number,
               &session->revision, start, end, &session->scrobbles, open);
    assert_true(fields == 6 || fields == 7);
    session->start.ms = time_of(start);
    session->end.ms = time_of(end);
    session->length_ms = session->end.ms - session->start.ms;
    row->kind = 's';
    row->open = strcmp(open, "open") == 0;
}

static void parse_row(struct row *row, const char *line)
{
    char time[32];
    int seconds;
    *row = (struct row){0};
    if (sscanf(line, "play %31s %31s %31s %d %31s", row->user, time, row->track, &seconds,
               row->outcome) == 5) {
        row->kind = 'p';
        row->time_ms = time_of(time);
        row->duration_ms = seconds * INT64_C(1000);
    } else if (sscanf(line, "idle %ld", &row->idle_ms) == 1) {
        row->kind = 'i';
    } else {
        parse_session(row, line);
    }
}

/* The next case of the file. @return false at its end */
static bool next_case(FILE *file, char line[512], struct table_case *table)
{
    int gap_s = 1800;
    while (strncmp(line, "case ", 5) != 0) {
        if (!fgets(line, 512, file)) {
            return false;
        }
    }
    *table = (struct table_case){0};
    sscanf(line, "case %95s gap=%d", table->name, &gap_s);
    table->gap_ms = gap_s * INT64_C(1000);
    while (fgets(line, 512, file) && strncmp(line, "case ", 5) != 0) {
        if (*line != '\n' && *line != '#') {
            assert_true(table->rows < ROWS_MAX);
            parse_row(&table->row[table->rows++], line);
        }
    }
    return true;
}

struct run {
    const struct table_case *table;
    struct stream_params params;
    struct capture capture;
    struct pipeline *pipeline;
    struct state_store *store;
    struct intake intake;
    size_t seen; /* sessions of the capture */
};

static void open_run(struct run *run, const struct table_case *table)
{
    static const int64_t pool_ms[POOL_VALUES];
    *run = (struct run){.table = table, .params = STREAM_PARAMS_DEFAULTS};
    struct pipeline_sink sink = capture_sink(&run->capture);
    run->params.gap_ms = table->gap_ms;
    run->pipeline = pipeline_new(&run->params, &sink, 1, NULL);
    run->store = state_store_new(&run->params, 0, NULL);
    run->intake = (struct intake){
        .scratch = scrobble_scratch_new(), .now_ms = NOW_MS, .max_future_ms = MAX_FUTURE_MS};
    assert_true(run->pipeline && run->store && run->intake.scratch);
    assert_int_equal(pipeline_set_pool(run->pipeline, pool_ms, 0, NULL), 0);
}

static void close_run(struct run *run)
{
    pipeline_free(run->pipeline);
    state_store_free(run->store);
    scrobble_scratch_free(run->intake.scratch);
    capture_release(&run->capture);
}

/* What the changelog carries into another process, users and stream time. */
static void restart(struct run *run)
{
    struct changelog_meta meta = {.stream_time = state_store_stream_time(run->store)};
    struct state_store *fresh = state_store_new(&run->params, 0, NULL);
    const struct user_slot *slot;
    size_t cursor = 0;
    assert_non_null(fresh);
    while ((slot = state_store_next(run->store, &cursor))) {
        carry_user(fresh, run->store,
                   (struct slice){slot->state.user_id, slot->state.user_id_size});
    }
    assert_int_equal(changelog_finish(fresh, &meta, NULL), 0);
    state_store_free(run->store);
    run->store = fresh;
}

/* What was published since the last call is what stands in the table before row `at`. */
static void check_published(struct run *run, size_t from, size_t at)
{
    const struct table_case *table = run->table;
    for (size_t i = from; i < at; i++) {
        const struct session *wanted = &table->row[i].session;
        bool found = false;
        for (size_t k = run->seen; k < run->capture.sessions && !found; k++) {
            const struct session *got = &run->capture.session[k];
            found = strcmp(got->user_id, wanted->user_id) == 0 && got->number == wanted->number &&
                    got->revision == wanted->revision && got->start.ms == wanted->start.ms &&
                    got->end.ms == wanted->end.ms && got->length_ms == wanted->length_ms &&
                    got->scrobbles == wanted->scrobbles;
        }
        if (!found) {
            fail_msg("%s: session %s %u.%u is not published here, or not so", table->name,
                     wanted->user_id, wanted->number, wanted->revision);
        }
    }
    if (run->capture.sessions - run->seen != at - from) {
        const struct session *last = &run->capture.session[run->capture.sessions - 1];
        fail_msg("%s: before row %zu %zu sessions are published, not %zu; the last is %s %u.%u",
                 table->name, at, run->capture.sessions - run->seen, at - from, last->user_id,
                 last->number, last->revision);
    }
    run->seen = run->capture.sessions;
}

static const char *play(struct run *run, const struct row *row)
{
    char json[256];
    struct scrobble scrobble;
    struct err err = {0};
    enum outcome outcome;
    size_t predictions = run->capture.predictions;
    int size =
        snprintf(json, sizeof json,
                 "{\"user_id\":\"%s\",\"timestamp\":%lld,\"artist\":\"a\",\"track\":\"%s\","
                 "\"duration_ms\":%lld}",
                 row->user, (long long)row->time_ms, row->track, (long long)row->duration_ms);
    enum reject_reason reason =
        intake_read(&run->intake, (struct slice){row->user, strlen(row->user)},
                    (struct slice){json, (size_t)size}, &scrobble, &err);
    if (reason != REJECT_NONE) {
        return reject_reason_name(reason);
    }
    assert_int_equal(pipeline_push(run->pipeline, run->store, &scrobble, &outcome, &err), 0);
    assert_int_equal(pipeline_flush(run->pipeline, &err), 0);
    return outcome == OUTCOME_DUPLICATE              ? "duplicate"
           : outcome == OUTCOME_LATE                 ? "late"
           : run->capture.predictions == predictions ? "previous"
                                                     : "session";
}

static void step(struct run *run, const struct row *row)
{
    if (row->kind == 'p') {
        const char *outcome = play(run, row);
        if (strcmp(outcome, row->outcome) != 0) {
            fail_msg("%s: %s at %lld is %s, not %s", run->table->name, row->user,
                     (long long)row->time_ms, outcome, row->outcome);
        }
    } else {
        struct event_time time =
            event_time_add_ms(state_store_stream_time(run->store), row->idle_ms);
        assert_int_equal(pipeline_advance(run->pipeline, run->store, time, NULL), 0);
    }
}

/* @param restart_at the row before which everything begins anew; past the end: none */
static void check_case(const struct table_case *table, size_t restart_at)
{
    struct run run;
    size_t sessions = 0; /* rows of them before the one at hand */
    open_run(&run, table);
    for (size_t i = 0; i < table->rows; i++) {
        const struct row *row = &table->row[i];
        if (i == restart_at) {
            restart(&run);
        }
        if (row->kind == 's') {
            sessions += !row->open;
        } else {
            step(&run, row);
            check_published(&run, i - sessions, i);
            sessions = 0;
        }
    }
    assert_int_equal(sessions, 0); /* the row that publishes them follows */
    close_run(&run);
}

static void test_event_time_every_case_of_the_table(void **state)
{
    static struct table_case table;
    char line[512] = "";
    size_t cases = 0;
    FILE *file = fopen(OUTRO_FIXTURES "/event-time/cases.txt", "r");
    (void)state;
    assert_non_null(file);
    while (next_case(file, line, &table)) {
        for (size_t restart_at = 0; restart_at <= table.rows; restart_at++) {
            check_case(&table, restart_at);
        }
        cases++;
    }
    fclose(file);
    assert_true(cases >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_time_every_case_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
