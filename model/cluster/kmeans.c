#include "cluster/kmeans.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/kd_tree.h"
#include "cluster/kmeans_parts.h"

/* ---- the points, prepared ---- */

struct prepared {
    struct kmeans_points points;
    uint32_t *order; /* (n) which row stands where */
    double *mean;    /* (d) */
};

static void prepared_release(struct prepared *prepared)
{
    panels_release(&prepared->points.panels);
    panel_boxes_release(&prepared->points.boxes);
    free(prepared->order);
    free(prepared->mean);
}

static double centre_columns(double *points, size_t n, size_t d, double *mean)
{
    double variances = 0;
    for (size_t c = 0; c < d; c++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++)
            sum += points[i * d + c];
        mean[c] = sum / (double)n;
        for (size_t i = 0; i < n; i++) {
            points[i * d + c] -= mean[c];
            squares += points[i * d + c] * points[i * d + c];
        }
        variances += squares / (double)n;
    }
    return variances / (double)d;
}

static int prepare(const double *points, size_t n, size_t d, struct prepared *out, struct err *err)
{
    int result = -1;
    struct kmeans_points ready = {.kernels = distance_kernels_best()};
    struct kd_tree *tree = NULL;
    double *centred = malloc(n * d * sizeof *centred), *mean = malloc(d * sizeof *mean);
    uint32_t *order = malloc(n * sizeof *order);
    if (!centred || !mean || !order) {
        err_set(err, ERR_MEMORY, "out of memory for %zu points", n);
        goto out;
    }
    memcpy(centred, points, n * d * sizeof *centred);
    ready.mean_variance = centre_columns(centred, n, d, mean);
    tree = kd_tree_new(centred, n, d, err);
    if (!tree)
        goto out;
    memcpy(order, kd_tree_order(tree), n * sizeof *order);
    if (panels_init(&ready.panels, centred, n, d, order, err))
        goto out;
    if (panel_boxes_init(&ready.boxes, &ready.panels, err)) {
        panels_release(&ready.panels);
        goto out;
    }
    *out = (struct prepared){ready, order, mean};
    order = NULL;
    mean = NULL;
    result = 0;
out:
    kd_tree_free(tree);
    free(centred);
    free(mean);
    free(order);
    return result;
}

/* ---- one worker's memory ---- */

static void scratch_release(struct kmeans_scratch *s)
{
    free(s->memory);
    free(s->label);
    free(s->members);
    free(s->order);
    *s = (struct kmeans_scratch){0};
}

static double *carve(double **memory, size_t count)
{
    double *piece = *memory;
    *memory += count;
    return piece;
}

static int scratch_init(struct kmeans_scratch *s, const struct kmeans_points *points, uint32_t k,
                        struct err *err)
{
    size_t d = points->panels.d, padded = points->panels.count * PANEL_POINTS;
    size_t groups = points->boxes.groups;
    double *memory =
        malloc((4 * padded + 2 * groups + 3 * k * d + (4 + 2 * k) * k) * sizeof *memory);
    *s = (struct kmeans_scratch){.padded = padded,
                                 .memory = memory,
                                 .label = malloc(2 * padded * sizeof *s->label),
                                 .members = malloc(k * sizeof *s->members),
                                 .order = malloc((size_t)k * k * sizeof *s->order)};
    if (!memory || !s->label || !s->members || !s->order) {
        scratch_release(s);
        return err_set(err, ERR_MEMORY, "out of memory for %zu points", padded);
    }
    s->kept_label = s->label + padded;
    s->closest2 = carve(&memory, padded);
    s->second2 = carve(&memory, padded);
    s->upper = carve(&memory, padded);
    s->lower = carve(&memory, padded);
    s->group_sum = carve(&memory, groups);
    s->group_most = carve(&memory, groups);
    s->centres = carve(&memory, k * d);
    s->sums = carve(&memory, k * d);
    s->kept = carve(&memory, k * d);
    s->loss = carve(&memory, k);
    s->loss_with = carve(&memory, k);
    s->moved = carve(&memory, k);
    s->half_gap = carve(&memory, k);
    s->gap = carve(&memory, (size_t)k * k);
    s->apart = carve(&memory, (size_t)k * k);
    return 0;
}

/* ---- all starts ---- */

struct start {
    uint32_t k, number, iterations;
    double inertia;
    double *centres; /* (k, d) of the prepared points, owned */
};

struct job {
    const struct prepared *prepared;
    const struct kmeans_options *options;
    struct kmeans_scratch *scratch; /* (threads) */
    struct start *start;            /* (starts) the largest k first */
    size_t threads, starts, results;
    struct kmeans_result *result;
};

/* Few points have as many local minima as many points, and cost nothing: there more starts are
 * improved. */
static uint32_t improved_starts(const struct kmeans_options *options, size_t n)
{
    size_t improved = options->improved + 2400 / n;
    return improved < options->starts ? (uint32_t)improved : options->starts;
}

static void run_start(void *ctx, size_t worker, size_t i)
{
    struct job *job = ctx;
    struct start *start = &job->start[i];
    const struct kmeans_points *points = &job->prepared->points;
    struct kmeans_scratch *scratch = &job->scratch[worker];
    struct random random;
    random_init(&random, job->options->seed, (uint64_t)start->k << 32 | start->number);
    kmeans_seed(points, scratch, start->k, &random);
    start->inertia = kmeans_lloyd(points, scratch, start->k, job->options, &start->iterations);
    memcpy(start->centres, scratch->centres, start->k * points->panels.d * sizeof(double));
}

/* The starts stand by k, and of each k the best in front (of equals the first). */
static struct start *starts_of(const struct job *job, uint32_t k)
{
    struct start *start = job->start;
    while (start->k != k)
        start++;
    return start;
}

static void improve_start(void *ctx, size_t worker, size_t i)
{
    struct job *job = ctx;
    size_t improved = improved_starts(job->options, job->prepared->points.panels.points);
    struct start *start = starts_of(job, job->result[i / improved].k) + i % improved;
    const struct kmeans_points *points = &job->prepared->points;
    struct kmeans_scratch *scratch = &job->scratch[worker];
    size_t bytes = start->k * points->panels.d * sizeof *start->centres;
    struct random random;
    random_init(&random, job->options->seed,
                (uint64_t)start->k << 32 | (job->options->starts + start->number));
    memcpy(scratch->centres, start->centres, bytes);
    start->inertia = kmeans_improve(points, scratch, start->k, job->options, &random);
    memcpy(start->centres, scratch->centres, bytes);
}

/* The best start's centres, back where the points were, and who belongs to them. */
static void conclude(void *ctx, size_t worker, size_t i)
{
    struct job *job = ctx;
    struct kmeans_result *result = &job->result[i];
    const struct kmeans_points *points = &job->prepared->points;
    const struct start *best = starts_of(job, result->k);
    size_t d = points->panels.d;
    (void)worker;
    result->iterations = best->iterations;
    result->inertia = best->inertia;
    for (size_t panel = 0; panel < points->panels.count; panel++) {
        struct panel_nearest nearest;
        const uint32_t *order = job->prepared->order + panel * PANEL_POINTS;
        points->kernels->nearest(panel_at(&points->panels, panel), d, best->centres, best->k,
                                 &nearest);
        for (size_t lane = 0; lane < panel_points(&points->panels, panel); lane++)
            result->label[order[lane]] = (uint32_t)nearest.label[lane];
    }
    for (size_t c = 0; c < result->k * d; c++)
        result->centroids[c] = best->centres[c] + job->prepared->mean[c % d];
}

static void job_release(struct job *job)
{
    for (size_t i = 0; job->scratch && i < job->threads; i++)
        scratch_release(&job->scratch[i]);
    for (size_t i = 0; job->start && i < job->starts; i++)
        free(job->start[i].centres);
    free(job->scratch);
    free(job->start);
}

/* The largest k first, since they take longest and nobody should wait for them in the end. */
static int by_k_and_inertia(const void *a, const void *b)
{
    const struct start *x = a, *y = b;
    if (x->k != y->k)
        return x->k > y->k ? -1 : 1;
    if (x->inertia != y->inertia)
        return x->inertia < y->inertia ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static void sort_starts(struct job *job)
{
    qsort(job->start, job->starts, sizeof *job->start, by_k_and_inertia);
}

/* @return 0; -1 with ERR_MEMORY, job_release() all the same */
static int job_init(struct job *job, const uint32_t *k, struct err *err)
{
    size_t d = job->prepared->points.panels.d, at = 0;
    uint32_t k_max = 1;
    job->scratch = calloc(job->threads, sizeof *job->scratch);
    job->start = calloc(job->starts + 1, sizeof *job->start);
    for (size_t i = 0; job->start && i < job->results; i++) {
        k_max = k[i] > k_max ? k[i] : k_max;
        for (uint32_t number = 0; number < job->options->starts; number++) {
            double *centres = malloc(k[i] * d * sizeof *centres);
            if (!centres)
                return err_set(err, ERR_MEMORY, "out of memory for %u centres", k[i]);
            job->start[at++] = (struct start){.k = k[i], .number = number, .centres = centres};
        }
    }
    if (!job->scratch || !job->start)
        return err_set(err, ERR_MEMORY, "out of memory");
    sort_starts(job);
    for (size_t i = 0; i < job->threads; i++)
        if (scratch_init(&job->scratch[i], &job->prepared->points, k_max, err))
            return -1;
    return 0;
}

static int results_init(struct kmeans_result *out, const uint32_t *k, size_t count, size_t n,
                        size_t d, struct err *err)
{
    memset(out, 0, count * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i].k = k[i];
        out[i].centroids = calloc(k[i] * d, sizeof *out[i].centroids);
        out[i].label = calloc(n, sizeof *out[i].label);
        if (!out[i].centroids || !out[i].label)
            return err_set(err, ERR_MEMORY, "out of memory for %zu points", n);
    }
    return 0;
}

int kmeans_run(const double *points, size_t n, size_t d, const uint32_t *k, size_t count,
               const struct kmeans_options *options, struct workers *workers,
               struct kmeans_result *out, struct err *err)
{
    struct prepared prepared;
    for (size_t i = 0; i < count; i++)
        assert(k[i] >= 1 && k[i] <= n);
    assert(n < UINT32_MAX && d <= KD_DIMENSIONS_MAX && options->starts > 0);
    if (prepare(points, n, d, &prepared, err))
        return -1;
    struct job job = {.prepared = &prepared,
                      .options = options,
                      .threads = workers_count(workers),
                      .starts = count * options->starts,
                      .results = count,
                      .result = out};
    int result = results_init(out, k, count, n, d, err);
    if (result == 0)
        result = job_init(&job, k, err);
    if (result == 0) {
        workers_run(workers, job.starts, run_start, &job);
        sort_starts(&job);
        workers_run(workers, count * improved_starts(options, n), improve_start, &job);
        sort_starts(&job);
        workers_run(workers, count, conclude, &job);
    }
    job_release(&job);
    prepared_release(&prepared);
    for (size_t i = 0; result && i < count; i++)
        kmeans_release(&out[i]);
    return result;
}

void kmeans_release(struct kmeans_result *result)
{
    free(result->centroids);
    free(result->label);
    *result = (struct kmeans_result){0};
}
