#include "cli/train_clusters.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/trainings.h"
#include "nn/validation.h"
#include "stream/membership.h"

#define MIXED_USERS 200
#define EPOCHS_MAX  8 /* times the recipe's */

const char *const cluster_scaler_names[CLUSTER_SCALERS] = {"global", "own", "mixed"};

/* What training a cluster came to. */
struct attempt {
    struct train_set set; /* of its members; rows borrowed */
    size_t sessions;
    struct predictor *net; /* the best, or NULL */
    double before, after;  /* validation of the global net and of net, on the cluster's rows */
    uint32_t best_epoch, epochs;
};

struct run {
    const struct train_clusters *how;
    const struct recipe *recipe;
    const struct train_source *source;
    const struct predictor *global;
    size_t users; /* of all clusters */
    uint32_t k;
    struct attempt *attempt; /* (k) */
    struct trainings trainings;
};

int train_clusters_check(const struct clustering *of, const char *name, struct err *err)
{
    for (uint32_t i = 0; i < of->columns; i++)
        if (!membership_keeps(of->column[i]))
            return err_set(err, ERR_INPUT,
                           "%s: grouped by %s, which a user's record does not keep, so nobody new "
                           "could be placed; cluster by total_sessions and average, max and "
                           "median_session_length",
                           name, user_column_name(of->column[i]));
    return 0;
}

/* ---- training ---- */

/* A small cluster has few steps an epoch, so it gets more of them. */
static uint32_t epochs_for(const struct run *run, const struct attempt *attempt)
{
    size_t times = run->users / attempt->set.users;
    return run->recipe->options.epochs * (uint32_t)(times < 1            ? 1
                                                    : times > EPOCHS_MAX ? EPOCHS_MAX
                                                                         : times);
}

static bool has_own_scaler(const struct run *run, const struct attempt *attempt)
{
    return run->how->scaler == SCALER_OWN ||
           (run->how->scaler == SCALER_MIXED && attempt->set.users <= MIXED_USERS);
}

static int train_cluster(struct run *run, size_t cluster, struct err *err)
{
    struct attempt *attempt = &run->attempt[cluster];
    struct trainer_options options = run->recipe->options;
    struct training training = {.all = &run->trainings, .number = cluster};
    const struct trainer_hooks hooks = {.ctx = &training,
                                        .progress = trainings_tell,
                                        .start = run->global,
                                        .own_scaler = has_own_scaler(run, attempt),
                                        .leave_start = run->how->force};
    options.threads = 1;
    options.epochs = epochs_for(run, attempt);
    options.seed += cluster;
    struct trainer_report report = {0};
    attempt->net = trainer_run(&attempt->set, &options, &hooks, &report, err);
    free(report.curve);
    attempt->best_epoch = report.best_epoch;
    attempt->epochs = report.epochs;
    if (!attempt->net)
        return err && err->code == ERR_INPUT ? 0 : -1; /* its people have no rows to learn from */
    if (*run->source->interrupted)
        return err_set(err, ERR_CANCELLED, "interrupted: a net for each cluster, or none");
    return validation_ratio(&attempt->set, run->global, &attempt->before, err) ||
                   validation_ratio(&attempt->set, attempt->net, &attempt->after, err)
               ? -1
               : 0;
}

static void run_task(void *ctx, size_t worker, size_t number)
{
    struct run *run = ctx;
    (void)worker;
    struct err err = {0};
    if (run->attempt[number].set.users >= run->how->min_users &&
        run->attempt[number].set.users > 0 && train_cluster(run, number, &err)) {
        err_prefix(&err, "cluster %zu", number);
        trainings_fail(&run->trainings, &err);
    }
    trainings_done(&run->trainings, number);
}

/* ---- who is in which, and what is published ---- */

static int make_sets(struct run *run, const struct train_data *data, const struct clustering *of,
                     struct err *err)
{
    const struct train_set *all = &data->rows.set;
    for (uint32_t c = 0; c < run->k; c++) {
        run->attempt[c].set.panel = all->panel;
        run->attempt[c].set.user = calloc(all->users + 1, sizeof *all->user);
        if (!run->attempt[c].set.user)
            return err_set(err, ERR_MEMORY, "out of memory for the rows of a cluster");
    }
    for (size_t u = 0; u < all->users; u++) {
        const char *id = data->lengths.user[u].user_id;
        int label = clustering_member(of, (struct slice){id, strlen(id)});
        if (label < 0)
            continue;
        assert((uint32_t)label < run->k);
        struct attempt *attempt = &run->attempt[label];
        assert(attempt->set.user);
        attempt->set.user[attempt->set.users++] = all->user[u];
        attempt->sessions += all->user[u].sessions;
        run->users++;
    }
    return run->users > 0
               ? 0
               : err_set(err, ERR_INPUT, "none of the %zu people of the clusters is in the log",
                         of->members);
}

/* Gives a cluster its net, or not, and says why. Takes attempt's net. */
static void decide(const struct run *run, struct attempt *attempt, struct bundle_cluster *out)
{
    out->users = attempt->set.users;
    out->sessions = attempt->sessions;
    if (attempt->set.users < run->how->min_users || attempt->set.users == 0) {
        snprintf(out->why, sizeof out->why, "%zu people, fewer than %llu: not trained",
                 attempt->set.users, (unsigned long long)run->how->min_users);
        return;
    }
    if (!attempt->net) {
        snprintf(out->why, sizeof out->why, "its people have no rows to learn from");
        return;
    }
    bool better = attempt->after < attempt->before; /* not, where nothing validates */
    snprintf(out->why, sizeof out->why,
             "validation %.5f of the kernel KM's pinball (epoch %u of %u), the global net %.5f%s",
             attempt->after, attempt->best_epoch, attempt->epochs, attempt->before,
             better            ? ""
             : run->how->force ? ": no better, but forced"
                               : ": no better");
    if (better || run->how->force) {
        out->net = attempt->net;
        attempt->net = NULL;
    }
}

static int run_all(struct run *run, const struct train_data *data, const struct clustering *of,
                   struct err *err)
{
    struct workers *workers = NULL;
    char about[32];
    run->attempt = calloc(run->k, sizeof *run->attempt);
    if (!run->attempt)
        return err_set(err, ERR_MEMORY, "out of memory for %u clusters", run->k);
    if (make_sets(run, data, of, err) || !(workers = workers_new(run->how->threads, err)))
        return -1;
    snprintf(about, sizeof about, "%u clusters", run->k);
    int result = trainings_run(&run->trainings, run->source, "training clusters", about, run->k,
                               workers, run_task, run, err);
    workers_free(workers);
    return result;
}

int train_clusters_run(const struct train_clusters *how, const struct recipe *recipe,
                       const struct train_source *source, const struct train_data *data,
                       const struct predictor *global, const struct clustering *of,
                       struct bundle_clusters *out, struct err *err)
{
    struct run run = {.how = how, .recipe = recipe, .source = source, .global = global, .k = of->k};
    struct bundle_clusters made = {.id = 1};
    int result = run_all(&run, data, of, err);
    if (result == 0)
        result = clustering_copy(of, &made.of, err);
    if (result == 0 && !(made.cluster = calloc(of->k, sizeof *made.cluster)))
        result = err_set(err, ERR_MEMORY, "out of memory for %u clusters", of->k);
    for (uint32_t c = 0; c < of->k && run.attempt; c++) {
        if (made.cluster)
            decide(&run, &run.attempt[c], &made.cluster[c]);
        predictor_free(run.attempt[c].net);
        free(run.attempt[c].set.user);
    }
    if (result == 0)
        *out = made;
    else
        clustering_release(&made.of);
    free(run.attempt);
    return result;
}
