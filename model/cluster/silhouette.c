#include "cluster/silhouette.h"

#include <math.h>
#include <stdlib.h>

#include "cluster/distances.h"
#include "cluster/panels.h"

#define TASK_POINTS 64

struct job {
    const double *points;
    const uint32_t *label;
    size_t n, d;
    uint32_t k;
    const struct distance_kernels *kernels;
    struct panels *cluster; /* (k) of each cluster's points */
    double *out;            /* (n) */
    double *sum;            /* (threads, k) distances to the points of each cluster */
};

static double silhouette_of(const struct job *job, size_t i, double *sum)
{
    uint32_t own = job->label[i];
    double b = HUGE_VAL;
    for (uint32_t j = 0; j < job->k; j++)
        sum[j] = job->cluster[j].points
                     ? job->kernels->sum(job->cluster[j].x, job->cluster[j].points, job->d,
                                         job->points + i * job->d)
                     : 0;
    if (job->cluster[own].points < 2)
        return 0;
    double a = sum[own] / (double)(job->cluster[own].points - 1);
    for (uint32_t j = 0; j < job->k; j++)
        if (j != own && job->cluster[j].points > 0)
            b = fmin(b, sum[j] / (double)job->cluster[j].points);
    double larger = fmax(a, b);
    return isfinite(b) && larger > 0 ? (b - a) / larger : 0;
}

static void run_task(void *ctx, size_t worker, size_t task)
{
    struct job *job = ctx;
    for (size_t i = task * TASK_POINTS; i < (task + 1) * TASK_POINTS && i < job->n; i++)
        job->out[i] = silhouette_of(job, i, job->sum + worker * job->k);
}

/* The points of each cluster side by side. */
static int gather(struct job *job, struct err *err)
{
    int result = -1;
    uint32_t *order = malloc(job->n * sizeof *order);
    if (!order)
        return err_set(err, ERR_MEMORY, "out of memory for %zu points", job->n);
    for (uint32_t j = 0; j < job->k; j++) {
        size_t count = 0;
        for (uint32_t i = 0; i < job->n; i++)
            if (job->label[i] == j)
                order[count++] = i;
        if (count > 0 && panels_init(&job->cluster[j], job->points, count, job->d, order, err))
            goto out;
    }
    result = 0;
out:
    free(order);
    return result;
}

int silhouette(const double *points, size_t n, size_t d, const uint32_t *label, uint32_t k,
               struct workers *workers, double *out, double *mean, struct err *err)
{
    int result = -1;
    double *own = out ? NULL : malloc(n * sizeof *own), sum = 0;
    struct job job = {.points = points,
                      .label = label,
                      .n = n,
                      .d = d,
                      .k = k,
                      .kernels = distance_kernels_best(),
                      .cluster = calloc(k, sizeof *job.cluster),
                      .out = out ? out : own,
                      .sum = malloc(workers_count(workers) * k * sizeof *job.sum)};
    if (!job.out || !job.cluster || !job.sum) {
        err_set(err, ERR_MEMORY, "out of memory for silhouettes of %zu points", n);
        goto out;
    }
    if (gather(&job, err))
        goto out;
    workers_run(workers, (n + TASK_POINTS - 1) / TASK_POINTS, run_task, &job);
    for (size_t i = 0; i < n; i++)
        sum += job.out[i];
    *mean = sum / (double)n;
    result = 0;
out:
    for (uint32_t j = 0; job.cluster && j < k; j++)
        panels_release(&job.cluster[j]);
    free(job.cluster);
    free(job.sum);
    free(own);
    return result;
}
