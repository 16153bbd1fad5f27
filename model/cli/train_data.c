#include "cli/train_data.h"

#include <stdlib.h>
#include <string.h>

#include "stream/pipeline.h"
#include "stream/pool.h"

#define BATCH_ROWS     256
#define PROGRESS_EVERY 4096

/* One pass of the log through a pipeline. */
struct pass {
    const char *what;
    struct pipeline_sink sink;
    const int64_t *pool_ms; /* of the kernel KM, for predictions without a net; or NULL */
    struct bundle *bundle;  /* the net; or NULL */
    bool quiet;
};

static int push_all(const struct train_source *source, struct pipeline *pipeline,
                    struct state_store *store, struct progress *progress, struct err *err)
{
    double rows = (double)log_counts(source->log).rows;
    struct scrobble scrobble;
    uint64_t done = 0;
    int more;
    while ((more = log_next(source->log, &scrobble, err)) > 0) {
        enum outcome outcome;
        if (pipeline_push(pipeline, store, &scrobble, &outcome, err) < 0)
            return -1;
        if (++done % PROGRESS_EVERY == 0)
            progress_update(progress, done, (double)done / rows, "%s", "");
        if (*source->interrupted)
            return err_set(err, ERR_CANCELLED, "interrupted before there was anything to keep");
    }
    return more;
}

static int run_pass(const struct train_source *source, const struct pass *pass, struct err *err)
{
    int result = -1;
    struct progress progress;
    progress_begin(&progress, pass->what, "scrobbles", pass->quiet);
    struct pipeline *pipeline = pipeline_new(&source->params, &pass->sink, BATCH_ROWS, err);
    struct state_store *store = pipeline ? state_store_new(&source->params, 0, err) : NULL;
    if (!store || log_rewind(source->log, err) < 0)
        goto out;
    if (pass->pool_ms && pipeline_set_pool(pipeline, pass->pool_ms, err) < 0)
        goto out;
    if (pass->bundle && pipeline_set_bundle(pipeline, pass->bundle, err) < 0)
        goto out;
    if (push_all(source, pipeline, store, &progress, err) == 0 &&
        pipeline_end(pipeline, store, err) == 0)
        result = pipeline_flush(pipeline, err);
out:
    progress_end(&progress);
    state_store_free(store);
    pipeline_free(pipeline);
    return result;
}

static int note_session(void *ctx, const struct session *session, uint32_t partition,
                        uint32_t user_index, struct err *err)
{
    (void)partition;
    return session_lengths_note(ctx, user_index, session, err);
}

/* The pool of those not held out: the others have no sessions in it. */
static int make_pool(struct train_data *data, struct hold_out out, struct err *err)
{
    struct session_lengths some = data->lengths;
    some.user = calloc(some.users + 1, sizeof *some.user);
    if (!some.user)
        return err_set(err, ERR_MEMORY, "out of memory for the lengths of %zu users", some.users);
    for (size_t u = 0; u < some.users; u++)
        if (!is_held_out(out, u))
            some.user[u] = data->lengths.user[u];
    int result = pool_make(&some, data->pool_ms, err);
    free(some.user);
    return result;
}

static int make_set(struct train_data *data, struct hold_out out, struct err *err)
{
    data->set.user = calloc(data->rows.set.users + 1, sizeof *data->set.user);
    if (!data->set.user)
        return err_set(err, ERR_MEMORY, "out of memory for the rows of %zu users",
                       data->rows.set.users);
    for (size_t u = 0; u < data->rows.set.users; u++)
        if (!is_held_out(out, u))
            data->set.user[data->set.users++] = data->rows.set.user[u];
    return 0;
}

int train_data_make(const struct train_source *source, struct hold_out out, uint64_t seed,
                    struct train_data *data, struct err *err)
{
    memset(data, 0, sizeof *data);
    const struct pass sessions = {.what = "finding sessions",
                                  .sink = {.ctx = &data->lengths, .session = note_session},
                                  .quiet = source->quiet};
    const struct pass rows = {.what = "making rows",
                              .sink = {.ctx = &data->rows, .prediction = training_rows_take},
                              .pool_ms = data->pool_ms,
                              .quiet = source->quiet};
    if (run_pass(source, &sessions, err) == 0 && make_pool(data, out, err) == 0 &&
        training_rows_init(&data->rows, &data->lengths, seed, err) == 0 &&
        run_pass(source, &rows, err) == 0 && make_set(data, out, err) == 0)
        return 0;
    train_data_release(data);
    return -1;
}

void train_data_release(struct train_data *data)
{
    free(data->set.user);
    training_rows_release(&data->rows);
    session_lengths_release(&data->lengths);
    memset(data, 0, sizeof *data);
}

struct bundle train_bundle(const struct train_source *source, const struct train_data *data,
                           struct predictor *net)
{
    struct bundle bundle = {
        .gap_ms = source->params.gap_ms, .window = source->params.window, .net = net, .holders = 1};
    memcpy(bundle.pool_ms, data->pool_ms, sizeof bundle.pool_ms);
    return bundle;
}

struct scores *train_score(const struct train_source *source, const struct train_data *data,
                           struct predictor *net, struct bundle_clusters *clusters, bool quiet,
                           struct err *err)
{
    struct bundle bundle = train_bundle(source, data, net);
    bundle.clusters = clusters;
    struct scores *scores = scores_new(1, data->pool_ms, err);
    const struct pass pass = {
        .what = "scoring",
        .sink = {scores, scores_take_prediction, scores_take_session},
        .bundle = &bundle,
        .quiet = quiet,
    };
    if (!scores || run_pass(source, &pass, err) == 0)
        return scores;
    scores_free(scores);
    return NULL;
}
