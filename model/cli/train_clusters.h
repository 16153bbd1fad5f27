/* train_clusters.h - `outro train LOG --clusters FILE`: a net for each cluster, made from the
 * global one by going on with the people of that cluster alone, and what came of it as a table. */
#ifndef OUTRO_CLI_TRAIN_CLUSTERS_H
#define OUTRO_CLI_TRAIN_CLUSTERS_H

#include "bundle/bundle.h"
#include "cli/recipe.h"
#include "cli/train_data.h"

enum cluster_scaler {
    SCALER_GLOBAL, /* the global net's */
    SCALER_OWN,    /* fitted to the cluster's rows */
    SCALER_MIXED,  /* own for clusters of at most 200 people */
    CLUSTER_SCALERS
};
extern const char *const cluster_scaler_names[CLUSTER_SCALERS]; /* "global", "own", "mixed" */

struct train_clusters {
    const struct clustering *of; /* finished, borrowed; NULL: no clusters */
    uint64_t min_users;          /* a cluster of fewer keeps the global net; 30 */
    enum cluster_scaler scaler;
    bool force; /* publish a cluster's net also where it validates no better than the global one */
    uint64_t against_random; /* random partitions to compare with; 0: none */
    uint32_t threads;        /* clusters trained at a time; the bits do not depend on it */
};

/** Whether a bundle can take a clustering. @param name of where it comes from, for errors
 *  @return 0; -1 with ERR_INPUT: a column that no user's record keeps */
int train_clusters_check(const struct clustering *of, const char *name, struct err *err) MUST_CHECK;

/** Trains. @param global the net they begin with, of recipe's spec  @param of how->of or another of
 * its sizes; copied into out  @param out release with bundle_clusters_release  @return 0, -1 with
 * err (interrupted: ERR_CANCELLED) */
int train_clusters_run(const struct train_clusters *how, const struct recipe *recipe,
                       const struct train_source *source, const struct train_data *data,
                       const struct predictor *global, const struct clustering *of,
                       struct bundle_clusters *out, struct err *err) MUST_CHECK;

/** Scores the last fifth of everybody's sessions by both, and prints the table by cluster. */
int train_clusters_table(const struct train_source *source, const struct train_data *data,
                         struct predictor *global, struct bundle_clusters *clusters,
                         struct err *err) MUST_CHECK;

/** Trains how->against_random random partitions of the same sizes beside the true one, scores all
 * in the same way, and prints where the true one lies among them. @param clusters the true one's */
int train_clusters_random(const struct train_clusters *how, const struct recipe *recipe,
                          const struct train_source *source, const struct train_data *data,
                          struct predictor *global, struct bundle_clusters *clusters,
                          struct err *err) MUST_CHECK;

#endif
