/* Kernel KM, KM running, every feature and step input against ../shared/golden/kkm (a float64
 * reference in Python), through the pipeline that serves. Sketches are made large enough to be
 * exact; what the state rounds (state_store's user_state.h) is compared to that rounding, all else
 * to 1e-9. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "data/log.h"
#include "stream/pipeline.h"

/* Rounding that the state does, absolute: dayparts are sums of float32; means of ln(interval + 10)
 * are kept to 1/5000 and shares to 1/255 (half of that is the error); step inputs leave as float32.
 */
#define EXACT    1e-9
#define FLOAT32  2e-6
#define LN_ROUND (.5 / 5000 + FLOAT32)
#define SHARE    (.5 / 255 + FLOAT32)

static const double start_tolerance[START_FEATURES] = {
    EXACT,   EXACT,   EXACT, EXACT, EXACT, EXACT, EXACT,
    FLOAT32, FLOAT32, EXACT, EXACT, EXACT, EXACT, EXACT,
};
static const double step_tolerance[STEP_INPUTS] = {
    FLOAT32,  FLOAT32, FLOAT32, FLOAT32, FLOAT32,  FLOAT32, FLOAT32,
    LN_ROUND, SHARE,   SHARE,   SHARE,   LN_ROUND, FLOAT32,
};

struct golden {
    json_t *scrobbles; /* object: "user session scrobble" -> line */
    json_t *sessions;  /* object: "user session" -> line */
    uint32_t window;
    size_t scrobbles_met, starts_met, steps_met, records_met;
};

static json_t *load_lines(const char *name, const char *const *keys)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/kkm/%s", OUTRO_GOLDEN, name);
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    json_t *all = json_object();
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, file) > 0) {
        json_t *object = json_loads(line, 0, NULL);
        assert_non_null(object);
        char key[256];
        int used =
            snprintf(key, sizeof key, "%s", json_string_value(json_object_get(object, "user_id")));
        for (int k = 0; keys[k]; k++)
            used += snprintf(key + used, sizeof key - (size_t)used, " %lld",
                             (long long)json_integer_value(json_object_get(object, keys[k])));
        json_object_set_new(all, key, object);
    }
    free(line);
    fclose(file);
    return all;
}

static double number_at(const json_t *object, const char *key, size_t i)
{
    return json_number_value(json_array_get(json_object_get(object, key), i));
}

static void assert_near(double got, double expected, double tolerance, const char *what, size_t i,
                        const char *where)
{
    if (fabs(got - expected) > tolerance * fmax(1, fabs(expected)))
        fail_msg("%s[%zu] of %s: %.12g, expected %.12g", what, i, where, got, expected);
}

static int meet_prediction(void *ctx, const struct prediction *p,
                           const struct prediction_detail *detail, struct err *err)
{
    struct golden *golden = ctx;
    char key[256], field[64];
    (void)err;
    if (p->scrobble == 1) {
        snprintf(key, sizeof key, "%s %u", p->user_id, p->session);
        const json_t *session = json_object_get(golden->sessions, key);
        for (size_t i = 0; session && i < START_FEATURES; i++)
            assert_near(detail->start[i], number_at(session, "start", i), start_tolerance[i],
                        "start", i, key);
        golden->starts_met += session != NULL;
        snprintf(key, sizeof key, "%s %u", p->user_id, p->session - 1);
        session = json_object_get(golden->sessions, key);
        for (size_t i = 0; session && i < STEP_INPUTS; i++)
            assert_near((double)detail->previous_step[i], number_at(session, "step", i),
                        step_tolerance[i], "step", i, key);
        golden->steps_met += session != NULL;
    }
    snprintf(key, sizeof key, "%s %u %u", p->user_id, p->session, p->scrobble);
    const json_t *scrobble = json_object_get(golden->scrobbles, key);
    if (!scrobble)
        return 0;
    golden->scrobbles_met++;
    assert_int_equal(p->time.ms, json_integer_value(json_object_get(scrobble, "timestamp")));
    for (size_t q = 0; q < QUANTILES; q++) {
        snprintf(field, sizeof field, "kernel_km_%u_s", golden->window);
        assert_near(detail->kernel_s[q], number_at(scrobble, field, q), 1e-12, field, q, key);
        snprintf(field, sizeof field, "km_running_%u_s", golden->window);
        assert_near(detail->running_s[q], number_at(scrobble, field, q), 1e-12, field, q, key);
    }
    /* the live features of the reference have the ring of 256 in their last six */
    for (size_t i = 0; i < (golden->window == 256 ? LIVE_FEATURES : 10); i++)
        assert_near(detail->live[i], number_at(scrobble, "live", i), EXACT, "live", i, key);
    return 0;
}

static int meet_session(void *ctx, const struct session *session, uint32_t partition,
                        uint32_t user_index, struct err *err)
{
    struct golden *golden = ctx;
    char key[256];
    (void)partition;
    (void)user_index;
    (void)err;
    snprintf(key, sizeof key, "%s %u", session->user_id, session->number);
    const json_t *expected = json_object_get(golden->sessions, key);
    if (!expected)
        return 0;
    golden->records_met++;
    assert_int_equal(session->start.ms,
                     json_integer_value(json_object_get(expected, "session_start")));
    assert_int_equal(session->scrobbles,
                     json_integer_value(json_object_get(expected, "scrobbles")));
    assert_int_equal(session->length_ms,
                     (int64_t)(1000 * json_number_value(json_object_get(expected, "length_s"))));
    return 0;
}

static void load_pool(int64_t pool_ms[POOL_VALUES])
{
    json_t *pool = json_load_file(OUTRO_GOLDEN "/kkm/pool.json", 0, NULL);
    assert_non_null(pool);
    for (size_t i = 0; i < POOL_VALUES; i++)
        pool_ms[i] = (int64_t)(1000 * number_at(pool, "lengths_s", i));
    json_decref(pool);
}

static void replay(struct golden *golden, const char *log_path)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    params.window = golden->window;
    params.keep_duplicates = true;
    params.track_slots = params.artist_slots = 65536;
    struct pipeline_sink sink = {
        .ctx = golden, .prediction = meet_prediction, .session = meet_session};
    int64_t pool_ms[POOL_VALUES];
    struct err err = {0};
    struct pipeline *pipeline = pipeline_new(&params, &sink, 256, &err);
    struct state_store *store = state_store_new(&params, 0, &err);
    struct log_options options = {.order = LOG_BY_TIME};
    struct log *log = log_open(log_path, &options, &err);
    assert_non_null(log);
    load_pool(pool_ms);
    assert_int_equal(pipeline_set_pool(pipeline, pool_ms, 0, &err), 0);
    struct scrobble scrobble;
    int more;
    while ((more = log_next(log, &scrobble, &err)) > 0) {
        static const char *const people[] = {"user_000004", "user_000009", "user_000026"};
        enum outcome outcome;
        bool chosen = false;
        for (size_t i = 0; i < 3; i++)
            chosen |= strlen(people[i]) == scrobble.user_id.size &&
                      memcmp(people[i], scrobble.user_id.data, scrobble.user_id.size) == 0;
        if (chosen)
            assert_int_equal(pipeline_push(pipeline, store, &scrobble, &outcome, &err), 0);
    }
    assert_int_equal(more, 0);
    assert_int_equal(pipeline_end(pipeline, store, &err), 0);
    log_free(log);
    pipeline_free(pipeline);
    state_store_free(store);
}

static void meet(uint32_t window)
{
    static const char *const by_scrobble[] = {"session", "scrobble", NULL};
    static const char *const by_session[] = {"session", NULL};
    const char *log_path = OUTRO_GOLDEN "/../data/scrobbles.tsv.gz";
    struct stat status;
    struct golden golden = {.scrobbles = load_lines("scrobbles.ndjson", by_scrobble),
                            .sessions = load_lines("sessions.ndjson", by_session),
                            .window = window};
    if (!golden.scrobbles || !golden.sessions || stat(log_path, &status) < 0) {
        print_message("skipped: no reference values in %s/kkm, or no log beside them\n",
                      OUTRO_GOLDEN);
        json_decref(golden.scrobbles);
        json_decref(golden.sessions);
        skip();
    }
    replay(&golden, log_path);
    assert_int_equal(golden.scrobbles_met, json_object_size(golden.scrobbles));
    assert_int_equal(golden.starts_met, json_object_size(golden.sessions));
    assert_int_equal(golden.records_met, json_object_size(golden.sessions));
    assert_true(golden.steps_met + 3 >=
                json_object_size(golden.sessions)); /* last ones may have no successor */
    json_decref(golden.scrobbles);
    json_decref(golden.sessions);
}

static void test_golden_kkm_window_of_256(void **state)
{
    (void)state;
    meet(256);
}

static void test_golden_kkm_window_of_400(void **state)
{
    (void)state;
    meet(400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_kkm_window_of_256),
        cmocka_unit_test(test_golden_kkm_window_of_400),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
