/* bench_pipeline - scrobble JSON in memory to prediction JSON in memory on one core: decode,
 * sessionize, features, kernel KM, net (hidden 32), encode. Every user has a full history (a ring
 * of 256 sessions) before the clock starts, so that each session start costs what it costs in the
 * long run. Plain; in transactions of 25,000 events; with their changes encoded for the changelog
 * as well; and with a bundle of 64 clusters, each with a net of its own, its users by turns. Each
 * of these beside the plain one, in turns of 25,000 events, so that a busy machine slows both.
 * Usage: bench_pipeline [EVENTS [USERS ...]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "core/hash.h"
#include "data/record_json.h"
#include "data/scrobble_json.h"
#include "data/synth.h"
#include "stream/changelog.h"
#include "stream/pipeline.h"

#define ROWS          512 /* of a micro-batch, as in the daemon */
#define LINE_BYTES    512
#define HISTORY_ROWS  8000
#define DAY_MS        INT64_C(86400000)
#define HISTORY_START (INT64_C(15000) * DAY_MS)
#define EVENTS_START  (INT64_C(17000) * DAY_MS)

struct output {
    char line[RECORD_JSON_MAX];
    uint64_t bytes, predictions, sessions;
};

static void die(const char *what, const struct err *err)
{
    fprintf(stderr, "bench_pipeline: %s: %s\n", what, err->text);
    exit(1);
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int write_prediction(void *ctx, const struct prediction *prediction,
                            const struct prediction_detail *detail, struct err *err)
{
    struct output *output = ctx;
    (void)detail;
    (void)err;
    output->bytes += prediction_to_json(prediction, output->line, sizeof output->line);
    output->predictions++;
    return 0;
}

static int write_session(void *ctx, const struct session *session, uint32_t partition,
                         uint32_t user_index, struct err *err)
{
    struct output *output = ctx;
    (void)partition;
    (void)user_index;
    (void)err;
    output->bytes += session_to_json(session, output->line, sizeof output->line);
    output->sessions++;
    return 0;
}

#define CLUSTERS 64

/* A net for each; nobody is listed, give_histories() puts everybody where they belong. */
static struct bundle_clusters *make_clusters(const struct net_spec *spec, struct err *err)
{
    struct bundle_clusters *clusters = calloc(1, sizeof *clusters);
    if (!clusters || !(clusters->cluster = calloc(CLUSTERS, sizeof *clusters->cluster)))
        die("no memory", err);
    struct clustering *of = &clusters->of;
    *of = (struct clustering){
        .method = CLUSTER_KMEANS, .k = CLUSTERS, .columns = 1, .column = {COLUMN_AVERAGE_LENGTH}};
    if (clustering_init(of, err) < 0)
        die("clusters", err);
    of->scale[0] = 1;
    for (uint32_t c = 0; c < CLUSTERS; c++) {
        of->centroids[c] = 100 * c;
        snprintf(clusters->cluster[c].why, sizeof clusters->cluster[c].why, "a benchmark");
        if (!(clusters->cluster[c].net = predictor_new(spec, 2 + c, err)))
            die("no net", err);
    }
    if (clustering_finish(of, err) < 0)
        die("clusters", err);
    return clusters;
}

/* A bundle as training makes it, but for what the weights have learned: that costs the same. */
static struct bundle *make_bundle(bool clustered, struct err *err)
{
    char folder[] = "/tmp/bench_pipeline-XXXXXX", path[64];
    const struct net_spec spec = PREDICTOR_SPEC(32, 64);
    struct bundle bundle = {.gap_ms = 1800000, .window = 256};
    if (clustered)
        bundle.clusters = make_clusters(&spec, err);
    for (int i = 0; i < POOL_VALUES; i++)
        bundle.pool_ms[i] = i * INT64_C(30000);
    bundle.net = predictor_new(&spec, 1, err);
    if (!bundle.net || !mkdtemp(folder))
        die("no net", err);
    snprintf(path, sizeof path, "%s/bundle", folder);
    if (bundle_save(path, &bundle, "2026-01-01T00:00:00Z", NULL, err) < 0)
        die("saving", err);
    struct bundle *loaded = bundle_load(path, err);
    if (!loaded)
        die("loading", err);
    predictor_free(bundle.net);
    if (clustered)
        bundle_clusters_release(bundle.clusters);
    free(bundle.clusters);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    if (system(command) != 0)
        fprintf(stderr, "bench_pipeline: %s is left behind\n", folder);
    return loaded;
}

static struct synth *invent(uint64_t rows, uint32_t users, int64_t start_ms, struct err *err)
{
    struct synth_options options = {.seed = 5, .rows = rows, .users = users, .start = {start_ms}};
    struct synth *synth = synth_new(&options, err);
    if (!synth)
        die("inventing scrobbles", err);
    return synth;
}

/* Gives every user of store the history of one who has been there for years. */
static void give_histories(struct pipeline *pipeline, struct state_store *store,
                           const struct stream_params *params, uint32_t users,
                           const struct bundle_clusters *clusters, struct err *err)
{
    struct state_store *template_store = state_store_new(params, 0, err);
    struct synth *synth = invent(HISTORY_ROWS, 1, HISTORY_START, err);
    struct scrobble scrobble;
    enum outcome outcome;
    while (synth_next(synth, &scrobble) > 0)
        if (pipeline_push(pipeline, template_store, &scrobble, &outcome, err) < 0)
            die("history", err);
    if (pipeline_end(pipeline, template_store, err) < 0)
        die("history", err);
    synth_free(synth);
    synth = invent(1, users, EVENTS_START, err); /* its user ids */
    const struct user_slot *from = state_store_slot(template_store, 0);
    size_t offset = offsetof(struct user_state, user_id_size);
    if (state_store_adopt(store, 2, 32, 64, err) <
        0) /* the pipeline's generation: pool, then bundle */
        die("history", err);
    for (uint32_t u = 0; u < users; u++) {
        struct profile profile;
        synth_profile(synth, u, &profile);
        struct slice id = {profile.user_id, strlen(profile.user_id)};
        struct user_slot *slot = state_store_at(store, id);
        if (!slot)
            die("history", err);
        uint8_t size = slot->state.user_id_size;
        memcpy((char *)&slot->state + offset, (const char *)&from->state + offset,
               state_store_layout(store)->size_bytes - offset);
        slot->state.user_id_size = size;
        slot->state.cluster = clusters ? (uint16_t)(u % CLUSTERS + 1) : 0;
        slot->state.clustering = clusters ? clusters->id : 0;
        slot->hidden_valid = from->hidden_valid;
        slot->hidden_through = from->hidden_through;
        memcpy(state_store_hidden(store, u), state_store_hidden(template_store, 0),
               32 * sizeof(float));
    }
    synth_free(synth);
    state_store_free(template_store);
}

/* Fixed-width lines, so that finding the next one costs nothing. */
static char *make_lines(uint64_t events, uint32_t users, struct err *err)
{
    char *lines = calloc(events, LINE_BYTES);
    struct synth *synth = invent(events, users, EVENTS_START, err);
    struct scrobble scrobble;
    if (!lines)
        die("lines", err);
    for (uint64_t e = 0; e < events && synth_next(synth, &scrobble) > 0; e++) {
        char *line = lines + e * LINE_BYTES;
        size_t size = scrobble_to_json(&scrobble, line + 2, LINE_BYTES - 2);
        if (size == (size_t)-1)
            die("a scrobble of over 510 bytes", err);
        line[0] = (char)(size & 0xff);
        line[1] = (char)(size >> 8);
    }
    synth_free(synth);
    return lines;
}

/* ---- one way of running it ---- */

enum mode { MODE_PLAIN, MODE_TRANSACTIONS, MODE_CHANGELOG, MODE_CLUSTERS, MODES };
static const char *const mode_names[MODES] = {
    "plain", "in transactions", "in transactions, with their changelog", "64 clusters"};

#define TURN_EVENTS 25000 /* and those of a transaction */

struct changelog {
    const struct user_layout *layout;
    void *value; /* one */
    uint64_t records, bytes;
};

struct bench {
    enum mode mode;
    struct stream_params params;
    struct pipeline *pipeline;
    struct state_store *store;
    struct scrobble_scratch *scratch;
    struct changelog changelog;
    struct output output;
    double seconds; /* CPU time */
};

static int encode_change(void *ctx, const struct user_state *user, bool history, struct err *err)
{
    struct changelog *changelog = ctx;
    (void)err;
    changelog->bytes += changelog_encode_open(changelog->layout, user, changelog->value);
    if (history)
        changelog->bytes += changelog_encode_history(changelog->layout, user, changelog->value);
    changelog->records += 1 + history;
    return 0;
}

static void begin(struct bench *bench, enum mode mode, struct bundle *bundle, uint32_t users)
{
    struct err err = {0};
    *bench = (struct bench){.mode = mode, .params = STREAM_PARAMS_DEFAULTS};
    bench->params.cluster_recheck_sessions = 0; /* lives alike would all end up in one */
    const struct pipeline_sink sink = {
        .ctx = &bench->output, .prediction = write_prediction, .session = write_session};
    bench->pipeline = pipeline_new(&bench->params, &sink, ROWS, &err);
    bench->store = state_store_new(&bench->params, 0, &err);
    bench->scratch = scrobble_scratch_new();
    if (!bench->pipeline || !bench->store || !bench->scratch ||
        pipeline_set_pool(bench->pipeline, bundle->pool_ms, 0, &err) < 0 ||
        pipeline_set_bundle(bench->pipeline, bundle, &err) < 0)
        die("pipeline", &err);
    bench->changelog.layout = state_store_layout(bench->store);
    bench->changelog.value = malloc(changelog_value_max(bench->changelog.layout));
    if (!bench->changelog.value)
        die("changelog", &err);
    give_histories(bench->pipeline, bench->store, &bench->params, users, bundle->clusters, &err);
    bench->output = (struct output){.bytes = 0};
}

static void end(struct bench *bench)
{
    free(bench->changelog.value);
    scrobble_scratch_free(bench->scratch);
    state_store_free(bench->store);
    pipeline_free(bench->pipeline);
}

static void end_transaction(struct bench *bench, struct err *err)
{
    if (pipeline_flush(bench->pipeline, err) < 0)
        die("flush", err);
    if (bench->mode == MODE_CHANGELOG &&
        state_store_changes(bench->store, encode_change, &bench->changelog, err) < 0)
        die("changelog", err);
    if (state_store_in_transaction(bench->store))
        state_store_commit(bench->store);
}

static void take_turn(struct bench *bench, const char *lines, uint64_t count)
{
    struct err err = {0};
    double begun = cpu_s();
    if (bench->mode == MODE_TRANSACTIONS || bench->mode == MODE_CHANGELOG)
        state_store_begin(bench->store);
    for (uint64_t e = 0; e < count; e++) {
        struct scrobble scrobble;
        enum outcome outcome;
        const unsigned char *line = (const unsigned char *)lines + e * LINE_BYTES;
        size_t size = line[0] | (size_t)line[1] << 8;
        if (scrobble_from_json((const char *)line + 2, size, bench->scratch, &scrobble, &err) !=
                REJECT_NONE ||
            pipeline_push(bench->pipeline, bench->store, &scrobble, &outcome, &err) < 0)
            die("event", &err);
    }
    end_transaction(bench, &err);
    bench->seconds += cpu_s() - begun;
}

/* ---- a way beside the plain one ---- */

static void put(const struct bench *bench, const struct bench *plain, uint64_t events,
                uint32_t users)
{
    printf("%-38s %8.0f events/s, %.3f us an event, %.2f times the plain one's\n"
           "%-38s %llu predictions, %llu sessions closed, %.0f bytes out an event; state: %.0f "
           "bytes a user\n",
           mode_names[bench->mode], (double)events / bench->seconds,
           1e6 * bench->seconds / (double)events, bench->seconds / plain->seconds, "",
           (unsigned long long)bench->output.predictions,
           (unsigned long long)bench->output.sessions, (double)bench->output.bytes / (double)events,
           (double)state_store_bytes(bench->store) / users);
    if (bench->mode == MODE_CHANGELOG)
        printf("%-38s changelog: %.2f records and %.0f bytes an event\n", "",
               (double)bench->changelog.records / (double)events,
               (double)bench->changelog.bytes / (double)events);
}

static void run(enum mode mode, struct bundle *bundle, struct bundle *plain_bundle,
                const char *lines, uint64_t events, uint32_t users)
{
    struct bench plain, other;
    begin(&plain, MODE_PLAIN, plain_bundle, users);
    begin(&other, mode, bundle, users);
    for (uint64_t e = 0; e < events; e += TURN_EVENTS) {
        uint64_t count = events - e < TURN_EVENTS ? events - e : TURN_EVENTS;
        bool first = e / TURN_EVENTS % 2 == 0; /* so that neither always finds a warmer cache */
        take_turn(first ? &plain : &other, lines + e * LINE_BYTES, count);
        take_turn(first ? &other : &plain, lines + e * LINE_BYTES, count);
    }
    put(&plain, &plain, events, users);
    put(&other, &plain, events, users);
    fflush(stdout);
    end(&plain);
    end(&other);
}

int main(int argc, char **argv)
{
    static const uint32_t usual[] = {10000, 100000, 1000000};
    uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
    struct err err = {0};
    if (events == 0) {
        fprintf(stderr, "usage: bench_pipeline [EVENTS [USERS ...]]\n");
        return 2;
    }
    struct bundle *global = make_bundle(false, &err), *clustered = make_bundle(true, &err);
    size_t sizes = argc > 2 ? (size_t)argc - 2 : sizeof usual / sizeof *usual;
    for (size_t i = 0; i < sizes; i++) {
        uint32_t users = argc > 2 ? (uint32_t)strtoul(argv[i + 2], NULL, 10) : usual[i];
        char *lines = make_lines(events, users, &err);
        printf("%u users, %llu events, one core, CPU time\n", users, (unsigned long long)events);
        for (int mode = MODE_PLAIN + 1; mode < MODES; mode++)
            run((enum mode)mode, mode == MODE_CLUSTERS ? clustered : global, global, lines, events,
                users);
        free(lines);
    }
    bundle_release(global);
    bundle_release(clustered);
    return 0;
}
