#include "cli/cluster_study.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cluster/kmeans.h"
#include "cluster/partitions.h"
#include "cluster/scaling.h"
#include "cluster/silhouette.h"
#include "cluster/spectral.h"

/* ---- points ---- */

static int check_columns(const struct people *people, const struct cluster_study_options *options,
                         struct err *err)
{
    for (uint32_t c = 0; c < options->columns; c++)
        if (!people->has[options->column[c]])
            return err_set(
                err, ERR_USAGE,
                "--columns: %s is not known from a log, where nobody keeps it; a file of "
                "profiles has it",
                user_column_name(options->column[c]));
    if (people->count < 2)
        return err_set(err, ERR_INPUT, "%zu %s left: nothing to cluster", people->count,
                       people->count == 1 ? "person is" : "people are");
    if (options->k > people->count)
        return err_set(err, ERR_USAGE, "--k: %u clusters of %zu people", options->k, people->count);
    return 0;
}

static int make_points(struct cluster_study *s, struct err *err)
{
    s->points = malloc(s->n * s->d * sizeof *s->points);
    if (!s->points)
        return err_set(err, ERR_MEMORY, "out of memory for %zu people", s->n);
    for (size_t i = 0; i < s->n; i++)
        for (size_t c = 0; c < s->d; c++)
            s->points[i * s->d + c] = s->people->person[i].column[s->options.column[c]];
    for (size_t c = 0; c < s->d; c++)
        s->scale[c] = 1;
    if (s->options.standardise) {
        scaling_fit(s->points, s->n, s->d, s->mean, s->scale);
        scaling_apply(s->points, s->n, s->d, s->mean, s->scale);
    }
    return 0;
}

/* A point with zeros where it has no dimension: rows that sort without being told how wide. */
struct row {
    double at[USER_COLUMNS];
};

static int by_place(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    for (size_t c = 0; c < USER_COLUMNS; c++)
        if (x->at[c] != y->at[c])
            return x->at[c] < y->at[c] ? -1 : 1;
    return 0;
}

static int count_different(struct cluster_study *s, struct err *err)
{
    struct row *row = calloc(s->n, sizeof *row);
    if (!row)
        return err_set(err, ERR_MEMORY, "out of memory for %zu people", s->n);
    for (size_t i = 0; i < s->n; i++)
        memcpy(row[i].at, &s->points[i * s->d], s->d * sizeof *s->points);
    qsort(row, s->n, sizeof *row, by_place);
    s->different = 1;
    for (size_t i = 1; i < s->n; i++)
        s->different += by_place(&row[i - 1], &row[i]) != 0;
    free(row);
    return 0;
}

/* With fewer different points than clusters some would be empty, and their centroids invented. */
static int check_different(struct cluster_study *s, struct err *err)
{
    if (count_different(s, err))
        return -1;
    if (s->different == 1)
        return err_set(err, ERR_INPUT,
                       "all %zu people are the same in these columns: nothing to cluster", s->n);
    if (s->options.k > s->different)
        return err_set(err, ERR_INPUT, "only %zu different people in these columns for %u clusters",
                       s->different, s->options.k);
    return 0;
}

/* ---- one k after the other ---- */

struct size_of {
    uint32_t label, first;
    size_t size;
};

static int by_falling_size(const void *a, const void *b)
{
    const struct size_of *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

/* The largest cluster is number 0, whichever way it was found. */
static void number_by_size(uint32_t *label, size_t n, uint32_t k)
{
    struct size_of size[CLUSTERS_MAX];
    uint32_t to[CLUSTERS_MAX];
    for (uint32_t j = 0; j < k; j++)
        size[j] = (struct size_of){.label = j, .first = UINT32_MAX};
    for (size_t i = 0; i < n; i++) {
        struct size_of *of = &size[label[i]];
        of->first = of->size++ ? of->first : (uint32_t)i;
    }
    qsort(size, k, sizeof *size, by_falling_size);
    for (uint32_t j = 0; j < k; j++)
        to[size[j].label] = j;
    for (size_t i = 0; i < n; i++)
        label[i] = to[label[i]];
}

static int choose_trials(struct cluster_study *s, struct err *err)
{
    const struct cluster_study_options *o = &s->options;
    size_t possible = s->different < s->n ? s->different : s->n - 1;
    uint32_t most = o->k_max < possible ? o->k_max : (uint32_t)possible;
    uint32_t last = o->k > most ? o->k : most;
    bool all = o->k == 0 || o->curves;
    assert(last >= 1 && last <= CLUSTERS_MAX);
    s->trial = calloc(last, sizeof *s->trial);
    if (!s->trial)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (uint32_t k = 1; k <= last; k++)
        if (k == o->k || (all && k >= 2 && k <= most)) {
            s->chosen = k == o->k ? s->trials : s->chosen;
            s->trial[s->trials++].k = k;
        }
    return s->trials ? 0
                     : err_set(err, ERR_INPUT, "%zu people: too few to choose a number of clusters",
                               s->n);
}

static int find_labels(struct cluster_study *s, struct workers *workers, struct err *err)
{
    uint32_t k[CLUSTERS_MAX + 1] = {0};
    struct kmeans_options options = KMEANS_DEFAULTS;
    struct kmeans_result kmeans[CLUSTERS_MAX + 1];
    struct spectral_result spectral[CLUSTERS_MAX + 1];
    options.seed = s->options.seed;
    for (size_t t = 0; t < s->trials; t++)
        k[t] = s->trial[t].k;
    bool is_spectral = s->options.method == CLUSTER_SPECTRAL;
    int result = is_spectral ? spectral_run(s->points, s->n, s->d, k, s->trials, &options, workers,
                                            &s->parts, spectral, err)
                             : kmeans_run(s->points, s->n, s->d, k, s->trials, &options, workers,
                                          kmeans, err);
    for (size_t t = 0; result == 0 && t < s->trials; t++) {
        uint32_t **label = is_spectral ? &spectral[t].label : &kmeans[t].label;
        number_by_size(*label, s->n, k[t]);
        s->trial[t].label = *label;
        *label = NULL;
        if (!is_spectral)
            kmeans_release(&kmeans[t]);
    }
    return result;
}

static int find_silhouettes(struct cluster_study *s, struct workers *workers, struct err *err)
{
    struct progress progress;
    int result = 0;
    progress_begin(&progress, "silhouettes", "clusterings", s->options.quiet);
    for (size_t t = 0; result == 0 && t < s->trials; t++) {
        struct cluster_trial *trial = &s->trial[t];
        trial->silhouette = (double)NAN;
        if (trial->k > 1)
            result = silhouette(s->points, s->n, s->d, trial->label, trial->k, workers, NULL,
                                &trial->silhouette, err);
        progress_update(&progress, t + 1, (double)(t + 1) / (double)s->trials, "%s", "");
        if (s->options.k == 0 && !(trial->silhouette <= s->trial[s->chosen].silhouette))
            s->chosen = t;
    }
    progress_end(&progress);
    return result;
}

/* ---- more about the chosen one ---- */

static double inertia_of(const struct cluster_study *s, const uint32_t *label, uint32_t k)
{
    double centroids[CLUSTERS_MAX * USER_COLUMNS];
    partition_centroids(s->points, s->n, s->d, label, k, centroids);
    return partition_inertia(s->points, s->n, s->d, label, centroids);
}

static int describe(struct cluster_study *s, struct workers *workers, struct err *err)
{
    const struct cluster_trial *chosen = &s->trial[s->chosen];
    uint32_t *one = calloc(s->n, sizeof *one);
    double mean;
    if (!one)
        return err_set(err, ERR_MEMORY, "out of memory for %zu people", s->n);
    s->total = inertia_of(s, one, 1);
    s->inertia = inertia_of(s, chosen->label, chosen->k);
    free(one);
    if (chosen->k == 1)
        return 0;
    s->silhouette = malloc(s->n * sizeof *s->silhouette);
    if (!s->silhouette)
        return err_set(err, ERR_MEMORY, "out of memory for %zu people", s->n);
    return silhouette(s->points, s->n, s->d, chosen->label, chosen->k, workers, s->silhouette,
                      &mean, err);
}

static int find_elbow(struct cluster_study *s, struct workers *workers, struct err *err)
{
    uint32_t k[ELBOW_K_MAX];
    struct kmeans_options options = KMEANS_DEFAULTS;
    struct kmeans_result result[ELBOW_K_MAX];
    options.seed = s->options.seed;
    s->elbow_max = s->different < ELBOW_K_MAX ? (uint32_t)s->different : ELBOW_K_MAX;
    for (uint32_t i = 0; i < s->elbow_max; i++)
        k[i] = i + 1;
    if (kmeans_run(s->points, s->n, s->d, k, s->elbow_max, &options, workers, result, err))
        return -1;
    for (uint32_t i = 0; i < s->elbow_max; i++) {
        s->elbow[i + 1] = result[i].inertia;
        kmeans_release(&result[i]);
    }
    return 0;
}

static int try_random(struct cluster_study *s, struct workers *workers, struct err *err)
{
    const struct cluster_trial *chosen = &s->trial[s->chosen];
    uint32_t *label = malloc(s->n * sizeof *label);
    struct random_partitions *random = &s->random;
    struct progress progress;
    int result = label ? 0 : err_set(err, ERR_MEMORY, "out of memory for %zu people", s->n);
    *random = (struct random_partitions){.silhouette_low = HUGE_VAL,
                                         .silhouette_high = -HUGE_VAL,
                                         .between_low = HUGE_VAL,
                                         .between_high = -HUGE_VAL};
    progress_begin(&progress, "random partitions", "partitions", s->options.quiet);
    for (uint32_t i = 0; result == 0 && i < s->options.against_random; i++) {
        double mean = 0;
        partition_shuffle(chosen->label, s->n, s->options.seed, i, label);
        result = silhouette(s->points, s->n, s->d, label, chosen->k, workers, NULL, &mean, err);
        double between = s->total > 0 ? 1 - inertia_of(s, label, chosen->k) / s->total : 0;
        random->count++;
        random->above += mean >= chosen->silhouette;
        random->silhouette_low = fmin(random->silhouette_low, mean);
        random->silhouette_high = fmax(random->silhouette_high, mean);
        random->between_low = fmin(random->between_low, between);
        random->between_high = fmax(random->between_high, between);
        progress_update(&progress, i + 1, (i + 1.0) / s->options.against_random, "%s", "");
    }
    progress_end(&progress);
    free(label);
    return result;
}

/* ---- the whole ---- */

static int study(struct cluster_study *s, struct workers *workers, struct err *err)
{
    if (make_points(s, err) || check_different(s, err) || choose_trials(s, err) ||
        find_labels(s, workers, err) || find_silhouettes(s, workers, err) ||
        describe(s, workers, err))
        return -1;
    if (s->options.curves && find_elbow(s, workers, err))
        return -1;
    bool random = s->options.against_random > 0 && s->trial[s->chosen].k > 1;
    return random ? try_random(s, workers, err) : 0;
}

int cluster_study_run(const struct people *people, const struct cluster_study_options *options,
                      struct cluster_study *out, struct err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (check_columns(people, options, err))
        return -1;
    struct workers *workers = workers_new(cores > 1 ? (size_t)cores : 1, err);
    if (!workers)
        return -1;
    *out = (struct cluster_study){
        .people = people, .options = *options, .n = people->count, .d = options->columns};
    int result = study(out, workers, err);
    workers_free(workers);
    if (result)
        cluster_study_release(out);
    return result;
}

void cluster_study_release(struct cluster_study *study)
{
    for (size_t t = 0; t < study->trials; t++)
        free(study->trial[t].label);
    free(study->trial);
    free(study->points);
    free(study->silhouette);
    *study = (struct cluster_study){0};
}

static uint32_t sessions_of(const struct person *person)
{
    double sessions = person->column[COLUMN_TOTAL_SESSIONS];
    return sessions >= 1 && sessions <= UINT32_MAX ? (uint32_t)sessions : 0;
}

int cluster_study_result(const struct cluster_study *study, struct clustering *out, struct err *err)
{
    const struct cluster_study *s = study;
    const struct cluster_trial *chosen = &s->trial[s->chosen];
    *out = (struct clustering){
        .method = s->options.method, .k = chosen->k, .columns = (uint32_t)s->d, .members = s->n};
    memcpy(out->column, s->options.column, sizeof out->column);
    if (clustering_init(out, err))
        return -1;
    memcpy(out->mean, s->mean, s->d * sizeof *out->mean);
    memcpy(out->scale, s->scale, s->d * sizeof *out->scale);
    partition_centroids(s->points, s->n, s->d, chosen->label, chosen->k, out->centroids);
    for (size_t i = 0; i < s->n; i++) {
        memcpy(out->member[i].user_id, s->people->person[i].user_id, sizeof out->member[i].user_id);
        out->member[i].label = chosen->label[i];
        out->member[i].sessions = sessions_of(&s->people->person[i]);
    }
    if (out->points)
        memcpy(out->points, s->points, s->n * s->d * sizeof *out->points);
    out->seed = s->options.seed;
    out->inertia = s->inertia;
    out->silhouette = chosen->silhouette;
    if (clustering_finish(out, err) == 0)
        return 0;
    clustering_release(out);
    return -1;
}
