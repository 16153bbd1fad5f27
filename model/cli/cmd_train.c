/* outro train: a log to a bundle that serves, by a recipe; or two recipes beside each other. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "cli/commands.h"
#include "cli/open_log.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/recipe.h"
#include "cli/train_compare.h"
#include "cli/train_data.h"
#include "data/durations.h"
#include "data/profiles.h"
#include "nn/trainer.h"

#define FLAGS_MAX 32 /* keys of a recipe */

struct train {
    const char *log_path, *profiles_path, *durations_path, *out_path, *recipe_path;
    const char *flag[FLAGS_MAX]; /* values of recipe keys, NULL where not given */
    uint64_t threads, seeds, hold_out;
    double gap_s;
    bool strict, quiet, print_recipe;
    struct recipe recipe;
    struct train_compare compare; /* names NULL: none asked for */
    struct train_source source;
    struct train_data data;
    struct progress progress;
};

/* Ctrl-C keeps the best weights so far: the trainer asks after every step. */
static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
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
    struct trainer_options options = train->recipe.options;
    const struct trainer_hooks hooks = {.ctx = train, .progress = show_epoch};
    options.threads = (uint32_t)train->threads;
    progress_begin(&train->progress, "training", "rows", train->quiet);
    struct predictor *net = trainer_run(&train->data.set, &options, &hooks, report, err);
    double seconds = progress_end(&train->progress);
    char text[80];
    if (net && !train->quiet)
        fprintf(stderr,
                "outro train: %llu training and %llu validation rows, %.1f s; best epoch %u of %u, "
                "%s\n",
                (unsigned long long)report->training_rows,
                (unsigned long long)report->validation_rows, seconds, report->best_epoch,
                report->epochs, validated(report->best_validation, text));
    return net;
}

static int save(const struct train *train, struct predictor *net,
                const struct trainer_report *report, struct err *err)
{
    struct bundle bundle = train_bundle(&train->source, &train->data, net);
    bundle.scores = 3;
    bundle.score[0] = (struct bundle_score){"training.loss", report->training_loss};
    bundle.score[1] = (struct bundle_score){"validation.pinball_ratio", report->best_validation};
    bundle.score[2] = (struct bundle_score){"training.best_epoch", report->best_epoch};
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

static int learn(struct train *train, struct err *err)
{
    struct trainer_report report;
    const struct hold_out nobody = {0};
    if (train->compare.name[0])
        return train_compare_run(&train->source, &train->compare, err);
    if (train_data_make(&train->source, nobody, train->recipe.options.seed, &train->data, err))
        return -1;
    struct predictor *net = train_net(train, &report, err);
    int result = net ? save(train, net, &report, err) : -1;
    predictor_free(net);
    train_data_release(&train->data);
    return result;
}

static int run(struct train *train, struct err *err)
{
    int result = -1;
    struct durations *durations = NULL;
    struct profiles *profiles = NULL;
    struct log *log = NULL;
    if (train->out_path && bundle_can_save(train->out_path, err) < 0)
        return -1;
    /* No feature comes from a profile yet; a file that cannot be read is still an error, not a
     * surprise later. */
    if (train->profiles_path && !(profiles = profiles_load(train->profiles_path, err)))
        goto out;
    if (train->durations_path && !(durations = durations_load(train->durations_path, err)))
        goto out;
    const struct log_options options = {.strict = train->strict, .durations = durations};
    log = open_log(train->log_path, &options, train->quiet, err);
    if (!log)
        goto out;
    /* Only from here on is there something that asks for it; until then Ctrl-C ends the process. */
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    train->source = (struct train_source){.log = log,
                                          .params = STREAM_PARAMS_DEFAULTS,
                                          .quiet = train->quiet,
                                          .interrupted = &interrupted};
    train->source.params.gap_ms = (int64_t)(train->gap_s * 1000);
    result = learn(train, err);
out:
    log_free(log);
    durations_free(durations);
    profiles_free(profiles);
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
    return recipe_finish(recipe, err);
}

static int read_recipes(struct train *train, struct err *err)
{
    if (!train->compare.name[0])
        return read_recipe(train, train->recipe_path, &train->recipe, err);
    for (int r = 0; r < 2; r++) {
        const char *path = train->compare.name[r];
        if (read_recipe(train, path, &train->compare.recipe[r], err))
            return -1;
    }
    train->compare.seeds = (uint32_t)train->seeds;
    train->compare.hold_out = (uint32_t)train->hold_out;
    train->compare.threads = (uint32_t)train->threads;
    return 0;
}

static int print_recipe(const struct train *train, struct err *err)
{
    char *text = recipe_text(&train->recipe, err);
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
        {"out", "BUNDLE", OPTION_TEXT, &train->out_path, 0, 0,
         "directory to publish the bundle as"},
        {"recipe", "FILE", OPTION_TEXT, &train->recipe_path, 0, 0,
         "\"key = value\" lines, # comments: the keys are the options from --net on, which win"},
        {"print-recipe", NULL, OPTION_FLAG, &train->print_recipe, 0, 0,
         "print the whole recipe, as --recipe reads it, and end"},
        {"compare", "A B", OPTION_PAIR, train->compare.name, 0, 0,
         "train two recipe files side by side and say how they differ; no bundle"},
        {"seeds", "N", OPTION_COUNT, &train->seeds, 1, 1000,
         "--compare: trainings of each, from its seed on (default: 3)"},
        {"hold-out", "K", OPTION_COUNT, &train->hold_out, 2, 1000,
         "--compare: score people that were not trained on, every K-th in turn"},
        {"profiles", "FILE", OPTION_TEXT, &train->profiles_path, 0, 0,
         "user profiles in the Last.fm-1K form"},
        OPTION_ROW_DURATIONS(&train->durations_path),
        {"threads", "N", OPTION_COUNT, &train->threads, 1, 256,
         "workers; the result does not depend on it (default: all cores)"},
        {"session-gap", "S", OPTION_REAL, &train->gap_s, 1, 86400,
         "silence that ends a session, seconds (default: 1800)"},
        OPTION_ROW_STRICT(&train->strict),
        OPTION_ROW_QUIET(&train->quiet),
    };
    struct option_row rows[sizeof ours / sizeof *ours + FLAGS_MAX + 1];
    const struct options options = {
        .command = "train",
        .operands = "LOG",
        .summary =
            "Trains the predictor on LOG (Last.fm-1K, ListenBrainz or own JSON; plain or "
            "gzip; - for standard\ninput) and publishes it as a bundle. Of each user's "
            "sessions the first 70 % train, the next 10 %\nvalidate and the rest stay unseen. "
            "Ctrl-C keeps the best weights so far.",
        .min_operands = 0,
        .max_operands = 1,
        .rows = rows,
    };
    make_rows(train, ours, sizeof ours / sizeof *ours, rows);
    int count = options_parse(&options, argc, argv);
    train->log_path = count > 0 ? argv[1] : NULL;
    return count;
}

/* Which of the options go together. @return 0, or the exit status after saying what does not */
static int check_options(const struct train *train)
{
    bool compare = train->compare.name[0];
    if (train->print_recipe)
        return compare ? options_usage("train", "--print-recipe prints one recipe, not two") : 0;
    if (!train->log_path)
        return options_usage("train", "an argument is missing: expected LOG");
    if (compare && (train->out_path || train->recipe_path))
        return options_usage("train", "--compare takes two recipes and gives no bundle: leave out "
                                      "--out and --recipe");
    if (!compare && (train->seeds || train->hold_out))
        return options_usage("train", "--seeds and --hold-out go with --compare A B");
    if (!compare && !train->out_path)
        return options_usage("train", "--out BUNDLE is missing");
    return 0;
}

int cmd_train(int argc, char **argv)
{
    static struct train train; /* two recipes are more than a stack frame should hold */
    struct err err = {0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    train.threads = cores > 0 ? (uint64_t)cores : 1;
    train.gap_s = 1800;
    int count = parse(&train, argc, argv);
    if (count < 0)
        return options_status(count);
    int status = check_options(&train);
    if (status)
        return status;
    train.seeds = train.seeds ? train.seeds : 3;
    if (read_recipes(&train, &err))
        return options_fail("train", &err);
    if (train.print_recipe)
        return print_recipe(&train, &err) ? options_fail("train", &err) : 0;
    return run(&train, &err) < 0 ? options_fail("train", &err) : 0;
}
