/* outro evaluate: predictions at the start of sessions beside baselines, by cluster; and models of
 * the re-implemented system, by its own protocol and without its errors. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "cli/commands.h"
#include "cli/evaluate_parts.h"
#include "cli/evaluate_seed.h"
#include "cli/evaluation_table.h"
#include "cli/log_sessions.h"
#include "cli/open_log.h"
#include "cli/options.h"
#include "cli/seed_directory.h"
#include "cli/seed_store.h"
#include "data/durations.h"
#include "data/holidays.h"
#include "nn/tensor.h"

static int print(const struct evaluate *evaluate, struct evaluation *evaluation, const char *judged,
                 struct err *err)
{
    struct evaluation_report report;
    if (evaluation_report(evaluation, evaluate->baseline, &report, err))
        return -1;
    int result =
        evaluation_table_print(&report, evaluate->baseline, judged, evaluate->form, stdout, err);
    evaluation_report_release(&report);
    return result;
}

/* ---- a log ---- */

/* Each user's cluster by the file. @return new (users), -1 for nobody's; NULL with err */
static int32_t *clusters_of(const struct log_sessions *sessions, const char *path, struct err *err)
{
    struct seed_names names = {0};
    struct seed_members members = {0};
    int32_t *of = calloc(sessions->users + 1, sizeof *of);
    int result = 0;
    if (!of) {
        err_set(err, ERR_MEMORY, "out of memory for %zu users", sessions->users);
        return NULL;
    }
    for (size_t u = 0; result == 0 && u < sessions->users; u++)
        result = seed_names_add(&names, sessions->user[u].id, (uint32_t)u, err);
    if (result == 0)
        result = seed_clusters_read(path, &names, &members, err);
    for (size_t u = 0; result == 0 && u < sessions->users; u++)
        of[u] = (int32_t)seed_members_find(&members, (uint32_t)u);
    seed_members_release(&members);
    seed_names_release(&names);
    if (result == 0)
        return of;
    free(of);
    return NULL;
}

static int judge_log(const struct evaluate *evaluate, const struct log_sessions *sessions,
                     struct err *err)
{
    struct evaluation evaluation = {0};
    int32_t *cluster = NULL;
    int result = -1;
    if (evaluate->clusters_path && !(cluster = clusters_of(sessions, evaluate->clusters_path, err)))
        return -1;
    if (log_sessions_evaluate(sessions, cluster, &evaluation, err) == 0)
        result = print(evaluate, &evaluation,
                       "At the start of the last fifth of each user's sessions (the first 70 % are "
                       "for training)",
                       err);
    evaluation_release(&evaluation);
    free(cluster);
    return result;
}

int evaluate_sessions(const struct evaluate *evaluate, struct log_sessions *sessions,
                      struct err *err)
{
    int result = -1;
    struct durations *durations = NULL;
    struct holidays *holidays = NULL;
    struct log *log = NULL;
    struct bundle *bundle = NULL;
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    if (evaluate->bundle_path && !(bundle = bundle_load(evaluate->bundle_path, err)))
        goto out;
    if (evaluate->durations_path && !(durations = durations_load(evaluate->durations_path, err)))
        goto out;
    if (evaluate->holidays_path && !(holidays = holidays_load(evaluate->holidays_path, err)))
        goto out;
    struct log_options options = {.strict = evaluate->strict, .durations = durations};
    if (log_hints_read(&evaluate->hints, &options.form, &options.user, err) < 0)
        goto out;
    log = open_log(evaluate->path, &options, evaluate->quiet, err);
    params.keep_duplicates = evaluate->keep_duplicates;
    if (bundle)
        params.gap_ms = bundle->gap_ms;
    if (log)
        result = log_sessions_make(log, &params, bundle, holidays, evaluate->quiet, sessions, err);
out:
    log_free(log);
    durations_free(durations);
    holidays_free(holidays);
    if (bundle)
        bundle_release(bundle);
    return result;
}

static int run_log(const struct evaluate *evaluate, struct err *err)
{
    struct log_sessions sessions = {0};
    int result = evaluate_sessions(evaluate, &sessions, err);
    if (result == 0)
        result = judge_log(evaluate, &sessions, err);
    log_sessions_release(&sessions);
    return result;
}

/* ---- a prepared directory ---- */

static int judge_models(const struct evaluate *evaluate, const struct seed_data *data,
                        struct seed_models *models, struct err *err)
{
    struct seed_judgement judgement;
    if (!isnan(evaluate->flags.filter))
        models->recipe.filter = evaluate->flags.filter;
    if (seed_judge(models, models, data, &judgement, err))
        return -1;
    evaluate_seed_print(&judgement, evaluate->form == TABLE_TEXT ? stdout : stderr);
    return 0;
}

static int judge_directory(const struct evaluate *evaluate, const struct seed_data *data,
                           const struct seed_members *members, struct seed_models *models,
                           struct err *err)
{
    struct evaluation evaluation = {0};
    uint64_t left_out = 0;
    int result = evaluate_seed_rows(data, members, models, &evaluation, &left_out, err);
    if (result == 0 && left_out && !evaluate->quiet)
        fprintf(stderr, "outro evaluate: %llu test sessions have no %s: left out\n",
                (unsigned long long)left_out, models ? "model" : "cluster or training session");
    if (result == 0)
        result = print(evaluate, &evaluation, "At the start of each session of the test set", err);
    if (result == 0 && evaluate->seed_compat && models)
        result = judge_models(evaluate, data, models, err);
    evaluation_release(&evaluation);
    return result;
}

static int run_directory(const struct evaluate *evaluate, struct err *err)
{
    struct seed_data data = {0};
    struct seed_names names = {0};
    struct seed_members members = {0};
    struct seed_models models = {0};
    int result = seed_directory_read(evaluate->path, &data, &names, err);
    if (result == 0 && evaluate->models_path)
        result = seed_store_load(evaluate->models_path, &models, &members, err);
    if (result == 0 && evaluate->clusters_path)
        result = seed_clusters_read(evaluate->clusters_path, &names, &members, err);
    bool clusters =
        evaluate->models_path ? models.members != NULL : evaluate->clusters_path != NULL;
    if (result == 0)
        result = judge_directory(evaluate, &data, clusters ? &members : NULL,
                                 evaluate->models_path ? &models : NULL, err);
    seed_models_release(&models);
    seed_members_release(&members);
    seed_names_release(&names);
    seed_data_release(&data);
    return result;
}

/* ---- options ---- */

static bool is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int find_baseline(const char *name, enum evaluated *out)
{
    for (int who = EVALUATED_KERNEL; who < EVALUATED; who++)
        if (strcmp(name, evaluated_names[who]) == 0) {
            *out = (enum evaluated)who;
            return 0;
        }
    return -1;
}

/* Options that only a report has. */
static int check_report(const struct evaluate *evaluate)
{
    const struct option {
        const char *name;
        bool given;
    } option[] = {{"--models", evaluate->models_path},
                  {"--clusters", evaluate->clusters_path},
                  {"--baseline", evaluate->baseline_name},
                  {"--seed-compat", evaluate->seed_compat}};
    const char *recipe = seed_flags_given(&evaluate->flags, &evaluate->recipe);
    const struct option report[] = {{"--kmeans", evaluate->kmeans_path},
                                    {"--spectral", evaluate->spectral_path},
                                    {"--threads", evaluate->threads},
                                    {recipe, recipe}};
    for (size_t i = 0; evaluate->seed_report && i < sizeof option / sizeof *option; i++)
        if (option[i].given)
            return options_usage("evaluate", "%s does not go with --seed-report", option[i].name);
    for (size_t i = 0; !evaluate->seed_report && i < sizeof report / sizeof *report; i++)
        if (report[i].given)
            return options_usage("evaluate", "%s goes with --seed-report", report[i].name);
    return 0;
}

/* Which options go together. @return 0, or the exit status after saying what does not */
static int check_options(struct evaluate *evaluate)
{
    evaluate->directory = is_directory(evaluate->path);
    if (evaluate->baseline_name && find_baseline(evaluate->baseline_name, &evaluate->baseline))
        return options_usage("evaluate",
                             "--baseline: \"%.40s\" is none of kernel-km, user-mean, user-median, "
                             "previous, running-average",
                             evaluate->baseline_name);
    if (evaluate->directory && evaluate->baseline == EVALUATED_KERNEL)
        return options_usage("evaluate", "--baseline kernel-km goes with a LOG");
    if (evaluate->tsv && evaluate->json)
        return options_usage("evaluate", "--tsv and --json exclude each other");
    evaluate->form = evaluate->json ? TABLE_JSON : evaluate->tsv ? TABLE_TSV : TABLE_TEXT;
    if (evaluate->directory &&
        (evaluate->bundle_path || evaluate->durations_path || evaluate->holidays_path))
        return options_usage("evaluate", "--bundle, --durations and --holidays go with a LOG");
    if (!evaluate->directory && evaluate->models_path)
        return options_usage("evaluate", "--models goes with a directory of outro prepare");
    if (evaluate->models_path && evaluate->clusters_path)
        return options_usage("evaluate", "--models brings its clusters: leave out --clusters");
    if (evaluate->seed_compat && !evaluate->models_path)
        return options_usage("evaluate", "--seed-compat goes with --models");
    if (!isnan(evaluate->flags.filter) && !evaluate->seed_compat && !evaluate->seed_report)
        return options_usage("evaluate", "--filter-percentile chooses test rows by their label: it "
                                         "goes with --seed-compat or --seed-report alone");
    return check_report(evaluate);
}

static int parse(struct evaluate *evaluate, int argc, char **argv)
{
    const struct option_row ours[] = {
        {"bundle", "BUNDLE", OPTION_TEXT, &evaluate->bundle_path, 0, 0,
         "LOG: the model (default: none, the kernel KM and baselines alone)"},
        OPTION_ROW_FORMAT(&evaluate->hints),
        OPTION_ROW_USER(&evaluate->hints),
        OPTION_ROW_DURATIONS(&evaluate->durations_path),
        OPTION_ROW_HOLIDAYS(&evaluate->holidays_path),
        {"clusters", "FILE", OPTION_TEXT, &evaluate->clusters_path, 0, 0,
         "of outro cluster, or lines USER tab CLUSTER (default: the cluster whose net answered)"},
        {"models", "MODELS", OPTION_TEXT, &evaluate->models_path, 0, 0,
         "DIR: models of outro train --seed-compat, and their clusters"},
        {"baseline", "NAME", OPTION_TEXT, &evaluate->baseline_name, 0, 0,
         "MAE is divided by its: user-mean (default), user-median, previous, running-average, "
         "kernel-km"},
        {"keep-duplicates", NULL, OPTION_FLAG, &evaluate->keep_duplicates, 0, 0,
         "LOG: drop none, as the reference figures were measured"},
        {"tsv", NULL, OPTION_FLAG, &evaluate->tsv, 0, 0, "tab-separated, a row a measure"},
        {"json", NULL, OPTION_FLAG, &evaluate->json, 0, 0, "one JSON object"},
        OPTION_ROW_STRICT(&evaluate->strict),
        OPTION_ROW_QUIET(&evaluate->quiet),
        {"seed-compat", NULL, OPTION_FLAG, &evaluate->seed_compat, 0, 0,
         "the re-implemented system's own figures of --models as well, and what each error adds"},
        {"seed-report", NULL, OPTION_FLAG, &evaluate->seed_report, 0, 0,
         "trains that system's models on LOG or DIR; its published results beside all of it"},
        {"kmeans", "FILE", OPTION_TEXT, &evaluate->kmeans_path, 0, 0,
         "--seed-report: clusters, as --clusters (default: found, as the original did)"},
        {"spectral", "FILE", OPTION_TEXT, &evaluate->spectral_path, 0, 0,
         "--seed-report: the same for the spectral ones"},
        {"threads", "N", OPTION_COUNT, &evaluate->threads, 1, 256,
         "--seed-report: models at once; the result does not depend on it (default: all cores)"},
    };
    enum { OURS = sizeof ours / sizeof *ours };
    struct option_row rows[OURS + SEED_FLAG_ROWS + 1];
    memcpy(rows, ours, sizeof ours);
    seed_flags_rows(&evaluate->flags, &evaluate->recipe, rows + OURS);
    rows[OURS + SEED_FLAG_COMMON] = (struct option_row)OPTION_ROW_END;
    const struct options options = {
        .command = "evaluate",
        .operands = "LOG|DIR",
        .summary =
            "Judges predictions of a session's length made at its start: RMSE, MAE and MAE over a "
            "baseline's on\nthe same sessions, over all, by cluster, and averaged over clusters by "
            "users and by sessions; beside\nthe user's mean and median, the previous session, the "
            "running average and the kernel KM. LOG (any\nreadable form; - for standard input) "
            "runs through --bundle; DIR (of outro prepare --seed-compat) has\nits own test set. "
            "The options from --hidden-dim on are the recipe of --seed-report.",
        .min_operands = 1,
        .max_operands = 1,
        .rows = rows,
    };
    return options_parse(&options, argc, argv);
}

int cmd_evaluate(int argc, char **argv)
{
    struct evaluate evaluate = {.baseline = EVALUATED_MEAN, .recipe = seed_recipe_defaults()};
    struct err err = {0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    evaluate_report_defaults(&evaluate.recipe);
    int count = parse(&evaluate, argc, argv);
    if (count < 0)
        return options_status(count);
    evaluate.path = argv[1];
    int status = check_options(&evaluate);
    if (status)
        return status;
    if (!evaluate.threads)
        evaluate.threads = cores > 0 ? (uint64_t)cores : 1;
    tensor_use_one_thread();
    int result = evaluate.seed_report ? evaluate_report(&evaluate, &err)
                 : evaluate.directory ? run_directory(&evaluate, &err)
                                      : run_log(&evaluate, &err);
    return result ? options_fail("evaluate", &err) : 0;
}
