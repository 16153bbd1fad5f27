#include "cli/cluster_summary.h"

#include <math.h>
#include <string.h>

#include "cluster/partitions.h"

#define WEAK_SILHOUETTE .25 /* below: no substantial structure (Kaufman and Rousseeuw, 1990) */

static const struct cluster_trial *chosen_of(const struct cluster_study *study)
{
    return &study->trial[study->chosen];
}

double cluster_summary_rounded(double value, int decimals)
{
    double unit = pow(10, decimals), whole = round(value * unit);
    return whole == 0 ? 0 : whole / unit;
}

double cluster_summary_between(const struct cluster_study *study)
{
    double share = study->total > 0 ? 1 - study->inertia / study->total : 0;
    return cluster_summary_rounded(100 * share, 1);
}

static double of_silhouette(double mean)
{
    return cluster_summary_rounded(mean, 3);
}

void cluster_summary_choice(const struct cluster_study *study, FILE *out)
{
    const struct cluster_trial *chosen = chosen_of(study), *next = NULL;
    if (study->options.k > 0) {
        fprintf(out, "it was asked for");
        if (!isnan(chosen->silhouette))
            fprintf(out, "; mean silhouette %.3f", of_silhouette(chosen->silhouette));
        return;
    }
    if (study->trials == 1) {
        fprintf(out, "no other was tried; mean silhouette %.3f", of_silhouette(chosen->silhouette));
        return;
    }
    for (size_t t = 0; t < study->trials; t++)
        if (t != study->chosen && (!next || study->trial[t].silhouette > next->silhouette))
            next = &study->trial[t];
    fprintf(out, "of 2 to %u it has the highest mean silhouette, %.3f",
            study->trial[study->trials - 1].k, of_silhouette(chosen->silhouette));
    if (next)
        fprintf(out, "; next is %u with %.3f", next->k, of_silhouette(next->silhouette));
}

void cluster_summary_random(const struct cluster_study *study, FILE *out)
{
    const struct random_partitions *random = &study->random;
    if (random->count == 0)
        return;
    double own = of_silhouette(chosen_of(study)->silhouette);
    double low = of_silhouette(random->silhouette_low);
    double between_low = cluster_summary_rounded(100 * random->between_low, 1);
    if (random->count == 1) {
        fprintf(out,
                "1 random partition of the same sizes has the mean silhouette %.3f, this one %.3f: "
                "%sbetter; %.1f %% of the variance is between its clusters, %.1f %% here",
                low, own, random->above == 0 ? "" : "NOT ", between_low,
                cluster_summary_between(study));
        return;
    }
    fprintf(out,
            "%u random partitions of the same sizes have mean silhouettes from %.3f to %.3f, this "
            "one %.3f: %s; %.1f to %.1f %% of the variance is between their clusters, %.1f %% here",
            random->count, low, of_silhouette(random->silhouette_high), own,
            random->above == 0 ? "better than all of them" : "NOT better than all of them",
            between_low, cluster_summary_rounded(100 * random->between_high, 1),
            cluster_summary_between(study));
}

static void count_sizes(const struct cluster_study *study, size_t *size)
{
    const struct cluster_trial *chosen = chosen_of(study);
    memset(size, 0, chosen->k * sizeof *size);
    for (size_t i = 0; i < study->n; i++)
        size[chosen->label[i]]++;
}

void cluster_summary_warnings(const struct cluster_study *study, FILE *out)
{
    const struct cluster_trial *chosen = chosen_of(study);
    size_t size[CLUSTERS_MAX], tiny = 0;
    count_sizes(study, size);
    for (uint32_t j = 0; j < chosen->k; j++)
        tiny += size[j] < study->options.min_users;
    if (study->parts > 1)
        fprintf(out,
                "the graph of nearest neighbours falls into %zu components%s: clusters follow them "
                "first\n",
                study->parts, study->parts > chosen->k ? ", more than there are clusters" : "");
    if (chosen->silhouette < WEAK_SILHOUETTE)
        fprintf(out, "a mean silhouette below %.2f is no substantial structure\n", WEAK_SILHOUETTE);
    if (tiny > 0)
        fprintf(out, "%zu cluster%s fewer than %llu people: too few to train a net on\n", tiny,
                tiny == 1 ? " has" : "s have", (unsigned long long)study->options.min_users);
}

static void print_table(const struct cluster_study *study, FILE *out)
{
    const struct cluster_trial *chosen = chosen_of(study);
    size_t size[CLUSTERS_MAX];
    count_sizes(study, size);
    fprintf(out, "\n%7s %7s %7s", "cluster", "people", "share");
    for (size_t c = 0; c < study->d; c++)
        fprintf(out, " %*s", (int)strlen(user_column_name(study->options.column[c])) + 5,
                user_column_name(study->options.column[c]));
    fputc('\n', out);
    for (uint32_t j = 0; j < chosen->k; j++) {
        fprintf(out, "%7u %7zu %5.1f %%", j, size[j], 100.0 * (double)size[j] / (double)study->n);
        for (size_t c = 0; c < study->d; c++) {
            enum user_column column = study->options.column[c];
            double sum = 0;
            for (size_t i = 0; i < study->n; i++)
                if (chosen->label[i] == j)
                    sum += study->people->person[i].column[column];
            fprintf(out, " %*.6g", (int)strlen(user_column_name(column)) + 5,
                    size[j] ? sum / (double)size[j] : 0);
        }
        fputc('\n', out);
    }
    fputs("columns: means of the cluster's people\n", out);
}

void cluster_summary_print(const struct cluster_study *study, FILE *out)
{
    const struct cluster_trial *chosen = chosen_of(study);
    fprintf(out, "people       %zu", study->n);
    if (study->people->left_out > 0)
        fprintf(out, " (%zu left out)", study->people->left_out);
    fprintf(out,
            "\nmethod       %s%s\nk            %u: ", cluster_method_name(study->options.method),
            study->options.standardise ? ", standardised" : "", chosen->k);
    cluster_summary_choice(study, out);
    fprintf(out, "\ninertia      %.6g", study->inertia);
    if (study->total > 0)
        fprintf(out, " (%.1f %% of the variance is between the clusters)",
                cluster_summary_between(study));
    fputc('\n', out);
    if (study->random.count > 0) {
        fputs("random       ", out);
        cluster_summary_random(study, out);
        fputc('\n', out);
    }
    print_table(study, out);
}
