/* panels.h - points as vector instructions want them: eight side by side in every dimension, in
 * groups of panels that lie close together, each group in its box. Read-only once made. */
#ifndef OUTRO_CLUSTER_PANELS_H
#define OUTRO_CLUSTER_PANELS_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define PANEL_POINTS 8
#define GROUP_PANELS 4 /* of a box */

struct panels {
    size_t points, d, count; /* count: of panels */
    double *x;               /* (count, d, PANEL_POINTS), owned; the last panel is filled up with
                                copies of its first point */
};

struct panel_boxes {
    size_t groups;
    double *low, *high; /* (groups, d), owned */
};

/** @param order which row of points stands where, (n); NULL: as they come  @return 0, or -1 with
 * ERR_MEMORY, nothing to release */
int panels_init(struct panels *panels, const double *points, size_t n, size_t d,
                const uint32_t *order, struct err *err) MUST_CHECK;
void panels_release(struct panels *panels);

/** The box of every GROUP_PANELS panels. @return 0, or -1 with ERR_MEMORY, nothing to release */
int panel_boxes_init(struct panel_boxes *boxes, const struct panels *panels,
                     struct err *err) MUST_CHECK;
void panel_boxes_release(struct panel_boxes *boxes);

/** Squared distance from a point (d) to a group's box; 0 inside. */
double panel_box_distance2(const struct panel_boxes *boxes, size_t group, size_t d,
                           const double *point);

static inline const double *panel_at(const struct panels *panels, size_t panel)
{
    return panels->x + panel * panels->d * PANEL_POINTS;
}

/* Points of a panel that are no copies. */
static inline size_t panel_points(const struct panels *panels, size_t panel)
{
    size_t left = panels->points - panel * PANEL_POINTS;
    return left < PANEL_POINTS ? left : PANEL_POINTS;
}

#endif
