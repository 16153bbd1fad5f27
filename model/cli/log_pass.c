#include "cli/log_pass.h"

#include "cli/progress.h"

#define BATCH_ROWS     256
#define PROGRESS_EVERY 4096

static int push_all(struct log *log, const struct log_pass *pass, struct pipeline *pipeline,
                    struct state_store *store, struct progress *progress, struct err *err)
{
    double rows = (double)log_counts(log).rows;
    struct scrobble scrobble;
    uint64_t done = 0;
    int more;
    while ((more = log_next(log, &scrobble, err)) > 0) {
        enum outcome outcome;
        if (pipeline_push(pipeline, store, &scrobble, &outcome, err) < 0)
            return -1;
        if (++done % PROGRESS_EVERY == 0)
            progress_update(progress, done, (double)done / rows, "%s", "");
        if (pass->interrupted && *pass->interrupted)
            return err_set(err, ERR_CANCELLED, "interrupted before there was anything to keep");
    }
    return more;
}

int log_pass_run(struct log *log, const struct log_pass *pass, struct err *err)
{
    int result = -1;
    struct progress progress;
    progress_begin(&progress, pass->what, "scrobbles", pass->quiet);
    struct pipeline *pipeline = pipeline_new(&pass->params, &pass->sink, BATCH_ROWS, err);
    struct state_store *store = pipeline ? state_store_new(&pass->params, 0, err) : NULL;
    if (!store || log_rewind(log, err) < 0)
        goto out;
    if (pipeline_set_holidays(pipeline, pass->holidays, err) < 0 ||
        (pass->pool_ms && pipeline_set_pool(pipeline, pass->pool_ms, pass->panel, err) < 0))
        goto out;
    if (pass->bundle && pipeline_set_bundle(pipeline, pass->bundle, err) < 0)
        goto out;
    if (push_all(log, pass, pipeline, store, &progress, err) == 0 &&
        pipeline_end(pipeline, store, err) == 0)
        result = pipeline_flush(pipeline, err);
    if (result == 0 && pass->end)
        result = pass->end(pass->end_ctx, store, err);
out:
    progress_end(&progress);
    state_store_free(store);
    pipeline_free(pipeline);
    return result;
}
