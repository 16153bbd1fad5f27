/* outro replay: a log through a bundle, by the very pipeline that the daemon runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bundle/bundle.h"
#include "bundle/feature_names.h"
#include "cli/commands.h"
#include "cli/open_log.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/score_table.h"
#include "core/partitioner.h"
#include "data/durations.h"
#include "data/holidays.h"
#include "data/record_json.h"
#include "stream/pipeline.h"
#include "stream/scores.h"

#define BATCH_ROWS     256
#define PROGRESS_EVERY 4096
#define PARTITIONS_MAX 10000
#define NOT_GIVEN      UINT64_MAX /* of a count that may be 0 */

struct replay {
    const char *log_path, *bundle_path, *durations_path, *holidays_path;
    const char *predictions_path, *sessions_path;
    struct log_hints hints;
    uint64_t partitions;
    double lateness_s;
    uint64_t cluster_min_sessions, cluster_recheck_sessions; /* or NOT_GIVEN */
    bool strict, quiet, keep_duplicates;

    FILE *predictions, *sessions; /* NULL: not wanted */
    struct scores *scores;
    struct state_store **store; /* (partitions) */
    struct log_counts log;
    uint64_t events;
    bool reader_gone; /* whoever read standard output has closed it */
};

/* One record and its line end. */
static int put_line(struct replay *replay, FILE *file, const char *path, char *line, size_t size,
                    struct err *err)
{
    line[size] = '\n';
    if (fwrite(line, 1, size + 1, file) != size + 1) {
        replay->reader_gone = file == stdout && errno == EPIPE;
        return err_errno(err, "%s", path);
    }
    return 0;
}

static int take_prediction(void *ctx, const struct prediction *prediction,
                           const struct prediction_detail *detail, struct err *err)
{
    struct replay *replay = ctx;
    if (replay->predictions) {
        char line[RECORD_JSON_MAX + 1];
        size_t size = prediction_to_json(prediction, line, RECORD_JSON_MAX);
        if (put_line(replay, replay->predictions, replay->predictions_path, line, size, err) < 0)
            return -1;
    }
    return scores_take_prediction(replay->scores, prediction, detail, err);
}

static int take_session(void *ctx, const struct session *session, uint32_t partition,
                        uint32_t user_index, struct err *err)
{
    struct replay *replay = ctx;
    if (replay->sessions) {
        char line[RECORD_JSON_MAX + 1];
        size_t size = session_to_json(session, line, RECORD_JSON_MAX);
        if (put_line(replay, replay->sessions, replay->sessions_path, line, size, err) < 0)
            return -1;
    }
    return scores_take_session(replay->scores, session, partition, user_index, err);
}

static int run_log(struct replay *replay, struct pipeline *pipeline, struct log *log,
                   struct progress *progress, struct err *err)
{
    struct scrobble scrobble;
    int more;
    while ((more = log_next(log, &scrobble, err)) > 0) {
        enum outcome outcome;
        uint32_t partition = replay->partitions > 1
                                 ? partition_of(scrobble.user_id.data, scrobble.user_id.size,
                                                (uint32_t)replay->partitions)
                                 : 0;
        if (pipeline_push(pipeline, replay->store[partition], &scrobble, &outcome, err) < 0)
            return -1;
        if (++replay->events % PROGRESS_EVERY == 0)
            progress_update(progress, replay->events,
                            (double)replay->events / (double)replay->log.rows, "%s", "");
    }
    if (more < 0)
        return -1;
    for (uint64_t p = 0; p < replay->partitions; p++)
        if (pipeline_end(pipeline, replay->store[p], err) < 0)
            return -1;
    return pipeline_flush(pipeline, err);
}

static void print_summary(const struct replay *replay, const struct pipeline *pipeline,
                          double seconds, FILE *out)
{
    const struct pipeline_counts *counts = pipeline_counts(pipeline);
    uint64_t late = counts->outcome[OUTCOME_LATE];
    fprintf(out, "scrobbles    %llu (%.0f a second)\n", (unsigned long long)replay->events,
            (double)replay->events / (seconds > 0 ? seconds : 1));
    fprintf(out, "  in sessions  %llu\n", (unsigned long long)counts->outcome[OUTCOME_SESSION]);
    fprintf(out, "  duplicates   %llu\n", (unsigned long long)counts->outcome[OUTCOME_DUPLICATE]);
    fprintf(out, "  late         %llu\n", (unsigned long long)late);
    fprintf(out, "rejected     %llu\n", (unsigned long long)replay->log.rejected);
    fprintf(out, "sessions     %llu (%llu published again after a late scrobble)\n",
            (unsigned long long)counts->sessions_opened,
            (unsigned long long)(counts->sessions_revised + counts->sessions_reopened));
    fprintf(out, "predictions  %llu\n", (unsigned long long)counts->predictions);
    if (counts->cluster_moves > 0)
        fprintf(out, "moves        %llu into a cluster, or from one to another\n",
                (unsigned long long)counts->cluster_moves);
}

static bool same_file(const char *path, const char *other)
{
    struct stat a, b;
    if (!path || !other)
        return false;
    if (strcmp(path, other) == 0)
        return strcmp(path, "/dev/null") != 0;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && S_ISREG(a.st_mode) &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Records that overwrote the log, or each other, would be found out too late. */
static int check_outputs(const struct replay *replay, struct err *err)
{
    const char *const inputs[] = {replay->log_path, replay->durations_path, replay->holidays_path};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        if (inputs[i] && strcmp(inputs[i], "-") != 0 &&
            (same_file(replay->predictions_path, inputs[i]) ||
             same_file(replay->sessions_path, inputs[i])))
            return err_set(err, ERR_USAGE,
                           "%s is read, so it cannot be written to; give the "
                           "output another name",
                           inputs[i]);
    }
    if (same_file(replay->predictions_path, replay->sessions_path))
        return err_set(err, ERR_USAGE, "predictions and sessions cannot both be written to %s",
                       replay->sessions_path);
    return 0;
}

static int open_output(const char *path, FILE **file, struct err *err)
{
    if (!path)
        return 0;
    *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    return *file ? 0 : err_errno(err, "%s", path);
}

/* What was written is only written when closing says so. */
static int close_output(const char *path, FILE *file, struct err *err)
{
    if (!file)
        return 0;
    int failed = file == stdout ? fflush(file) : fclose(file);
    return failed ? err_errno(err, "%s", path) : 0;
}

static int make_stores(struct replay *replay, const struct stream_params *params, struct err *err)
{
    replay->store = calloc(replay->partitions, sizeof(struct state_store *));
    if (!replay->store)
        return err_set(err, ERR_MEMORY, "out of memory for %llu partitions",
                       (unsigned long long)replay->partitions);
    for (uint64_t p = 0; p < replay->partitions; p++) {
        replay->store[p] = state_store_new(params, (uint32_t)p, err);
        if (!replay->store[p])
            return -1;
    }
    return 0;
}

static int replay_log(struct replay *replay, struct bundle *bundle, const struct holidays *holidays,
                      struct log *log, struct err *err)
{
    int result = -1;
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    params.gap_ms = bundle->gap_ms;
    params.allowed_lateness_ms = (int64_t)(replay->lateness_s * 1000);
    params.keep_duplicates = replay->keep_duplicates;
    if (replay->cluster_min_sessions != NOT_GIVEN)
        params.cluster_min_sessions = (uint32_t)replay->cluster_min_sessions;
    if (replay->cluster_recheck_sessions != NOT_GIVEN)
        params.cluster_recheck_sessions = (uint32_t)replay->cluster_recheck_sessions;
    const struct pipeline_sink sink = {
        .ctx = replay, .prediction = take_prediction, .session = take_session};
    struct progress progress;
    struct score_report report;
    progress_begin(&progress, "replaying", "scrobbles", replay->quiet);
    replay->scores = scores_new((uint32_t)replay->partitions, bundle->pool_ms, err);
    struct pipeline *pipeline =
        replay->scores ? pipeline_new(&params, &sink, BATCH_ROWS, err) : NULL;
    if (!pipeline || make_stores(replay, &params, err) < 0 ||
        pipeline_set_holidays(pipeline, holidays, err) < 0 ||
        pipeline_set_bundle(pipeline, bundle, err) < 0)
        goto out;
    if (run_log(replay, pipeline, log, &progress, err) < 0)
        goto out;
    double seconds = progress_end(&progress);
    if (scores_report(replay->scores, SCORE_TABLE_SEED, &report, err) < 0)
        goto out;
    if (!replay->quiet) {
        /* Who asked for records on standard output wants to parse it. */
        bool taken = replay->predictions == stdout || replay->sessions == stdout;
        print_summary(replay, pipeline, seconds, taken ? stderr : stdout);
        score_table_print(&report, taken ? stderr : stdout);
    }
    result = 0;
out:
    progress_end(&progress);
    pipeline_free(pipeline);
    for (uint64_t p = 0; replay->store && p < replay->partitions; p++)
        state_store_free(replay->store[p]);
    free((void *)replay->store);
    scores_free(replay->scores);
    return result;
}

/* What a bundle has must be among the options, and the other way around. */
static int check_bundle(const struct replay *replay, const struct bundle *bundle, struct err *err)
{
    if (!replay->holidays_path && panel_has(bundle->net->scaler.panel, PANEL_HOLIDAY))
        return err_set(err, ERR_USAGE,
                       "bundle %s has the feature holiday: give its dates by --holidays FILE",
                       bundle->version);
    if (!bundle->clusters && (replay->cluster_min_sessions != NOT_GIVEN ||
                              replay->cluster_recheck_sessions != NOT_GIVEN))
        return err_set(err, ERR_USAGE,
                       "--cluster-min-sessions and --cluster-recheck-sessions go with a bundle of "
                       "clusters (outro train --clusters): %s has none",
                       bundle->version);
    return 0;
}

static int run(struct replay *replay, struct err *err)
{
    int result = -1;
    struct durations *durations = NULL;
    struct holidays *holidays = NULL;
    struct log *log = NULL;
    if (check_outputs(replay, err) < 0)
        return -1;
    struct bundle *bundle = bundle_load(replay->bundle_path, err);
    if (!bundle)
        return -1;
    if (check_bundle(replay, bundle, err) < 0)
        goto out;
    if (replay->durations_path && !(durations = durations_load(replay->durations_path, err)))
        goto out;
    if (replay->holidays_path && !(holidays = holidays_load(replay->holidays_path, err)))
        goto out;
    if (open_output(replay->predictions_path, &replay->predictions, err) < 0 ||
        open_output(replay->sessions_path, &replay->sessions, err) < 0)
        goto out;
    struct log_options options = {.order = replay->partitions ? LOG_AS_ARRIVED : LOG_BY_TIME,
                                  .strict = replay->strict,
                                  .durations = durations};
    if (log_hints_read(&replay->hints, &options.form, &options.user, err) < 0)
        goto out;
    log = open_log(replay->log_path, &options, replay->quiet, err);
    if (!log)
        goto out;
    replay->log = log_counts(log);
    if (replay->partitions == 0)
        replay->partitions = 1;
    result = replay_log(replay, bundle, holidays, log, err);
out:
    if (close_output(replay->predictions_path, replay->predictions, result < 0 ? NULL : err) < 0)
        result = -1;
    if (close_output(replay->sessions_path, replay->sessions, result < 0 ? NULL : err) < 0)
        result = -1;
    log_free(log);
    holidays_free(holidays);
    durations_free(durations);
    bundle_release(bundle);
    return result;
}

int cmd_replay(int argc, char **argv)
{
    struct replay replay = {.lateness_s = 86400,
                            .cluster_min_sessions = NOT_GIVEN,
                            .cluster_recheck_sessions = NOT_GIVEN};
    const struct option_row rows[] = {
        {"bundle", "BUNDLE", OPTION_TEXT, &replay.bundle_path, 0, 0,
         "directory of the bundle to serve from"},
        OPTION_ROW_FORMAT(&replay.hints),
        OPTION_ROW_USER(&replay.hints),
        OPTION_ROW_DURATIONS(&replay.durations_path),
        OPTION_ROW_HOLIDAYS(&replay.holidays_path),
        {"predictions", "FILE", OPTION_TEXT, &replay.predictions_path, 0, 0,
         "write every prediction as a JSON line (-: to standard output)"},
        {"sessions", "FILE", OPTION_TEXT, &replay.sessions_path, 0, 0,
         "write every finished session as a JSON line (-: to standard output)"},
        {"partitions", "N", OPTION_COUNT, &replay.partitions, 1, PARTITIONS_MAX,
         "as a topic of N partitions: JSON lines in their own order, a stream time each"},
        {"allowed-lateness", "S", OPTION_REAL, &replay.lateness_s, 0, 1e9,
         "how late a scrobble may change a closed session, seconds (default: 86400)"},
        {"cluster-min-sessions", "N", OPTION_COUNT, &replay.cluster_min_sessions, 0, 1e6,
         "sessions before somebody not listed is placed in a cluster (default: 10)"},
        {"cluster-recheck-sessions", "N", OPTION_COUNT, &replay.cluster_recheck_sessions, 0, 1e6,
         "sessions between two looks at somebody's cluster; 0: one alone (default: 20)"},
        {"keep-duplicates", NULL, OPTION_FLAG, &replay.keep_duplicates, 0, 0,
         "drop none, as the reference figures were measured"},
        OPTION_ROW_STRICT(&replay.strict),
        OPTION_ROW_QUIET(&replay.quiet),
        OPTION_ROW_END,
    };
    const struct options options = {
        .command = "replay",
        .operands = "LOG",
        .summary =
            "Runs LOG (any form that outro events reads; - for standard input)\n"
            "through BUNDLE as the daemon would, ends every session still open at the end of it,\n"
            "and prints what became of its scrobbles and how good the predictions were on the\n"
            "last fifth of each user's sessions (on standard error when records take standard "
            "output).",
        .min_operands = 1,
        .max_operands = 1,
        .rows = rows,
    };
    int count = options_parse(&options, argc, argv);
    if (count < 0)
        return options_status(count);
    if (!replay.bundle_path)
        return options_usage("replay", "--bundle BUNDLE is missing");
    replay.log_path = argv[1];
    struct err err = {0};
    if (run(&replay, &err) == 0)
        return 0;
    /* Enough seen is a good end, unless it cut short another file that was asked for. */
    if (replay.reader_gone && !(replay.predictions_path && replay.sessions_path))
        return 0;
    return options_fail("replay", &err);
}
