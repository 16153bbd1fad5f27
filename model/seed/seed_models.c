#include "seed/seed_models.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/workers.h"

/* ---- the rules ---- */

/* More people than that many of the original's? */
static bool is_over(const struct seed_recipe *recipe, uint32_t users, uint32_t original)
{
    return UINT64_C(30) * users > (uint64_t)original * (recipe->min_users - 1);
}

bool seed_mixed_standardises(const struct seed_recipe *recipe, uint32_t users)
{
    return !is_over(recipe, users, 200);
}

static bool is_standardised(const struct seed_recipe *recipe, uint32_t users)
{
    return recipe->scaling == SEED_STANDARDISED ||
           (recipe->scaling == SEED_MIXED && seed_mixed_standardises(recipe, users));
}

uint32_t seed_epochs_of(const struct seed_recipe *recipe, uint32_t users)
{
    uint64_t parts = is_over(recipe, users, 400)   ? 2
                     : is_over(recipe, users, 200) ? 7
                     : is_over(recipe, users, 75)  ? 8
                                                   : 10;
    return recipe->epochs <= 10 ? recipe->epochs : (uint32_t)(recipe->epochs * parts / 10);
}

static void decide(struct seed_models *models, const struct seed_data *data)
{
    const struct seed_recipe *recipe = &models->recipe;
    for (size_t i = 0; models->members && i < models->members->count; i++)
        models->cluster[models->members->member[i].cluster].users++;
    for (size_t i = 0; i < data->train.count; i++) {
        int64_t of = seed_members_find(models->members, seed_user(&data->train.row[i]));
        if (of >= 0)
            models->cluster[of].sessions++;
        if (!models->members && data->train.row[i].place == 0)
            models->cluster[0].users++;
    }
    for (uint32_t c = 0; c < models->clusters; c++) {
        struct seed_cluster *cluster = &models->cluster[c];
        bool large = !models->members || cluster->users >= recipe->min_users;
        cluster->number = c;
        cluster->trained = large && cluster->sessions > 0;
        cluster->standardised = is_standardised(recipe, cluster->users);
        cluster->epochs = models->members ? seed_epochs_of(recipe, cluster->users) : recipe->epochs;
    }
}

int seed_models_init(struct seed_models *models, const struct seed_recipe *recipe,
                     const struct seed_members *members, const struct seed_data *data,
                     struct err *err)
{
    uint32_t clusters = members ? members->clusters : 1;
    *models = (struct seed_models){.recipe = *recipe, .members = members, .clusters = clusters};
    models->cluster = calloc(clusters + 1, sizeof *models->cluster);
    if (!models->cluster) {
        models->clusters = 0;
        return err_set(err, ERR_MEMORY, "out of memory for %u clusters", clusters);
    }
    decide(models, data);
    return 0;
}

void seed_models_release(struct seed_models *models)
{
    for (uint32_t c = 0; c < models->clusters; c++) {
        seed_net_release(&models->cluster[c].net);
        free(models->cluster[c].curve);
    }
    free(models->cluster);
    *models = (struct seed_models){0};
}

uint64_t seed_models_work(const struct seed_models *models)
{
    uint64_t work = 0;
    for (uint32_t c = 0; c < models->clusters; c++)
        if (models->cluster[c].trained)
            work += models->cluster[c].sessions * models->cluster[c].epochs;
    return work;
}

/* ---- rows ---- */

/* Those of the cluster's people, filtered and sorted, in seconds. */
static int raw_rows(const struct seed_models *models, uint32_t cluster,
                    const struct seed_rows *from, struct seed_rows *out, struct err *err)
{
    if (seed_rows_of_cluster(from, models->members, cluster, out, err))
        return -1;
    if (models->recipe.filter > 0 && seed_rows_filter(out, models->recipe.filter, err))
        return -1;
    return seed_rows_sort(out, err);
}

static int standardise(const struct seed_models *models, const struct seed_cluster *cluster,
                       struct seed_rows *rows, struct err *err)
{
    if (!cluster->standardised)
        return 0;
    seed_scaler_apply(&cluster->scaler, rows);
    return models->recipe.misjoined ? seed_rows_misjoin(rows, err) : 0;
}

int seed_models_rows(const struct seed_models *models, const struct seed_cluster *cluster,
                     const struct seed_rows *from, struct seed_rows *out, struct err *err)
{
    return raw_rows(models, cluster->number, from, out, err) ||
                   standardise(models, cluster, out, err)
               ? -1
               : 0;
}

/* ---- training ---- */

struct task {
    struct seed_models *models;
    struct seed_cluster *cluster;
};

struct run {
    const struct seed_data *data;
    const struct seed_hooks *hooks;
    struct task *task; /* (tasks) */
    size_t tasks;
    pthread_mutex_t lock; /* of what follows */
    bool failed;
    struct err err; /* the first */
};

static int train_cluster(const struct task *task, const struct run *run, struct err *err)
{
    struct seed_cluster *cluster = task->cluster;
    const struct seed_models *models = task->models;
    struct seed_rows train = {0}, validate = {0};
    int result = raw_rows(models, cluster->number, &run->data->train, &train, err);
    if (result == 0) {
        seed_scaler_fit(&cluster->scaler, &train);
        result = standardise(models, cluster, &train, err);
    }
    if (result == 0)
        result = seed_models_rows(models, cluster, &run->data->validate, &validate, err);
    cluster->curve = calloc(cluster->epochs + 1, sizeof *cluster->curve);
    if (result == 0 && train.count == 0)
        result = err_set(err, ERR_INPUT, "the filter leaves no session to train on");
    if (result == 0 && !cluster->curve)
        result = err_set(err, ERR_MEMORY, "out of memory for %u epochs", cluster->epochs);
    if (result == 0)
        result = seed_net_init(&cluster->net, &models->recipe, cluster->number, err);
    if (result == 0)
        result = seed_net_fit(&cluster->net, &models->recipe, cluster->number, cluster->epochs,
                              &train, &validate, cluster->curve, run->hooks, err);
    seed_rows_release(&train);
    seed_rows_release(&validate);
    return result;
}

static void train_task(void *ctx, size_t worker, size_t number)
{
    struct run *run = ctx;
    const struct task *task = &run->task[number];
    struct err err = {0};
    (void)worker;
    pthread_mutex_lock(&run->lock);
    bool stop = run->failed;
    pthread_mutex_unlock(&run->lock);
    if (stop || train_cluster(task, run, &err) == 0)
        return;
    pthread_mutex_lock(&run->lock);
    if (!run->failed) {
        run->failed = true;
        run->err = err;
        if (task->models->members)
            err_prefix(&run->err, "cluster %u", task->cluster->number);
    }
    pthread_mutex_unlock(&run->lock);
}

/* Largest first, so that no thread is left alone with the longest at the end. */
static int by_work(const void *a, const void *b)
{
    const struct seed_cluster *x = ((const struct task *)a)->cluster,
                              *y = ((const struct task *)b)->cluster;
    uint64_t p = x->sessions * x->epochs, q = y->sessions * y->epochs;
    return (p < q) - (p > q);
}

static int make_tasks(struct run *run, struct seed_models *const *models, size_t count,
                      struct err *err)
{
    size_t most = 0;
    for (size_t m = 0; m < count; m++)
        most += models[m]->clusters;
    run->task = calloc(most + 1, sizeof *run->task);
    if (!run->task)
        return err_set(err, ERR_MEMORY, "out of memory for %zu clusters", most);
    for (size_t m = 0; m < count; m++)
        for (uint32_t c = 0; c < models[m]->clusters; c++)
            if (models[m]->cluster[c].trained)
                run->task[run->tasks++] = (struct task){models[m], &models[m]->cluster[c]};
    if (run->tasks)
        qsort(run->task, run->tasks, sizeof *run->task, by_work);
    return 0;
}

int seed_models_train(struct seed_models *const *models, size_t count, const struct seed_data *data,
                      uint32_t threads, const struct seed_hooks *hooks, struct err *err)
{
    struct run run = {.data = data, .hooks = hooks, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct workers *workers = workers_new(threads, err);
    int result = workers ? make_tasks(&run, models, count, err) : -1;
    if (result == 0) {
        workers_run(workers, run.tasks, train_task, &run);
        if (run.failed) {
            *err = run.err;
            result = -1;
        }
    }
    workers_free(workers);
    free(run.task);
    return result;
}
