#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/partitioner.h"
#include "data/record_json.h"
#include "data/synth.h"
#include "core/random.h"

/* Room for one more item; asserts that there is. */
static void *grown(void *array, size_t *capacity, size_t needed, size_t item_bytes)
{
    if (needed <= *capacity)
        return array;
    size_t more = *capacity ? *capacity * 2 : 1024;
    while (more < needed)
        more *= 2;
    array = realloc(array, more * item_bytes);
    assert_non_null(array);
    *capacity = more;
    return array;
}

/* ---- logs ---- */

void test_log_init(struct test_log *log)
{
    *log = (struct test_log){0};
    arena_init(&log->strings, 1 << 16);
}

void test_log_release(struct test_log *log)
{
    arena_clear(&log->strings);
    free(log->row);
}

static struct slice kept(struct test_log *log, struct slice slice)
{
    if (slice.size == 0)
        return slice;
    const char *copy = arena_copy(&log->strings, slice.data, slice.size);
    assert_non_null(copy);
    return (struct slice){copy, slice.size};
}

void test_log_add(struct test_log *log, const struct scrobble *scrobble)
{
    log->row = grown(log->row, &log->capacity, log->count + 1, sizeof *log->row);
    log->row[log->count++] = (struct scrobble){
        .user_id = kept(log, scrobble->user_id),
        .time = scrobble->time,
        .artist = kept(log, scrobble->artist),
        .track = kept(log, scrobble->track),
        .duration_ms = scrobble->duration_ms,
    };
}

void test_log_synth(struct test_log *log, uint64_t seed, uint32_t users, uint64_t rows)
{
    const struct synth_options options = {
        .seed = seed, .rows = rows, .users = users, .start = {INT64_C(1230768000000)}};
    struct scrobble scrobble;
    struct synth *synth = synth_new(&options, NULL);
    assert_non_null(synth);
    while (synth_next(synth, &scrobble))
        test_log_add(log, &scrobble);
    synth_free(synth);
    assert_int_equal(log->count, rows);
}

struct arrival {
    size_t at, row;
};

static int by_arrival(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

void test_log_disturb(struct test_log *log, uint64_t seed)
{
    struct random random;
    size_t count = 0;
    struct arrival *arrivals = malloc(2 * log->count * sizeof *arrivals);
    assert_non_null(arrivals);
    random_init(&random, seed, 0);
    for (size_t i = 0; i < log->count; i++) {
        uint64_t kind = random_below(&random, 100);
        size_t late = kind < 4 ? random_below(&random, 100) : kind < 6 ? 3000 : 0;
        arrivals[count++] = (struct arrival){i + late, i};
        if (kind >= 98)
            arrivals[count++] = (struct arrival){i + random_below(&random, 200), i};
    }
    qsort(arrivals, count, sizeof *arrivals, by_arrival);
    struct scrobble *rows = malloc(count * sizeof *rows);
    assert_non_null(rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = log->row[arrivals[i].row];
    free(arrivals);
    free(log->row);
    log->row = rows;
    log->count = log->capacity = count;
}

/* ---- bundles ---- */

static void spread(float *mean, float *inverse_sd, int count)
{
    for (int i = 0; i < count; i++) {
        mean[i] = (float)(i % 5);
        inverse_sd[i] = .3f + .05f * (float)i;
    }
}

struct bundle *test_bundle_new(uint64_t seed, uint32_t hidden)
{
    const struct net_spec spec = PREDICTOR_SPEC(hidden, 16);
    return test_bundle_of(seed, &spec);
}

struct bundle *test_bundle_of(uint64_t seed, const struct net_spec *spec)
{
    struct bundle *bundle = calloc(1, sizeof *bundle);
    assert_non_null(bundle);
    snprintf(bundle->version, sizeof bundle->version, "test-%llu", (unsigned long long)seed);
    bundle->gap_ms = 1800000;
    bundle->window = 256;
    bundle->holders = 1;
    for (int i = 0; i < POOL_VALUES; i++)
        bundle->pool_ms[i] = i * (INT64_C(20000) + (int64_t)seed * 100);
    bundle->net = predictor_new(spec, seed, NULL);
    assert_non_null(bundle->net);
    struct predictor_scaler *scaler = &bundle->net->scaler;
    spread(scaler->step_mean, scaler->step_inverse_sd, STEP_INPUTS);
    spread(scaler->start_mean, scaler->start_inverse_sd, START_FEATURES_MAX);
    spread(scaler->live_mean, scaler->live_inverse_sd, LIVE_FEATURES);
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t tensors = net_tensors(spec, tensor);
    char last[16];
    snprintf(last, sizeof last, "head.%u.", spec->dense_layers - 1);
    for (size_t t = 0; t < tensors; t++) {
        /* recurrent layers forget within the 64 sessions of the ring, as a trained one does; the
         * head's last layer speaks up */
        float factor = strncmp(tensor[t].name, "rnn.", 4) == 0 ? .5f
                       : strncmp(tensor[t].name, last, 7) == 0 ? 8
                                                               : 1;
        for (size_t i = 0; i < (size_t)tensor[t].rows * tensor[t].columns; i++)
            bundle->net->params[tensor[t].offset + i] *= factor;
    }
    return bundle;
}

/* ---- captures ---- */

static int keep_prediction(void *ctx, const struct prediction *prediction,
                           const struct prediction_detail *detail, struct err *err)
{
    struct capture *c = ctx;
    if (c->fail_at_prediction && c->predictions + 1 == c->fail_at_prediction)
        return err_set(err, ERR_IO, "the sink is full at prediction %zu", c->predictions + 1);
    c->prediction =
        grown(c->prediction, &c->prediction_capacity, c->predictions + 1, sizeof *c->prediction);
    c->json = grown(c->json, &c->json_capacity, c->json_size + RECORD_JSON_MAX, 1);
    size_t size = prediction_to_json(prediction, c->json + c->json_size, RECORD_JSON_MAX);
    struct kept_prediction *kept_prediction = &c->prediction[c->predictions++];
    *kept_prediction = (struct kept_prediction){
        .prediction = *prediction, .json_at = (uint32_t)c->json_size, .json_size = (uint32_t)size};
    memcpy(kept_prediction->start, detail->start, sizeof kept_prediction->start);
    c->json_size += size;
    return 0;
}

static int keep_session(void *ctx, const struct session *session, uint32_t partition,
                        uint32_t user_index, struct err *err)
{
    struct capture *c = ctx;
    (void)partition;
    (void)user_index;
    if (c->fail_at_session && c->sessions + 1 == c->fail_at_session)
        return err_set(err, ERR_IO, "the sink is full at session %zu", c->sessions + 1);
    c->session = grown(c->session, &c->session_capacity, c->sessions + 1, sizeof *c->session);
    c->session[c->sessions++] = *session;
    return 0;
}

struct pipeline_sink capture_sink(struct capture *capture)
{
    return (struct pipeline_sink){
        .ctx = capture, .prediction = keep_prediction, .session = keep_session};
}

void capture_release(struct capture *capture)
{
    free(capture->prediction);
    free(capture->session);
    free(capture->json);
    *capture = (struct capture){0};
}

static int by_session(const void *a, const void *b)
{
    const struct session *x = a, *y = b;
    int order = strcmp(x->user_id, y->user_id);
    if (order)
        return order;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return (x->revision > y->revision) - (x->revision < y->revision);
}

void capture_sort_sessions(struct capture *capture)
{
    qsort(capture->session, capture->sessions, sizeof *capture->session, by_session);
}

static int by_user(const void *a, const void *b)
{
    const struct kept_prediction *x = a, *y = b;
    int order = strcmp(x->prediction.user_id, y->prediction.user_id);
    if (order)
        return order;
    return (x->json_at > y->json_at) - (x->json_at < y->json_at);
}

void capture_sort_predictions(struct capture *capture)
{
    qsort(capture->prediction, capture->predictions, sizeof *capture->prediction, by_user);
}

/* ---- runs ---- */

void push_rows(struct pipeline *pipeline, struct state_store *const *store, uint32_t stores,
               const struct test_log *log, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct err err = {0};
        enum outcome outcome;
        const struct scrobble *row = &log->row[i];
        uint32_t at = partition_of(row->user_id.data, row->user_id.size, stores);
        if (pipeline_push(pipeline, store[at], row, &outcome, &err) < 0)
            fail_msg("row %zu: %s", i, err.text);
    }
}

static void carry_value(struct state_store *to, enum changelog_kind kind, struct slice user_id,
                        const void *value, size_t size)
{
    char key[CHANGELOG_KEY_MAX];
    struct slice whole_key = {key, changelog_key(kind, user_id, key)};
    struct err err = {0};
    if (changelog_apply(to, whole_key, (struct slice){value, size}, NULL, &err) != (int)kind)
        fail_msg("%s", err.text);
}

void carry_user(struct state_store *to, const struct state_store *from, struct slice user_id)
{
    const struct user_layout *layout = state_store_layout(from);
    const struct user_slot *slot = state_store_find(from, user_id);
    const struct changelog_meta meta = {.stream_time = state_store_stream_time(from)};
    uint8_t *value = malloc(changelog_value_max(layout));
    struct err err = {0};
    assert_true(slot && value);
    carry_value(to, CHANGELOG_HISTORY, user_id, value,
                changelog_encode_history(layout, &slot->state, value));
    carry_value(to, CHANGELOG_OPEN, user_id, value,
                changelog_encode_open(layout, &slot->state, value));
    free(value);
    if (changelog_finish(to, &meta, &err) < 0)
        fail_msg("%s", err.text);
    assert_memory_equal(&state_store_find(to, user_id)->state, &slot->state, layout->size_bytes);
}

void run_log(const struct test_log *log, const struct run_options *options, struct capture *capture)
{
    enum { STORES_MAX = 16 };
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct pipeline_sink sink = capture_sink(capture);
    struct state_store *store[STORES_MAX];
    struct bundle *bundle = NULL;
    uint32_t stores = options->stores ? options->stores : 1;
    assert_true(stores <= STORES_MAX);
    struct pipeline *pipeline =
        pipeline_new(&params, &sink, options->batch_rows ? options->batch_rows : 256, NULL);
    assert_non_null(pipeline);
    if (options->bundle_seed) {
        bundle = test_bundle_new(options->bundle_seed, 16);
        assert_int_equal(pipeline_set_bundle(pipeline, bundle, NULL), 0);
    }
    for (uint32_t s = 0; s < stores; s++) {
        store[s] = state_store_new(&params, s, NULL);
        assert_non_null(store[s]);
    }
    push_rows(pipeline, store, stores, log, 0, log->count);
    for (uint32_t s = 0; s < stores; s++) {
        assert_int_equal(pipeline_end(pipeline, store[s], NULL), 0);
        assert_int_equal(state_store_open_sessions(store[s]), 0);
    }
    pipeline_free(pipeline);
    for (uint32_t s = 0; s < stores; s++)
        state_store_free(store[s]);
    bundle_release(bundle);
}

static bool is_same(const struct session *a, const struct session *b)
{
    return strcmp(a->user_id, b->user_id) == 0 && a->number == b->number &&
           a->revision == b->revision && a->start.ms == b->start.ms && a->end.ms == b->end.ms &&
           a->length_ms == b->length_ms && a->scrobbles == b->scrobbles;
}

void assert_same_sessions(const struct capture *got, const struct capture *expected)
{
    assert_int_equal(got->sessions, expected->sessions);
    for (size_t i = 0; i < got->sessions; i++) {
        const struct session *a = &got->session[i], *b = &expected->session[i];
        if (!is_same(a, b))
            fail_msg("%s %u.%u of %u scrobbles, expected %s %u.%u of %u", a->user_id, a->number,
                     a->revision, a->scrobbles, b->user_id, b->number, b->revision, b->scrobbles);
    }
}

void assert_near_predictions(const struct capture *got, const struct capture *expected, size_t from)
{
    assert_int_equal(got->predictions, expected->predictions);
    for (size_t i = from; i < got->predictions; i++) {
        const struct prediction *a = &got->prediction[i].prediction;
        const struct prediction *b = &expected->prediction[i].prediction;
        assert_string_equal(a->user_id, b->user_id);
        assert_int_equal(a->time.ms, b->time.ms);
        assert_int_equal(a->session, b->session);
        assert_int_equal(a->scrobble, b->scrobble);
        assert_int_equal(a->elapsed_ms, b->elapsed_ms);
        for (int q = 0; q < QUANTILES; q++)
            if (!(fabs(a->total_s[q] - b->total_s[q]) <= 1e-5 * fmax(1, b->total_s[q])))
                fail_msg("%s %u.%u: quantile %d is %.9g, expected %.9g", a->user_id, a->session,
                         a->scrobble, q, a->total_s[q], b->total_s[q]);
    }
}

void assert_same_predictions(const struct capture *got, const struct capture *expected)
{
    assert_int_equal(got->predictions, expected->predictions);
    for (size_t i = 0; i < got->predictions; i++) {
        const struct kept_prediction *a = &got->prediction[i], *b = &expected->prediction[i];
        if (a->json_size != b->json_size ||
            memcmp(got->json + a->json_at, expected->json + b->json_at, a->json_size) != 0)
            fail_msg("%.*s, expected %.*s", (int)a->json_size, got->json + a->json_at,
                     (int)b->json_size, expected->json + b->json_at);
    }
}
