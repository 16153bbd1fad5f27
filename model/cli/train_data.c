#include "cli/train_data.h"

#include <stdlib.h>
#include <string.h>

#include "cli/log_pass.h"
#include "stream/pool.h"

static struct log_pass pass_of(const struct train_source *source, const char *what)
{
    return (struct log_pass){.what = what,
                             .params = source->params,
                             .holidays = source->holidays,
                             .quiet = source->quiet,
                             .interrupted = source->interrupted};
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
    data->set.panel = data->rows.set.panel;
    data->set.user = calloc(data->rows.set.users + 1, sizeof *data->set.user);
    if (!data->set.user)
        return err_set(err, ERR_MEMORY, "out of memory for the rows of %zu users",
                       data->rows.set.users);
    for (size_t u = 0; u < data->rows.set.users; u++)
        if (!is_held_out(out, u))
            data->set.user[data->set.users++] = data->rows.set.user[u];
    return 0;
}

int train_data_make(const struct train_source *source, struct hold_out out, uint32_t panel,
                    uint64_t seed, struct train_data *data, struct err *err)
{
    memset(data, 0, sizeof *data);
    struct log_pass sessions = pass_of(source, "finding sessions");
    sessions.sink = (struct pipeline_sink){.ctx = &data->lengths, .session = note_session};
    struct log_pass rows = pass_of(source, "making rows");
    rows.sink = (struct pipeline_sink){.ctx = &data->rows, .prediction = training_rows_take};
    rows.pool_ms = data->pool_ms;
    rows.panel = panel;
    if (log_pass_run(source->log, &sessions, err) == 0 && make_pool(data, out, err) == 0 &&
        training_rows_init(&data->rows, &data->lengths, panel, seed, err) == 0 &&
        log_pass_run(source->log, &rows, err) == 0 && make_set(data, out, err) == 0)
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
    struct log_pass pass = pass_of(source, "scoring");
    pass.sink = (struct pipeline_sink){scores, scores_take_prediction, scores_take_session};
    pass.bundle = &bundle;
    pass.quiet = quiet;
    if (!scores || log_pass_run(source->log, &pass, err) == 0)
        return scores;
    scores_free(scores);
    return NULL;
}
