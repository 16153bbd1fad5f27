/* bench_cluster.c - what clustering costs in wall time and memory. Without arguments it invents
 * people; peers/cluster.py gives it the same points as scikit-learn gets:
 *     bench_cluster TASK FILE N D THREADS K_FROM K_TO
 * TASK kmeans (all k, 10 starts each), silhouette (of a k-means with K_FROM) or spectral (K_FROM);
 * FILE has N x D doubles. Prints TASK, N, seconds, seconds of CPU, the process's peak memory in MB
 * and what came out: the sum of inertias, the mean silhouette, the silhouette of the labels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_clock.h"
#include "cluster/kmeans.h"
#include "cluster/silhouette.h"
#include "cluster/spectral.h"
#include "core/random.h"

struct task {
    const char *name;
    const double *points;
    size_t n, d, threads;
    uint32_t from, to; /* k */
};

/* Wall and CPU seconds of what is measured. */
struct spent {
    double begin, cpu_begin, seconds, cpu;
};

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void spent_begin(struct spent *spent)
{
    spent->begin = bench_now_ns();
    spent->cpu_begin = cpu_now();
}

static void spent_end(struct spent *spent)
{
    spent->seconds = (bench_now_ns() - spent->begin) / 1e9;
    spent->cpu = cpu_now() - spent->cpu_begin;
}

static double run_kmeans(const struct task *t, struct workers *workers, struct spent *spent,
                         struct err *err)
{
    const struct kmeans_options options = KMEANS_DEFAULTS;
    uint32_t k[256], count = 0;
    struct kmeans_result result[256];
    double inertia = 0;
    for (uint32_t i = t->from; i <= t->to; i++)
        k[count++] = i;
    spent_begin(spent);
    if (kmeans_run(t->points, t->n, t->d, k, count, &options, workers, result, err))
        return -1;
    spent_end(spent);
    for (uint32_t i = 0; i < count; i++) {
        inertia += result[i].inertia;
        kmeans_release(&result[i]);
    }
    return inertia;
}

static double run_silhouette(const struct task *t, struct workers *workers, struct spent *spent,
                             struct err *err)
{
    const struct kmeans_options options = KMEANS_DEFAULTS;
    struct kmeans_result result;
    double mean = -1;
    if (kmeans_run(t->points, t->n, t->d, &t->from, 1, &options, workers, &result, err))
        return -1;
    spent_begin(spent);
    if (silhouette(t->points, t->n, t->d, result.label, t->from, workers, NULL, &mean, err))
        mean = -1;
    spent_end(spent);
    kmeans_release(&result);
    return mean;
}

static double run_spectral(const struct task *t, struct workers *workers, struct spent *spent,
                           struct err *err)
{
    const struct kmeans_options options = KMEANS_DEFAULTS;
    struct spectral_result result;
    size_t parts;
    double mean = -1;
    spent_begin(spent);
    if (spectral_run(t->points, t->n, t->d, &t->from, 1, &options, workers, &parts, &result, err))
        return -1;
    spent_end(spent);
    if (t->n <= 20000 &&
        silhouette(t->points, t->n, t->d, result.label, t->from, workers, NULL, &mean, err))
        mean = -1;
    spectral_release(&result);
    return mean;
}

/* Of this program: what getrusage says begins with whoever started it. */
static double peak_mb(void)
{
    char line[128];
    unsigned long kb = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtoul(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return (double)kb / 1024;
}

static int run(const struct task *t)
{
    struct err err = {0};
    struct spent spent = {0};
    double said = -1;
    struct workers *workers = workers_new(t->threads, &err);
    if (workers && strcmp(t->name, "kmeans") == 0)
        said = run_kmeans(t, workers, &spent, &err);
    else if (workers && strcmp(t->name, "silhouette") == 0)
        said = run_silhouette(t, workers, &spent, &err);
    else if (workers && strcmp(t->name, "spectral") == 0)
        said = run_spectral(t, workers, &spent, &err);
    workers_free(workers);
    if (err.code) {
        fprintf(stderr, "bench_cluster: %s\n", err.text);
        return 1;
    }
    printf("%s\t%zu\t%.4f\t%.4f\t%.1f\t%.10g\n", t->name, t->n, spent.seconds, spent.cpu, peak_mb(),
           said);
    return 0;
}

/* People of a few kinds with long tails, in six columns. */
static double *invent(size_t n)
{
    struct random random;
    double *points = malloc(n * 6 * sizeof *points);
    random_init(&random, 1, 0);
    for (size_t i = 0; points && i < n; i++) {
        double kind = (double)random_below(&random, 4);
        for (size_t c = 0; c < 6; c++)
            points[i * 6 + c] = kind * (double)(c % 2) -
                                log(random_uniform(&random) * random_uniform(&random) + 1e-9);
    }
    return points;
}

static int run_all(void)
{
    static const struct {
        const char *name;
        size_t n;
        uint32_t from, to;
    } tasks[] = {{"kmeans", 992, 2, 29},    {"kmeans", 20000, 2, 29}, {"silhouette", 20000, 5, 5},
                 {"spectral", 992, 3, 3},   {"spectral", 5000, 3, 3}, {"spectral", 20000, 3, 3},
                 {"spectral", 100000, 3, 3}};
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof tasks / sizeof *tasks; i++) {
        double *points = invent(tasks[i].n);
        const struct task task = {tasks[i].name, points,     tasks[i].n, 6, 2,
                                  tasks[i].from, tasks[i].to};
        status = points ? run(&task) : 1;
        free(points);
    }
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return run_all();
    if (argc != 8) {
        fprintf(stderr, "usage: bench_cluster [TASK FILE N D THREADS K_FROM K_TO]\n");
        return 2;
    }
    size_t n = strtoul(argv[3], NULL, 10), d = strtoul(argv[4], NULL, 10);
    double *points = malloc(n * d * sizeof *points);
    FILE *file = fopen(argv[2], "rb");
    if (!points || !file || fread(points, d * sizeof *points, n, file) != n) {
        fprintf(stderr, "bench_cluster: %s does not have %zu x %zu doubles\n", argv[2], n, d);
        free(points);
        return 1;
    }
    fclose(file);
    const struct task task = {argv[1],
                              points,
                              n,
                              d,
                              strtoul(argv[5], NULL, 10),
                              (uint32_t)strtoul(argv[6], NULL, 10),
                              (uint32_t)strtoul(argv[7], NULL, 10)};
    int status = run(&task);
    free(points);
    return status;
}
