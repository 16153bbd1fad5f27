/* outro train: a log to a bundle that serves. Two passes over the log (sessions; rows), the
 * trainer, the bundle. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bundle/bundle.h"
#include "cli/commands.h"
#include "cli/open_log.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "data/durations.h"
#include "data/profiles.h"
#include "nn/trainer.h"
#include "stream/pipeline.h"
#include "stream/pool.h"
#include "stream/training_rows.h"

#define BATCH_ROWS     256
#define PROGRESS_EVERY 4096

struct train {
    const char *log_path, *profiles_path, *durations_path, *out_path;
    uint64_t seed, epochs, hidden, threads;
    double gap_s;
    bool strict, quiet;

    struct stream_params params;
    struct session_lengths lengths;
    struct training_rows rows;
    int64_t pool_ms[POOL_VALUES];
    struct progress progress;
    uint64_t scrobbles;
};

/* Ctrl-C keeps the best weights so far: the trainer asks after every step. */
static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static int note_session(void *ctx, const struct session *session, uint32_t partition,
                        uint32_t user_index, struct err *err)
{
    (void)partition;
    return session_lengths_note(ctx, user_index, session, err);
}

/* Runs the whole log through a pipeline with sink; predictions are made when there is a pool. */
static int run_log(struct train *train, struct log *log, const struct pipeline_sink *sink,
                   const int64_t *pool_ms, const char *what, struct err *err)
{
    int result = -1;
    uint64_t rows = log_counts(log).rows;
    struct pipeline *pipeline = pipeline_new(&train->params, sink, BATCH_ROWS, err);
    struct state_store *store = pipeline ? state_store_new(&train->params, 0, err) : NULL;
    if (!store || log_rewind(log, err) < 0)
        goto out;
    if (pool_ms && pipeline_set_pool(pipeline, pool_ms, err) < 0)
        goto out;
    progress_begin(&train->progress, what, "scrobbles", train->quiet);
    struct scrobble scrobble;
    int more;
    uint64_t done = 0;
    while ((more = log_next(log, &scrobble, err)) > 0) {
        enum outcome outcome;
        if (pipeline_push(pipeline, store, &scrobble, &outcome, err) < 0)
            goto out;
        if (++done % PROGRESS_EVERY == 0)
            progress_update(&train->progress, done, (double)done / (double)rows, "%s", "");
        if (interrupted) {
            err_set(err, ERR_CANCELLED, "interrupted before there was anything to keep");
            goto out;
        }
    }
    if (more < 0 || pipeline_end(pipeline, store, err) < 0)
        goto out;
    train->scrobbles = done;
    result = 0;
out:
    progress_end(&train->progress);
    state_store_free(store);
    pipeline_free(pipeline);
    return result;
}

/* How good a net is; a small log may have nothing to say so by. */
static const char *validated(double ratio, char out[80])
{
    if (isnan(ratio))
        return "validation says nothing";
    snprintf(out, 80, "validation %.4f of the kernel KM's pinball", ratio);
    return out;
}

static bool show_epoch(void *ctx, const struct trainer_progress *p)
{
    struct train *train = ctx;
    double done = ((double)p->epoch - 1) + (double)p->step / p->steps;
    progress_update(&train->progress, p->rows, done / p->epochs,
                    "epoch %u/%u  loss %.5f  lr %.1e  best validation %.4f", p->epoch, p->epochs,
                    p->loss, p->learning_rate, p->best_validation);
    return !interrupted;
}

static struct predictor *train_net(struct train *train, struct trainer_report *report,
                                   struct err *err)
{
    struct trainer_options options = TRAINER_DEFAULTS;
    options.seed = train->seed;
    options.epochs = (uint32_t)train->epochs;
    options.spec = PREDICTOR_SPEC((uint32_t)train->hidden, 64);
    options.threads = (uint32_t)train->threads;
    progress_begin(&train->progress, "training", "rows", train->quiet);
    struct predictor *net = trainer_run(&train->rows.set, &options, show_epoch, train, report, err);
    double seconds = progress_end(&train->progress);
    char text[80];
    if (net && !train->quiet)
        fprintf(stderr,
                "outro train: %llu training and %llu validation rows, %.1f s; best epoch %u of %u, "
                "%s\n",
                (unsigned long long)report->training_rows,
                (unsigned long long)report->validation_rows, seconds, report->best_epoch,
                options.epochs, validated(report->best_validation, text));
    return net;
}

static int save(const struct train *train, struct predictor *net,
                const struct trainer_report *report, struct err *err)
{
    struct bundle bundle = {
        .gap_ms = train->params.gap_ms,
        .window = train->params.window,
        .net = net,
        .scores = 3,
        .score = {{"training.loss", report->training_loss},
                  {"validation.pinball_ratio", report->best_validation},
                  {"training.best_epoch", report->best_epoch}},
    };
    memcpy(bundle.pool_ms, train->pool_ms, sizeof bundle.pool_ms);
    char created[32], version[BUNDLE_VERSION_MAX + 1];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (bundle_save(train->out_path, &bundle, created, version, err) < 0)
        return -1;
    printf("%s\t%s\n", train->out_path, version);
    return 0;
}

static int learn(struct train *train, struct log *log, struct err *err)
{
    int result = -1;
    struct trainer_report report;
    struct predictor *net = NULL;
    const struct pipeline_sink sessions = {.ctx = &train->lengths, .session = note_session};
    const struct pipeline_sink rows = {.ctx = &train->rows, .prediction = training_rows_take};
    if (run_log(train, log, &sessions, NULL, "finding sessions", err) < 0 ||
        pool_make(&train->lengths, train->pool_ms, err) < 0 ||
        training_rows_init(&train->rows, &train->lengths, train->seed, err) < 0)
        return -1;
    if (run_log(train, log, &rows, train->pool_ms, "making rows", err) < 0)
        goto out;
    net = train_net(train, &report, err);
    if (net)
        result = save(train, net, &report, err);
out:
    predictor_free(net);
    training_rows_release(&train->rows);
    return result;
}

static int run(struct train *train, struct err *err)
{
    int result = -1;
    struct durations *durations = NULL;
    struct profiles *profiles = NULL;
    struct log *log = NULL;
    if (bundle_can_save(train->out_path, err) < 0)
        return -1;
    /* No feature comes from a profile yet; a file that cannot be read is still an error, not a
     * surprise later. */
    if (train->profiles_path && !(profiles = profiles_load(train->profiles_path, err)))
        goto out;
    if (train->durations_path && !(durations = durations_load(train->durations_path, err)))
        goto out;
    const struct log_options options = {.strict = train->strict, .durations = durations};
    log = open_log(train->log_path, &options, train->quiet, err);
    /* Only from here on is there something that asks for it; until then Ctrl-C ends the process. */
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    if (log)
        result = learn(train, log, err);
out:
    log_free(log);
    durations_free(durations);
    profiles_free(profiles);
    session_lengths_release(&train->lengths);
    return result;
}

int cmd_train(int argc, char **argv)
{
    struct train train = {.seed = 1,
                          .epochs = 12,
                          .hidden = 32,
                          .threads = 2,
                          .gap_s = 1800,
                          .params = STREAM_PARAMS_DEFAULTS};
    const struct option_row rows[] = {
        {"out", "BUNDLE", OPTION_TEXT, &train.out_path, 0, 0, "directory to publish the bundle as"},
        {"profiles", "FILE", OPTION_TEXT, &train.profiles_path, 0, 0,
         "user profiles in the Last.fm-1K form"},
        OPTION_ROW_DURATIONS(&train.durations_path),
        {"seed", "N", OPTION_COUNT, &train.seed, 0, 1e15, "seed of weights and draws (default: 1)"},
        {"epochs", "N", OPTION_COUNT, &train.epochs, 1, 1000, "passes over the rows (default: 12)"},
        {"hidden", "N", OPTION_COUNT, &train.hidden, 0, 256,
         "width of the GRU; 0 trains the head alone (default: 32)"},
        {"threads", "N", OPTION_COUNT, &train.threads, 1, 64,
         "workers; the result does not depend on it (default: 2)"},
        {"session-gap", "S", OPTION_REAL, &train.gap_s, 1, 86400,
         "silence that ends a session, seconds (default: 1800)"},
        OPTION_ROW_STRICT(&train.strict),
        OPTION_ROW_QUIET(&train.quiet),
        OPTION_ROW_END,
    };
    const struct options options = {
        .command = "train",
        .operands = "LOG",
        .summary =
            "Trains the predictor on LOG (Last.fm-1K, ListenBrainz or own JSON; plain or "
            "gzip; - for standard\ninput) and publishes it as a bundle. Of each user's "
            "sessions the first 70 % train, the next 10 %\nvalidate and the rest stay unseen. "
            "Ctrl-C keeps the best weights so far.",
        .min_operands = 1,
        .max_operands = 1,
        .rows = rows,
    };
    int count = options_parse(&options, argc, argv);
    if (count < 0)
        return options_status(count);
    if (!train.out_path)
        return options_usage("train", "--out BUNDLE is missing");
    train.log_path = argv[1];
    train.params.gap_ms = (int64_t)(train.gap_s * 1000);
    struct err err = {0};
    return run(&train, &err) < 0 ? options_fail("train", &err) : 0;
}
