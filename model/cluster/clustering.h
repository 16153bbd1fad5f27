/* clustering.h - people in groups: who is in which, and how anybody else is assigned. The value
 * that `outro cluster` makes, that trains a net a cluster, and that serves. All distances are
 * squared and in scaled space: (column - mean) / scale, which is the column itself where it was not
 * standardised. Once clustering_finish() has been, it is read-only: any thread may ask. */
#ifndef OUTRO_CLUSTER_CLUSTERING_H
#define OUTRO_CLUSTER_CLUSTERING_H

#include <stddef.h>
#include <stdint.h>

#include "cluster/user_column.h"
#include "core/err.h"
#include "core/scrobble.h"

#define CLUSTERS_MAX 256

enum cluster_method {
    CLUSTER_KMEANS,  /* nearest centroid */
    CLUSTER_SPECTRAL /* as the nearest of the people it was made from */
};

struct cluster_member {
    char user_id[USER_ID_MAX + 1];
    uint32_t label;    /* 0 .. k - 1 */
    uint32_t sessions; /* they had when they were put there; 0: not known */
};

struct clustering {
    enum cluster_method method;
    uint32_t k, columns; /* 1 .. CLUSTERS_MAX, 1 .. USER_COLUMNS */
    enum user_column column[USER_COLUMNS];
    double mean[USER_COLUMNS], scale[USER_COLUMNS]; /* (columns); 0 and 1: not standardised */
    double *centroids;             /* (k, columns) scaled, owned; spectral: means of the members */
    struct cluster_member *member; /* (members) ascending by user id, owned */
    size_t members;
    double *points;    /* spectral: (members, columns) scaled, of the members, owned; else NULL */
    uint64_t seed;     /* it was made with */
    double inertia;    /* sum of distances to the own centroid */
    double silhouette; /* mean; NAN when there is none (k 1) */
    struct kd_tree **index; /* spectral: (k) over the points of each, owned; by clustering_finish */
};

/** Room for members and centroids, all 0. @param out method, k, columns and members are read; the
 * rest is set  @return 0, or -1 with ERR_MEMORY, nothing to release */
int clustering_init(struct clustering *out, struct err *err) MUST_CHECK;

/** Once all is filled: puts members into order, checks them, builds the index.
 * @return 0, or -1: ERR_INPUT (a user twice, a label out of range, a number that is not finite, a
 * scale that is not positive, a spectral cluster without members), ERR_MEMORY */
int clustering_finish(struct clustering *clustering, struct err *err) MUST_CHECK;

/** The same once more. @param from finished  @param out finished, release it  @return 0, or -1 with
 * ERR_MEMORY */
int clustering_copy(const struct clustering *from, struct clustering *out,
                    struct err *err) MUST_CHECK;

void clustering_release(struct clustering *clustering);

/** A user it was made from, borrowed. @return NULL: none of them */
const struct cluster_member *clustering_find(const struct clustering *clustering,
                                             struct slice user_id);
/** Their label. @return -1: none of them */
int clustering_member(const struct clustering *clustering, struct slice user_id);

/** How far a person is from each cluster: from its centroid (k-means), from the nearest of its
 * members (spectral; exact). @param raw by enum user_column; only those of column[] are read, which
 * must be finite  @param out (k) */
void clustering_distances(const struct clustering *clustering, const double raw[USER_COLUMNS],
                          double *out);

/** The nearest cluster; of equally near ones the first. Members as well are assigned where they
 * are near, which for spectral is their own label, for k-means it is at the end of Lloyd's
 * iterations. */
uint32_t clustering_assign(const struct clustering *clustering, const double raw[USER_COLUMNS]);

/** Members of each cluster. @param out (k) */
void clustering_sizes(const struct clustering *clustering, size_t *out);

/** "kmeans", "spectral". */
const char *cluster_method_name(enum cluster_method method);

#endif
