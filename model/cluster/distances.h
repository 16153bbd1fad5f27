/* distances.h - the loops over distances that all time goes into, once a vector width. What they
 * give depends on the width in the last bits only; on one machine never. */
#ifndef OUTRO_CLUSTER_DISTANCES_H
#define OUTRO_CLUSTER_DISTANCES_H

#include <stddef.h>
#include <stdint.h>

#include "cluster/panels.h"
#include "core/simd.h"

/* Of the eight points of a panel. */
struct panel_nearest {
    double first2[PANEL_POINTS];  /* squared distance to the nearest centre */
    double second2[PANEL_POINTS]; /* to the second nearest; infinite when there is one */
    int64_t label[PANEL_POINTS];  /* the nearest; of equally near ones the first */
};

/* The same as distances, for bounds. */
struct panel_bounds {
    double upper[PANEL_POINTS]; /* to the nearest centre */
    double lower[PANEL_POINTS]; /* at most the distance to any other */
    int64_t label[PANEL_POINTS];
};

struct distance_kernels {
    const char *name;
    /** Nearest of centres (k, d) to each point of a panel. */
    void (*nearest)(const double *panel, size_t d, const double *centres, size_t k,
                    struct panel_nearest *out);
    /** The same for Lloyd's iterations, who know the centres in the order of their distance to one
     * of them, the anchor, which is order[0]: once the next is further from it than all points
     * could care for, the rest is. @param gap (k) from the anchor, ascending  @param out upper and
     * lower: distances, the second a lower bound */
    void (*nearest_from)(const double *panel, size_t d, const double *centres,
                         const uint32_t *order, const double *gap, size_t k,
                         struct panel_bounds *out);
    /** What closest2 (count, PANEL_POINTS) would be with one centre more: the smaller of it and the
     * distance to point (d). @param panels the first of count  @param out where to, or NULL
     * @return its sum */
    double (*lowered)(const double *panels, size_t count, size_t d, const double *point,
                      const double *closest2, double *out);
    /** Sum of the (not squared) distances from point (d) to the first n points of panels. */
    double (*sum)(const double *panels, size_t n, size_t d, const double *point);
};

/** Those that this CPU can run, the best first. @return how many */
size_t distance_kernels_usable(const struct distance_kernels *out[SIMDS]);
const struct distance_kernels *distance_kernels_best(void);

#endif
