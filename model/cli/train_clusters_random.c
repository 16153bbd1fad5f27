/* train_clusters_random.c - nobody should take noise for structure: any partition of people into
 * groups gives nets of their own something to fit. So as many random partitions of the same sizes
 * are trained and scored in the same way, and it is said where the true one lies among them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/train_clusters.h"
#include "cluster/partitions.h"

/* What one partition came to on the last fifth of everybody's sessions. */
struct worth {
    double pbi, m1;
    uint32_t own; /* clusters with a net of their own */
};

static int score(const struct train_source *source, const struct train_data *data,
                 struct predictor *global, struct bundle_clusters *clusters, struct worth *out,
                 struct err *err)
{
    struct train_source listed = *source; /* everybody stays where the partition has them */
    struct score_sums total = {0};
    size_t users;
    listed.params.cluster_recheck_sessions = 0;
    struct scores *scores = train_score(&listed, data, global, clusters, true, err);
    struct score_sums *sums = scores ? scores_by_user(scores, &users, err) : NULL;
    scores_free(scores);
    if (!sums)
        return -1;
    for (size_t u = 0; u < users; u++)
        score_sums_merge(&total, &sums[u]);
    free(sums);
    *out = (struct worth){.pbi = score_pbi(&total, SCORED_NET), .m1 = score_m1(&total, SCORED_NET)};
    for (uint32_t c = 0; clusters && c < clusters->of.k; c++)
        out->own += clusters->cluster[c].net != NULL;
    return 0;
}

/* The same people, sizes and centroids; who is in which is drawn. @return 0, -1 with ERR_MEMORY */
static int shuffle_labels(struct clustering *of, uint64_t seed, uint64_t number, struct err *err)
{
    size_t n = of->members;
    uint32_t *label = calloc(2 * n + 1, sizeof *label), *drawn = label ? label + n : NULL;
    if (!label)
        return err_set(err, ERR_MEMORY, "out of memory for %zu people", n);
    for (size_t i = 0; i < n; i++)
        label[i] = of->member[i].label;
    partition_shuffle(label, n, seed, number, drawn);
    for (size_t i = 0; i < n; i++)
        of->member[i].label = drawn[i];
    free(label);
    return 0;
}

static int try_random(const struct train_clusters *how, const struct recipe *recipe,
                      const struct train_source *source, const struct train_data *data,
                      struct predictor *global, uint64_t number, struct worth *out, struct err *err)
{
    struct clustering of;
    struct bundle_clusters clusters = {0};
    if (clustering_copy(how->of, &of, err))
        return -1;
    int result = shuffle_labels(&of, recipe->options.seed, number, err);
    if (result == 0)
        result = train_clusters_run(how, recipe, source, data, global, &of, &clusters, err);
    if (result == 0)
        result = score(source, data, global, &clusters, out, err);
    bundle_clusters_release(&clusters);
    clustering_release(&of);
    return result;
}

/* A net of one output has no pinball loss. */
static void put_ratio(double ratio, double global)
{
    if (isnan(ratio))
        printf(" %8s %9s", "-", "");
    else
        printf(" %8.4f (%+.4f)", ratio, ratio - global);
}

static void put(const char *name, const struct worth *o, const struct worth *global)
{
    printf("%-10s", name);
    put_ratio(o->pbi, global->pbi);
    put_ratio(o->m1, global->m1);
    printf("  %u\n", o->own);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Lower is better. @param values (count), put into order */
static void put_place(const char *name, double value, double *values, size_t count)
{
    size_t as_good = 0;
    if (isnan(value))
        return;
    for (size_t i = 0; i < count; i++)
        as_good += values[i] <= value;
    qsort(values, count, sizeof *values, by_value);
    printf("%s: of %zu random partition%s (best %.4f, median %.4f, worst %.4f) %zu %s as good as "
           "the true one; chance alone would do as well with p = %.3f\n",
           name, count, count == 1 ? "" : "s", values[0],
           (values[(count - 1) / 2] + values[count / 2]) / 2, values[count - 1], as_good,
           as_good == 1 ? "is" : "are", (double)(as_good + 1) / (double)(count + 1));
}

int train_clusters_random(const struct train_clusters *how, const struct recipe *recipe,
                          const struct train_source *source, const struct train_data *data,
                          struct predictor *global, struct bundle_clusters *clusters,
                          struct err *err)
{
    const size_t count = how->against_random;
    struct worth none, true_one, random;
    double *pbi = calloc(2 * count, sizeof *pbi), *m1 = pbi ? pbi + count : NULL;
    int result = -1;
    if (!pbi) {
        err_set(err, ERR_MEMORY, "out of memory for %zu partitions", count);
        goto out;
    }
    if (score(source, data, global, NULL, &none, err) ||
        score(source, data, global, clusters, &true_one, err))
        goto out;
    printf("\npartition       PBi (to global)       M1 (to global)  nets of their own\n");
    put("global", &none, &none);
    put("true", &true_one, &none);
    for (size_t r = 0; r < count; r++) {
        char name[32];
        if (try_random(how, recipe, source, data, global, r + 1, &random, err))
            goto out;
        snprintf(name, sizeof name, "random %zu", r + 1);
        put(name, &random, &none);
        fflush(stdout);
        pbi[r] = random.pbi;
        m1[r] = random.m1;
    }
    putchar('\n');
    put_place("PBi", true_one.pbi, pbi, count);
    put_place("M1", true_one.m1, m1, count);
    result = 0;
out:
    free(pbi);
    return result;
}
