/* kmeans_parts.h - what the files of k-means share: the points once, prepared for all starts, and
 * the scratch of one start. */
#ifndef OUTRO_CLUSTER_KMEANS_PARTS_H
#define OUTRO_CLUSTER_KMEANS_PARTS_H

#include "cluster/distances.h"
#include "cluster/kmeans.h"
#include "cluster/panels.h"
#include "core/random.h"

/* Read-only while starts run. */
struct kmeans_points {
    struct panels panels; /* in the order of a k-d tree, so that a panel's points share a fate; less
                             the mean, so that squares keep their digits */
    struct panel_boxes boxes;
    const struct distance_kernels *kernels;
    double mean_variance; /* of the columns */
};

/* Of one worker. Points stand in the panels' order, the last panel's copies included. */
struct kmeans_scratch {
    size_t padded; /* points, with the copies */

    /* seeding and swaps: squared distance to the nearest centre (so far), of the copies 0; its sum
     * and most by group of panels */
    double *closest2;               /* (padded) */
    double *group_sum, *group_most; /* (groups) */
    /* swaps: the same to the second nearest; what giving up a centre costs; centres to go back to
     */
    double *second2;          /* (padded) */
    double *loss, *loss_with; /* (k) */
    double *kept;             /* (k, d) */
    uint32_t *kept_label;     /* (padded) */

    /* Lloyd: of each point an upper bound of the distance to its centre and a lower bound of that
     * to any other */
    double *upper, *lower;  /* (padded) */
    uint32_t *label;        /* (padded) */
    double *centres, *sums; /* (k, d) */
    double *moved;          /* (k) in the last step */
    double *half_gap;       /* (k) half the distance to the nearest other centre */
    double *apart;          /* (k, k) distances between centres; -1 to itself */
    uint32_t *order;        /* (k, k) the centres by their distance to each */
    double *gap;            /* (k, k) that distance */
    uint32_t *members;      /* (k) */

    double *memory; /* of all the doubles, owned; label and members as well */
};

/** Greedy k-means++ into scratch->centres. */
void kmeans_seed(const struct kmeans_points *points, struct kmeans_scratch *scratch, uint32_t k,
                 struct random *random);

/** Lloyd's iterations from scratch->centres, which they move; labels in the panels' order in
 * scratch->label, each that of the nearest centre. @return the inertia */
double kmeans_lloyd(const struct kmeans_points *points, struct kmeans_scratch *scratch, uint32_t k,
                    const struct kmeans_options *options, uint32_t *iterations);

/** Tries to lower the inertia of scratch->centres, which Lloyd's iterations ended with, by swaps;
 * leaves the best centres and the labels that belong to them. @return their inertia */
double kmeans_improve(const struct kmeans_points *points, struct kmeans_scratch *scratch,
                      uint32_t k, const struct kmeans_options *options, struct random *random);

/** A point drawn by its share in the potential. @param threshold 0 .. the potential  @param out (d)
 */
void kmeans_draw(const struct kmeans_points *points, const struct kmeans_scratch *scratch,
                 double threshold, double *out);

/* Coordinate c of a point in the panels' order. */
static inline double kmeans_coordinate(const struct panels *panels, size_t point, size_t c)
{
    return panel_at(panels, point / PANEL_POINTS)[c * PANEL_POINTS + point % PANEL_POINTS];
}

#endif
