/* cluster_study.h - people as points, clustered with every k that was asked for, and the one that
 * was chosen. Computes; prints nothing but the progress line. */
#ifndef OUTRO_CLI_CLUSTER_STUDY_H
#define OUTRO_CLI_CLUSTER_STUDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/people.h"
#include "cluster/clustering.h"
#include "core/err.h"

#define ELBOW_K_MAX 29

struct cluster_study_options {
    enum cluster_method method;
    enum user_column column[USER_COLUMNS];
    uint32_t columns;
    bool standardise;
    uint32_t k;     /* 0: by silhouette, of 2 .. k_max */
    uint32_t k_max; /* of auto, and of the silhouettes of a report */
    bool curves;    /* silhouettes of 2 .. k_max and the elbow as well: for a report */
    uint32_t against_random;
    uint64_t min_users; /* a cluster of fewer is too small to train a net on */
    uint64_t seed;
    bool quiet;
};

/* One k, tried. */
struct cluster_trial {
    uint32_t k;
    double silhouette; /* mean; NAN for k 1 */
    uint32_t *label;   /* (people) the largest cluster first, owned */
};

/* Where the true partition lies among random ones of the same sizes. */
struct random_partitions {
    uint32_t count, above; /* above: as good or better than the true one by silhouette */
    double silhouette_low, silhouette_high;
    double between_low, between_high; /* share of the variance that is between the clusters */
};

struct cluster_study {
    const struct people *people; /* borrowed */
    struct cluster_study_options options;
    size_t n, d;
    size_t different; /* points, of n */
    double mean[USER_COLUMNS], scale[USER_COLUMNS];
    double *points;                /* (n, d) scaled, owned */
    struct cluster_trial *trial;   /* (trials) by rising k, owned */
    size_t trials, chosen;         /* chosen: which */
    double elbow[ELBOW_K_MAX + 1]; /* inertia of k-means by k, 1 .. elbow_max */
    uint32_t elbow_max;
    double *silhouette;    /* (n) of the chosen, owned; NULL for k 1 */
    double inertia, total; /* of the chosen, of one cluster */
    size_t parts;          /* spectral: connected components of the graph; else 0 */
    struct random_partitions random;
};

/** @return 0, or -1: ERR_USAGE (a column that these people do not have, more clusters than people),
 * ERR_INPUT (nobody to tell apart, more clusters than different people), ERR_MEMORY, ERR_CHECK;
 * nothing to release */
int cluster_study_run(const struct people *people, const struct cluster_study_options *options,
                      struct cluster_study *out, struct err *err) MUST_CHECK;
void cluster_study_release(struct cluster_study *study);

/** What goes into a file. @param out finished, release it */
int cluster_study_result(const struct cluster_study *study, struct clustering *out,
                         struct err *err) MUST_CHECK;

#endif
