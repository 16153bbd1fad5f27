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
    const char *path;   /* of the clustering (cluster_file.h); NULL: no clusters */
    uint64_t min_users; /* a cluster of fewer keeps the global net; 30 */
    enum cluster_scaler scaler;
    bool force; /* publish a cluster's net also where it validates no better than the global one */
    uint64_t against_random; /* random partitions to compare with; 0: none */
    uint32_t threads;        /* clusters trained at a time; the bits do not depend on it */
};

/** Reads the clustering, and says whether a bundle can take it. @param of finished on success
 *  @return 0; -1: ERR_IO, ERR_INPUT (also: a column that no user's record keeps) */
int train_clusters_load(const struct train_clusters *how, struct clustering *of,
                        struct err *err) MUST_CHECK;

/** Trains. @param global the net they begin with, of recipe's spec  @param out of `of`, which it
 * takes when it succeeds; release with train_clusters_release  @return 0, -1 with err (interrupted:
 * ERR_CANCELLED) */
int train_clusters_run(const struct train_clusters *how, const struct recipe *recipe,
                       const struct train_source *source, const struct train_data *data,
                       const struct predictor *global, struct clustering *of,
                       struct bundle_clusters *out, struct err *err) MUST_CHECK;
void train_clusters_release(struct bundle_clusters *clusters);

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
