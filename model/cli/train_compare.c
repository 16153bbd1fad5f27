#include "cli/train_compare.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cli/trainings.h"
#include "stream/score_compare.h"

#define DRAWS_SEED 1

/* All trainings of one fold run as tasks. */
struct run {
    const struct train_source *source;
    const struct train_compare *compare;
    struct train_data data[2]; /* of the fold at hand; [1] where the recipes' features differ */
    struct hold_out out;       /* the fold at hand */
    size_t users;
    struct score_sums *sums[2]; /* (seeds, users) of each recipe */
    pthread_mutex_t scoring;    /* the log: one net at a time goes through it */
    struct trainings trainings; /* of the fold at hand: 2 seeds */
};

static const struct train_data *data_of(const struct run *run, size_t recipe)
{
    return &run->data[recipe && run->compare->recipe[1].panel != run->compare->recipe[0].panel];
}

/* The users whose turn it is to be scored, into the place of this recipe and seed. */
static void take_scores(struct run *run, size_t number, struct predictor *net, struct err *err)
{
    size_t users, recipe = number % 2, seed = number / 2;
    struct scores *scores = train_score(run->source, data_of(run, recipe), net, NULL, true, err);
    struct score_sums *sums = scores ? scores_by_user(scores, &users, err) : NULL;
    scores_free(scores);
    struct score_sums *to = run->sums[recipe] + seed * run->users;
    for (size_t u = 0; sums && u < users; u++)
        if (!run->out.every || is_held_out(run->out, u))
            to[u] = sums[u];
    free(sums);
}

/* Seed by seed, so that both recipes are at work at once. */
static void train_task(void *ctx, size_t worker, size_t number)
{
    struct run *run = ctx;
    (void)worker;
    struct training training = {.all = &run->trainings, .number = number};
    struct trainer_options options = run->compare->recipe[number % 2].options;
    const struct trainer_hooks hooks = {.ctx = &training, .progress = trainings_tell};
    struct err err = {0};
    options.seed += number / 2;
    options.threads = 1;
    struct predictor *net =
        trainer_run(&data_of(run, number % 2)->set, &options, &hooks, NULL, &err);
    pthread_mutex_lock(&run->scoring);
    if (net && *run->source->interrupted)
        err_set(&err, ERR_CANCELLED, "interrupted: a comparison is whole or nothing");
    else if (net)
        take_scores(run, number, net, &err);
    pthread_mutex_unlock(&run->scoring);
    if (err.code != ERR_NONE) {
        err_prefix(&err, "%s, seed %llu", run->compare->name[number % 2],
                   (unsigned long long)options.seed);
        trainings_fail(&run->trainings, &err);
    }
    predictor_free(net);
}

static int make_room(struct run *run, struct err *err)
{
    size_t count = run->compare->seeds * run->users;
    for (int r = 0; r < 2 && !run->sums[r]; r++)
        if (!(run->sums[r] = calloc(count + 1, sizeof(struct score_sums))))
            return err_set(err, ERR_MEMORY, "out of memory for the scores of %zu users",
                           run->users);
    return 0;
}

/* Of the fold at hand, from the same seed: both recipes see the same rows. */
static int make_data(struct run *run, struct err *err)
{
    const struct recipe *recipe = run->compare->recipe;
    for (size_t r = 0; r < 2; r++)
        if (data_of(run, r) == &run->data[r] &&
            train_data_make(run->source, run->out, recipe[r].panel, recipe[0].options.seed,
                            &run->data[r], err))
            return -1;
    run->users = run->data[0].lengths.users;
    return make_room(run, err);
}

static int run_fold(struct run *run, struct workers *workers, uint32_t fold, struct err *err)
{
    char part[32];
    run->out.fold = fold;
    snprintf(part, sizeof part, "part %u/%u", fold + 1, run->out.every ? run->out.every : 1);
    int result = make_data(run, err);
    if (result == 0)
        result = trainings_run(&run->trainings, run->source, "training", part,
                               2 * (size_t)run->compare->seeds, workers, train_task, run, err);
    for (size_t r = 0; r < 2; r++)
        train_data_release(&run->data[r]);
    return result;
}

static void put_metric(const char *name, const struct comparison *c)
{
    if (isnan(c->difference)) {
        printf("%-9s %8s %18s\n", name, "-", "-");
        return;
    }
    const char *verdict = c->interval.high < 0  ? "second is better"
                          : c->interval.low > 0 ? "first is better"
                                                : "no difference shown";
    printf("%-9s %8.4f (%.4f) %8.4f (%.4f)   %+.4f [%+.4f, %+.4f]  %s\n", name, c->of[0].mean,
           c->of[0].sd, c->of[1].mean, c->of[1].sd, c->difference, c->interval.low,
           c->interval.high, verdict);
}

static int print_table(const struct run *run, struct err *err)
{
    const struct train_compare *compare = run->compare;
    struct comparison comparison[METRICS];
    const struct score_sums *const sums[2] = {run->sums[0], run->sums[1]};
    if (score_compare(sums, compare->seeds, run->users, DRAWS_SEED, comparison, err))
        return -1;
    uint64_t users = 0, sessions = 0;
    for (size_t u = 0; u < run->users; u++) {
        users += sums[0][u].sessions > 0;
        sessions += sums[0][u].sessions;
    }
    printf("first   %s\nsecond  %s\n%u seed%s; scored: %llu users, the last fifth of their "
           "sessions (%llu)%s\n\n",
           compare->name[0], compare->name[1], compare->seeds, compare->seeds == 1 ? "" : "s",
           (unsigned long long)users, (unsigned long long)sessions,
           compare->hold_out ? ", each by nets that were trained without them" : "");
    printf("%-9s %17s %17s   %s\n", "", "first (sd)", "second (sd)",
           "second - first [95 % over users]");
    for (int m = 0; m < METRICS; m++)
        put_metric(metric_names[m], &comparison[m]);
    return 0;
}

int train_compare_run(const struct train_source *source, const struct train_compare *compare,
                      struct err *err)
{
    int result = -1;
    struct run run = {.source = source, .compare = compare, .out.every = compare->hold_out};
    struct workers *workers = workers_new(compare->threads, err);
    pthread_mutex_init(&run.scoring, NULL);
    if (!workers)
        goto out;
    for (uint32_t fold = 0; fold < (compare->hold_out ? compare->hold_out : 1); fold++)
        if (run_fold(&run, workers, fold, err))
            goto out;
    result = print_table(&run, err);
out:
    workers_free(workers);
    pthread_mutex_destroy(&run.scoring);
    free(run.sums[0]);
    free(run.sums[1]);
    return result;
}
