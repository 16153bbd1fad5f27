/* outro train: a log to a bundle that serves, by a recipe; or two recipes beside each other. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "bundle/cluster_file.h"
#include "bundle/feature_names.h"
#include "cli/cmd_train_seed.h"
#include "cli/commands.h"
#include "cli/open_log.h"
#include "cli/options.h"
#include "cli/recipe.h"
#include "cli/train_compare.h"
#include "cli/report_folder.h"
#include "cli/train_report.h"
#include "cli/train_run.h"
#include "data/durations.h"
#include "data/holidays.h"
#include "data/profiles.h"

#define FLAGS_MAX 32 /* keys of a recipe */

struct train {
    const char *log_path, *profiles_path, *durations_path, *holidays_path, *recipe_path;
    const char *clusters_path, *cluster_scaler;
    struct clustering clusters; /* of that file */
    struct log_hints hints;
    const char *flag[FLAGS_MAX]; /* values of recipe keys, NULL where not given */
    uint64_t threads, seeds, hold_out;
    double gap_s;
    bool strict, quiet, print_recipe;
    bool seed_compat; /* never set here: cmd_train_seed has taken the command over */
    struct train_run one;
    struct train_compare compare; /* names NULL: none asked for */
    struct train_source source;
};

/* Ctrl-C keeps the best weights so far: the trainer asks after every step. */
static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static int learn(struct train *train, struct err *err)
{
    return train->compare.name[0] ? train_compare_run(&train->source, &train->compare, err)
                                  : train_run(&train->one, &train->source, &interrupted, err);
}

static int load_clusters(struct train *train, struct err *err)
{
    if (!train->clusters_path)
        return 0;
    if (cluster_file_load(train->clusters_path, &train->clusters, err))
        return -1;
    train->one.clusters.of = &train->clusters;
    return train_clusters_check(&train->clusters, train->clusters_path, err);
}

static int run(struct train *train, struct err *err)
{
    int result = -1;
    struct durations *durations = NULL;
    struct holidays *holidays = NULL;
    struct profiles *profiles = NULL;
    struct log *log = NULL;
    const struct train_run *one = &train->one;
    if (one->out_path && bundle_can_save(one->out_path, err) < 0)
        return -1;
    if (one->report_path && report_folder_prepare(one->report_path, err) < 0)
        return -1;
    if (load_clusters(train, err) < 0)
        goto out;
    /* No feature comes from a profile yet; a file that cannot be read is still an error, not a
     * surprise later. */
    if (train->profiles_path && !(profiles = profiles_load(train->profiles_path, err)))
        goto out;
    if (train->durations_path && !(durations = durations_load(train->durations_path, err)))
        goto out;
    if (train->holidays_path && !(holidays = holidays_load(train->holidays_path, err)))
        goto out;
    struct log_options options = {.strict = train->strict, .durations = durations};
    if (log_hints_read(&train->hints, &options.form, &options.user, err) < 0)
        goto out;
    log = open_log(train->log_path, &options, train->quiet, err);
    if (!log)
        goto out;
    /* Only from here on is there something that asks for it; until then Ctrl-C ends the process. */
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    train->source = (struct train_source){.log = log,
                                          .holidays = holidays,
                                          .params = STREAM_PARAMS_DEFAULTS,
                                          .quiet = train->quiet,
                                          .interrupted = &interrupted};
    train->source.params.gap_ms = (int64_t)(train->gap_s * 1000);
    result = learn(train, err);
out:
    log_free(log);
    holidays_free(holidays);
    durations_free(durations);
    profiles_free(profiles);
    clustering_release(&train->clusters);
    return result;
}

/* ---- recipes ---- */

/* The defaults, then a file, then the flags. */
static int read_recipe(const struct train *train, const char *path, struct recipe *recipe,
                       struct err *err)
{
    size_t count;
    const struct recipe_key *keys = recipe_keys(&count);
    recipe_init(recipe);
    if (path && recipe_load(recipe, path, err))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (train->flag[i] && recipe_set(recipe, keys[i].name, train->flag[i], err))
            return -1;
    if (panel_has(recipe->panel, PANEL_HOLIDAY) && !train->holidays_path && !train->print_recipe)
        return err_set(err, ERR_USAGE,
                       "features has holiday, whose dates --holidays FILE gives; leave one out or "
                       "give the other");
    return recipe_finish(recipe, err);
}

static int read_recipes(struct train *train, struct err *err)
{
    train->one.threads = train->compare.threads = (uint32_t)train->threads;
    train->one.clusters.threads = (uint32_t)train->threads;
    if (!train->compare.name[0])
        return read_recipe(train, train->recipe_path, &train->one.recipe, err);
    for (int r = 0; r < 2; r++) {
        const char *path = train->compare.name[r];
        if (read_recipe(train, path, &train->compare.recipe[r], err))
            return -1;
    }
    train->compare.seeds = (uint32_t)train->seeds;
    train->compare.hold_out = (uint32_t)train->hold_out;
    return 0;
}

static int print_recipe(const struct train *train, struct err *err)
{
    char *text = recipe_text(&train->one.recipe, err);
    if (!text)
        return -1;
    fputs(text, stdout);
    free(text);
    return 0;
}

/* ---- options ---- */

/* The table of options: ours, then the recipe's keys. Texts are kept in static memory. */
static void make_rows(struct train *train, const struct option_row *ours, size_t count,
                      struct option_row *rows)
{
    static char doc[FLAGS_MAX][RECIPE_VALUE_MAX + 256], name[FLAGS_MAX][32];
    char value[RECIPE_VALUE_MAX];
    struct recipe defaults;
    size_t keys_count;
    const struct recipe_key *keys = recipe_keys(&keys_count);
    recipe_init(&defaults);
    memcpy(rows, ours, count * sizeof *rows);
    rows += count;
    for (size_t i = 0; i < keys_count; i++) {
        snprintf(name[i], sizeof name[i], "%s", keys[i].name);
        for (char *c = name[i]; *c; c++)
            *c = *c == '_' ? '-' : *c;
        recipe_value(&keys[i], &defaults, value);
        snprintf(doc[i], sizeof doc[i], "%s (default: %s)", keys[i].doc, value);
        *rows++ = (struct option_row){.name = name[i],
                                      .value = keys[i].value,
                                      .kind = OPTION_TEXT,
                                      .target = &train->flag[i],
                                      .doc = doc[i]};
    }
    *rows = (struct option_row)OPTION_ROW_END;
}

static int parse(struct train *train, int argc, char **argv)
{
    const struct option_row ours[] = {
        {"out", "BUNDLE", OPTION_TEXT, &train->one.out_path, 0, 0,
         "directory to publish the bundle as"},
        {"recipe", "FILE", OPTION_TEXT, &train->recipe_path, 0, 0,
         "\"key = value\" lines, # comments: the keys are the options from --net on, which win"},
        {"print-recipe", NULL, OPTION_FLAG, &train->print_recipe, 0, 0,
         "print the whole recipe, as --recipe reads it, and end"},
        {"checkpoint", "FILE", OPTION_TEXT, &train->one.checkpoint_path, 0, 0,
         "written at the end of every epoch: all that is needed to go on from there"},
        {"resume", NULL, OPTION_FLAG, &train->one.resume, 0, 0,
         "go on from the checkpoint, to the bits of a training that was never stopped"},
        {"report", "DIR", OPTION_TEXT, &train->one.report_path, 0, 0,
         "write loss curves (TSV; SVG where gnuplot is), scores and recipe there"},
        {"clusters", "FILE", OPTION_TEXT, &train->clusters_path, 0, 0,
         "also a net for each cluster of this file (outro cluster), begun from the global one; the "
         "fewer of the people it has the more epochs, up to 8 times the recipe's"},
        {"min-users", "N", OPTION_COUNT, &train->one.clusters.min_users, 1, 1e9,
         "--clusters: a cluster of fewer people keeps the global net (default: 30)"},
        {"cluster-scaler", "KIND", OPTION_TEXT, &train->cluster_scaler, 0, 0,
         "--clusters: standardise by global, own, or mixed: own up to 200 people (default: "
         "global)"},
        {"force", NULL, OPTION_FLAG, &train->one.clusters.force, 0, 0,
         "--clusters: publish a cluster's net although it validates no better"},
        {"against-random", "R", OPTION_COUNT, &train->one.clusters.against_random, 1, 10000,
         "--clusters: also train R random partitions of the same sizes, and say where this one "
         "lies"},
        {"compare", "A B", OPTION_PAIR, train->compare.name, 0, 0,
         "train two recipe files side by side and say how they differ; no bundle"},
        {"seeds", "N", OPTION_COUNT, &train->seeds, 1, 1000,
         "--compare: trainings of each, from its seed on (default: 3)"},
        {"hold-out", "K", OPTION_COUNT, &train->hold_out, 2, 1000,
         "--compare: score people that were not trained on, every K-th in turn"},
        {"profiles", "FILE", OPTION_TEXT, &train->profiles_path, 0, 0,
         "user profiles in the Last.fm-1K form"},
        OPTION_ROW_FORMAT(&train->hints),
        OPTION_ROW_USER(&train->hints),
        OPTION_ROW_DURATIONS(&train->durations_path),
        OPTION_ROW_HOLIDAYS(&train->holidays_path),
        {"threads", "N", OPTION_COUNT, &train->threads, 1, 256,
         "workers; the result does not depend on it (default: all cores)"},
        {"session-gap", "S", OPTION_REAL, &train->gap_s, 1, 86400,
         "silence that ends a session, seconds (default: 1800)"},
        {"seed-compat", NULL, OPTION_FLAG, &train->seed_compat, 0, 0,
         "the re-implemented system's models instead; --seed-compat --help has their options"},
        OPTION_ROW_STRICT(&train->strict),
        OPTION_ROW_QUIET_PROGRESS(&train->quiet),
    };
    struct option_row rows[sizeof ours / sizeof *ours + FLAGS_MAX + 1];
    const struct options options = {
        .command = "train",
        .operands = "LOG",
        .summary =
            "Trains the predictor on LOG (any form that outro events reads; - for standard input) "
            "and publishes it\nas a bundle. Of each user's sessions the first 70 % train, the next "
            "10 % validate and the rest stay\nunseen. Ctrl-C keeps the best weights so far.",
        .min_operands = 0,
        .max_operands = 1,
        .rows = rows,
    };
    make_rows(train, ours, sizeof ours / sizeof *ours, rows);
    int count = options_parse(&options, argc, argv);
    train->log_path = count > 0 ? argv[1] : NULL;
    return count;
}

static int read_cluster_scaler(struct train *train)
{
    if (!train->cluster_scaler)
        return 0;
    for (int i = 0; i < CLUSTER_SCALERS; i++)
        if (strcmp(train->cluster_scaler, cluster_scaler_names[i]) == 0) {
            train->one.clusters.scaler = (enum cluster_scaler)i;
            return 0;
        }
    return options_usage("train", "--cluster-scaler is global, own or mixed, not %s",
                         train->cluster_scaler);
}

/* Which of the options go together. @return 0, or the exit status after saying what does not */
static int check_options(const struct train *train)
{
    bool compare = train->compare.name[0];
    if (train->print_recipe)
        return compare ? options_usage("train", "--print-recipe prints one recipe, not two") : 0;
    if (!train->log_path)
        return options_usage("train", "an argument is missing: expected LOG");
    const struct train_run *one = &train->one;
    if (!train->clusters_path && (one->clusters.min_users || one->clusters.force ||
                                  one->clusters.against_random || train->cluster_scaler))
        return options_usage("train", "--min-users, --cluster-scaler, --force and --against-random "
                                      "go with --clusters FILE");
    if (compare && (train->clusters_path || one->out_path || one->checkpoint_path ||
                    one->report_path || train->recipe_path))
        return options_usage("train", "--compare takes two recipes and gives no bundle: leave out "
                                      "--out, --recipe, --checkpoint, --report and --clusters");
    if (one->resume && !one->checkpoint_path)
        return options_usage("train", "--resume goes with --checkpoint FILE");
    if (!compare && (train->seeds || train->hold_out))
        return options_usage("train", "--seeds and --hold-out go with --compare A B");
    if (!compare && !train->one.out_path)
        return options_usage("train", "--out BUNDLE is missing");
    return 0;
}

/* Takes the flag out of argv. @return whether it was there */
static bool take_seed_compat(int *argc, char **argv)
{
    for (int i = 1; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--seed-compat") != 0)
            continue;
        for (int k = i; k < *argc; k++) /* the NULL behind the last, too */
            argv[k] = argv[k + 1];
        --*argc;
        return true;
    }
    return false;
}

int cmd_train(int argc, char **argv)
{
    if (take_seed_compat(&argc, argv))
        return cmd_train_seed(argc, argv);
    static struct train train; /* two recipes are more than a stack frame should hold */
    struct err err = {0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    train.threads = cores > 0 ? (uint64_t)cores : 1;
    train.gap_s = 1800;
    int count = parse(&train, argc, argv);
    if (count < 0)
        return options_status(count);
    int status = check_options(&train);
    if (status || (status = read_cluster_scaler(&train)))
        return status;
    train.seeds = train.seeds ? train.seeds : 3;
    if (!train.one.clusters.min_users)
        train.one.clusters.min_users = 30;
    if (read_recipes(&train, &err))
        return options_fail("train", &err);
    if (train.print_recipe)
        return print_recipe(&train, &err) ? options_fail("train", &err) : 0;
    return run(&train, &err) < 0 ? options_fail("train", &err) : 0;
}
