/* Which cluster a user is in: the rule, case by case; and that whoever moves is served by the net
 * of the cluster they are in, whatever the batch, a restart or a new bundle. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bundle/bundle_parts.h"
#include "stream/membership.h"
#include "stream_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define K            3
#define ID           77

/* Grouped by average length: centres at ten minutes, forty, two hours. */
static const double centres[K] = {600, 2400, 7200};

static struct bundle_clusters *clusters_new(uint32_t id, const char *const *listed, size_t count)
{
    struct bundle_clusters *clusters = calloc(1, sizeof *clusters);
    assert_non_null(clusters);
    struct clustering *of = &clusters->of;
    *of = (struct clustering){.method = CLUSTER_KMEANS,
                              .k = K,
                              .columns = 1,
                              .column = {COLUMN_AVERAGE_LENGTH},
                              .members = count};
    assert_int_equal(clustering_init(of, NULL), 0);
    of->scale[0] = 1;
    memcpy(of->centroids, centres, sizeof centres);
    for (size_t i = 0; i < count; i++) {
        snprintf(of->member[i].user_id, sizeof of->member[i].user_id, "%s", listed[i]);
        of->member[i].label = (uint32_t)(i % K);
    }
    assert_int_equal(clustering_finish(of, NULL), 0);
    clusters->id = id;
    clusters->cluster = calloc(K, sizeof *clusters->cluster);
    assert_non_null(clusters->cluster);
    return clusters;
}

/* ---- the rule ---- */

struct rule_case {
    const char *what, *user;
    uint32_t finished;
    double average_s;
    uint16_t cluster; /* 1 + c */
    bool other;       /* which another bundle decided */
    bool opened;
    uint16_t expected;
    bool moved;
};

static const struct rule_case rule_cases[] = {
    {"listed, seen the first time", "b", 0, 0, 0, true, true, 2, false},
    {"listed, far from it", "b", 100, 600, 0, true, true, 2, false},
    {"a stranger, too new", "x", 9, 600, 0, true, true, 0, false},
    {"a stranger of ten sessions", "x", 10, 600, 0, true, true, 1, true},
    {"a new bundle in the middle of a session", "x", 15, 7200, 1, true, false, 3, true},
    {"a new bundle, too new for it", "x", 5, 7200, 1, true, false, 0, false},
    {"the tenth session", "x", 10, 7000, 0, false, true, 3, true},
    {"between two looks", "x", 11, 7000, 1, false, true, 1, false},
    {"the next look", "x", 30, 7000, 1, false, true, 3, true},
    {"the same, but no session opened", "x", 30, 7000, 1, false, false, 1, false},
    {"a listed one is looked at, too", "b", 30, 7000, 2, false, true, 3, true},
    {"placed later than it might be", "x", 13, 7000, 0, false, true, 3, true},
    {"listed with forty sessions, has thirty", "c", 30, 600, 3, false, true, 3, false},
    {"listed with forty sessions, has them", "c", 40, 600, 3, false, true, 3, false},
    {"listed with forty sessions, twenty more", "c", 60, 600, 3, false, true, 1, true},
    {"just over the border", "x", 30, 1510, 1, false, true, 1, false},
    {"far enough over it", "x", 30, 1600, 1, false, true, 2, true},
};

static void test_membership_rule(void **state)
{
    static const char *const listed[] = {"a", "b", "c"};
    (void)state;
    const struct stream_params params = STREAM_PARAMS_DEFAULTS;
    const struct user_layout layout = user_layout_of(&params);
    struct bundle_clusters *clusters = clusters_new(ID, listed, COUNT(listed));
    struct user_state *user = calloc(1, layout.size_bytes);
    assert_non_null(user);
    clusters->of.member[2].sessions = 40;
    for (size_t i = 0; i < COUNT(rule_cases); i++) {
        const struct rule_case *c = &rule_cases[i];
        user_state_init(&layout, user, (struct slice){c->user, strlen(c->user)});
        user->history.finished = c->finished;
        user->history.total_length_ms = (int64_t)(c->average_s * 1000) * c->finished;
        user->current = (struct session_sums){.number = c->finished + 1, .open = 1, .scrobbles = 1};
        user->cluster = c->cluster;
        user->clustering = c->other ? ID + 1 : ID;
        bool moved = membership_update(&params, &layout, clusters, user, c->opened);
        if (user->cluster != c->expected || moved != c->moved || user->clustering != ID)
            fail_msg("%s: cluster %u, moved %d, expected %u, %d", c->what, user->cluster, moved,
                     c->expected, c->moved);
    }
    free(user);
    bundle_clusters_free(clusters);
}

/* Without looking again people are placed all the same, once. */
static void test_membership_never_looked_at_again(void **state)
{
    (void)state;
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    params.cluster_recheck_sessions = 0;
    const struct user_layout layout = user_layout_of(&params);
    struct bundle_clusters *clusters = clusters_new(ID, NULL, 0);
    struct user_state *user = calloc(1, layout.size_bytes);
    assert_non_null(user);
    user_state_init(&layout, user, (struct slice){"x", 1});
    for (uint32_t finished = 0; finished < 100; finished++) {
        double average_s = finished < 20 ? 600 : 7200;
        user->history.finished = finished;
        user->history.total_length_ms = (int64_t)(average_s * 1000) * finished;
        user->current = (struct session_sums){.number = finished + 1, .open = 1, .scrobbles = 1};
        bool moved = membership_update(&params, &layout, clusters, user, true);
        assert_int_equal(user->cluster, finished < params.cluster_min_sessions ? 0 : 1);
        assert_int_equal(moved, finished == params.cluster_min_sessions);
    }
    free(user);
    bundle_clusters_free(clusters);
}

/* ---- served by it ---- */

enum { USERS = 30, ROWS = 12000 };

/* Cluster 1 has no net of its own. */
static struct bundle *clustered_bundle(uint64_t seed)
{
    static const char *const listed[] = {"user_000001", "user_000002", "user_000003"};
    struct bundle *bundle = test_bundle_new(seed, 16);
    bundle->clusters = clusters_new((uint32_t)seed, listed, COUNT(listed));
    for (uint32_t c = 0; c < K; c += 2) {
        struct bundle *other = test_bundle_new(seed + 10 + c, 16);
        bundle->clusters->cluster[c].net = other->net;
        other->net = NULL;
        bundle_release(other);
    }
    return bundle;
}

/* The same pool, and everybody has that net. */
static struct bundle *bundle_of_net(uint64_t seed, uint32_t c)
{
    struct bundle *clustered = clustered_bundle(seed), *plain = test_bundle_new(seed, 16);
    struct predictor **net = &clustered->clusters->cluster[c].net;
    if (*net) {
        predictor_free(plain->net);
        plain->net = *net;
        *net = NULL;
    }
    bundle_release(clustered);
    return plain;
}

static struct stream_params quick_params(void)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    params.cluster_min_sessions = 3;
    params.cluster_recheck_sessions = 2;
    return params;
}

/* Rows from .. to - 1 of log through a pipeline of its own. */
static uint64_t serve(const struct test_log *log, struct bundle *bundle, size_t batch,
                      struct state_store *store, size_t from, size_t to, struct capture *capture)
{
    const struct stream_params params = quick_params();
    struct pipeline_sink sink = capture_sink(capture);
    struct pipeline *pipeline = pipeline_new(&params, &sink, batch, NULL);
    assert_non_null(pipeline);
    assert_int_equal(pipeline_set_bundle(pipeline, bundle, NULL), 0);
    push_rows(pipeline, &store, 1, log, from, to);
    assert_int_equal(pipeline_flush(pipeline, NULL), 0);
    uint64_t moves = pipeline_counts(pipeline)->cluster_moves;
    pipeline_free(pipeline);
    return moves;
}

static struct state_store *new_store(void)
{
    const struct stream_params params = quick_params();
    struct state_store *store = state_store_new(&params, 0, NULL);
    assert_non_null(store);
    return store;
}

static void run_whole(const struct test_log *log, struct bundle *bundle, size_t batch,
                      struct capture *capture, uint64_t *moves)
{
    struct state_store *store = new_store();
    *moves = serve(log, bundle, batch, store, 0, log->count, capture);
    state_store_free(store);
}

static void assert_same_members(const struct capture *got, const struct capture *expected)
{
    assert_int_equal(got->predictions, expected->predictions);
    for (size_t i = 0; i < got->predictions; i++) {
        const struct prediction *a = &got->prediction[i].prediction;
        const struct prediction *b = &expected->prediction[i].prediction;
        if (a->cluster != b->cluster)
            fail_msg("prediction %zu, %s session %u: cluster %d, expected %d", i, a->user_id,
                     a->session, a->cluster, b->cluster);
    }
}

static void test_membership_batch_changes_nothing(void **state)
{
    static const size_t batches[] = {1, 7, 64, 4096};
    const struct test_log *log = *state;
    struct bundle *bundle = clustered_bundle(1);
    struct capture expected = {0};
    uint64_t moves, again;
    run_whole(log, bundle, 256, &expected, &moves);
    assert_true(moves > USERS / 2);
    for (size_t i = 0; i < COUNT(batches); i++) {
        struct capture got = {0};
        run_whole(log, bundle, batches[i], &got, &again);
        assert_int_equal(again, moves);
        assert_same_members(&got, &expected);
        assert_same_predictions(&got, &expected);
        capture_release(&got);
    }
    capture_release(&expected);
    bundle_release(bundle);
}

/* Whoever is in a cluster is told what a bundle of that cluster's net alone tells them. */
static void test_membership_the_clusters_net_serves(void **state)
{
    const struct test_log *log = *state;
    struct bundle *bundle = clustered_bundle(1);
    struct capture got = {0}, alone[K + 1] = {0};
    size_t in[K + 1] = {0};
    uint64_t moves;
    run_whole(log, bundle, 256, &got, &moves);
    for (uint32_t c = 0; c <= K; c++) { /* K: the global net, as cluster 1's is */
        struct bundle *plain = bundle_of_net(1, c < K ? c : 1);
        run_whole(log, plain, 256, &alone[c], &moves);
        assert_int_equal(moves, 0);
        bundle_release(plain);
    }
    for (size_t i = 0; i < got.predictions; i++) {
        const struct prediction *p = &got.prediction[i].prediction;
        uint32_t c = p->cluster >= 0 ? (uint32_t)p->cluster : K;
        const struct prediction *q = &alone[c].prediction[i].prediction;
        in[c]++;
        for (int k = 0; k < QUANTILES; k++)
            if (!(fabs(p->total_s[k] - q->total_s[k]) <= 1e-5 * fmax(1, q->total_s[k])))
                fail_msg("%s session %u in cluster %d: %.9g, its net says %.9g", p->user_id,
                         p->session, p->cluster, p->total_s[k], q->total_s[k]);
    }
    for (uint32_t c = 0; c <= K; c++) {
        assert_true(in[c] > 100);
        capture_release(&alone[c]);
    }
    capture_release(&got);
    bundle_release(bundle);
}

/* Out of one store, as the changelog carries it, and into another. */
static struct state_store *restarted(struct state_store *from)
{
    struct state_store *to = new_store();
    size_t cursor = 0;
    for (struct user_slot *slot; (slot = state_store_next(from, &cursor));)
        carry_user(to, from, (struct slice){slot->state.user_id, slot->state.user_id_size});
    state_store_free(from);
    return to;
}

static void test_membership_restart_changes_nothing(void **state)
{
    static const size_t stops[] = {1, 900, 4000, 7777, 11000, ROWS};
    const struct test_log *log = *state;
    struct bundle *bundle = clustered_bundle(1);
    struct capture never = {0}, often = {0};
    uint64_t moves, sum = 0;
    run_whole(log, bundle, 256, &never, &moves);
    struct state_store *store = new_store();
    for (size_t s = 0, at = 0; s < COUNT(stops); at = stops[s++]) {
        sum += serve(log, bundle, 64, store, at, stops[s], &often);
        store = restarted(store);
    }
    assert_int_equal(sum, moves);
    assert_same_members(&often, &never);
    assert_near_predictions(&often, &never, 0);
    state_store_free(store);
    capture_release(&never);
    capture_release(&often);
    bundle_release(bundle);
}

/* From the swap on everybody is in a cluster of the new bundle, and told what its nets say. */
static void test_membership_bundle_swap(void **state)
{
    const struct test_log *log = *state;
    const size_t swap = log->count * 2 / 3;
    struct bundle *first = clustered_bundle(1), *second = clustered_bundle(2);
    const struct stream_params params = quick_params();
    struct capture got = {0}, alone[K + 1] = {0};
    struct pipeline_sink sink = capture_sink(&got);
    struct pipeline *pipeline = pipeline_new(&params, &sink, 256, NULL);
    struct state_store *store = new_store();
    assert_non_null(pipeline);
    assert_int_equal(pipeline_set_bundle(pipeline, first, NULL), 0);
    push_rows(pipeline, &store, 1, log, 0, swap);
    assert_int_equal(pipeline_set_bundle(pipeline, second, NULL), 0);
    const size_t before = got.predictions;
    uint64_t moves = pipeline_counts(pipeline)->cluster_moves;
    push_rows(pipeline, &store, 1, log, swap, log->count);
    assert_int_equal(pipeline_flush(pipeline, NULL), 0);
    assert_true(pipeline_counts(pipeline)->cluster_moves >= moves + USERS / 2);
    pipeline_free(pipeline);
    for (uint32_t c = 0; c <= K; c++) {
        struct bundle *plain = bundle_of_net(2, c < K ? c : 1);
        run_whole(log, plain, 256, &alone[c], &moves);
        bundle_release(plain);
    }
    for (size_t i = before; i < got.predictions; i++) {
        const struct prediction *p = &got.prediction[i].prediction;
        uint32_t c = p->cluster >= 0 ? (uint32_t)p->cluster : K;
        const struct prediction *q = &alone[c].prediction[i].prediction;
        for (int k = 0; k < QUANTILES; k++)
            if (!(fabs(p->total_s[k] - q->total_s[k]) <= 1e-5 * fmax(1, q->total_s[k])))
                fail_msg("%s session %u in cluster %d: %.9g, its net says %.9g", p->user_id,
                         p->session, p->cluster, p->total_s[k], q->total_s[k]);
    }
    for (uint32_t c = 0; c <= K; c++)
        capture_release(&alone[c]);
    capture_release(&got);
    state_store_free(store);
    bundle_release(first);
    bundle_release(second);
}

static int make_log(void **state)
{
    static struct test_log log;
    test_log_init(&log);
    test_log_synth(&log, 5, USERS, ROWS);
    *state = &log;
    return 0;
}

static int drop_log(void **state)
{
    test_log_release(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_membership_rule),
        cmocka_unit_test(test_membership_never_looked_at_again),
        cmocka_unit_test(test_membership_batch_changes_nothing),
        cmocka_unit_test(test_membership_the_clusters_net_serves),
        cmocka_unit_test(test_membership_restart_changes_nothing),
        cmocka_unit_test(test_membership_bundle_swap),
    };
    return cmocka_run_group_tests(tests, make_log, drop_log);
}
