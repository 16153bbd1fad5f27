/* Greedy k-means++. A candidate lowers the potential only near itself: groups whose points are all
 * closer to a centre already than their box is to the candidate keep their sum unseen. */
#include <math.h>
#include <string.h>

#include "cluster/kmeans_parts.h"

static void copy_point(const struct panels *panels, size_t point, double *out)
{
    for (size_t c = 0; c < panels->d; c++)
        out[c] = kmeans_coordinate(panels, point, c);
}

/* What group's sum would be with a centre at point more. @param out where its points' distances
 * go, or NULL */
static double lowered_sum(const struct kmeans_points *points, const struct kmeans_scratch *scratch,
                          size_t group, const double *point, double *out)
{
    const struct panels *panels = &points->panels;
    size_t first = group * GROUP_PANELS;
    size_t count = panels->count - first < GROUP_PANELS ? panels->count - first : GROUP_PANELS;
    if (panel_box_distance2(&points->boxes, group, panels->d, point) >= scratch->group_most[group])
        return scratch->group_sum[group];
    return points->kernels->lowered(panel_at(panels, first), count, panels->d, point,
                                    scratch->closest2 + first * PANEL_POINTS,
                                    out ? out + first * PANEL_POINTS : NULL);
}

static double potential_with(const struct kmeans_points *points, struct kmeans_scratch *scratch,
                             const double *point)
{
    double sum = 0;
    for (size_t group = 0; group < points->boxes.groups; group++)
        sum += lowered_sum(points, scratch, group, point, NULL);
    return sum;
}

/* @return the potential */
static double add_centre(const struct kmeans_points *points, struct kmeans_scratch *scratch,
                         const double *point)
{
    double potential = 0;
    size_t group_points = GROUP_PANELS * PANEL_POINTS;
    for (size_t group = 0; group < points->boxes.groups; group++) {
        double sum = lowered_sum(points, scratch, group, point, scratch->closest2);
        double most = 0;
        for (size_t i = group * group_points; sum != scratch->group_sum[group] &&
                                              i < (group + 1) * group_points && i < scratch->padded;
             i++)
            most = fmax(most, scratch->closest2[i]);
        if (sum != scratch->group_sum[group])
            scratch->group_most[group] = most;
        scratch->group_sum[group] = sum;
        potential += sum;
    }
    return potential;
}

/* The point at which the cumulated potential reaches the threshold. */
void kmeans_draw(const struct kmeans_points *points, const struct kmeans_scratch *scratch,
                 double threshold, double *out)
{
    size_t group = 0, n = points->panels.points;
    while (group + 1 < points->boxes.groups && threshold >= scratch->group_sum[group])
        threshold -= scratch->group_sum[group++];
    size_t i = group * GROUP_PANELS * PANEL_POINTS;
    while (i + 1 < n && threshold >= scratch->closest2[i])
        threshold -= scratch->closest2[i++];
    copy_point(&points->panels, i, out);
}

/* Before the first centre everything is infinitely far, but for the copies at the end: they never
 * count. */
static void begin(const struct kmeans_points *points, struct kmeans_scratch *scratch)
{
    for (size_t i = 0; i < scratch->padded; i++)
        scratch->closest2[i] = i < points->panels.points ? HUGE_VAL : 0;
    for (size_t group = 0; group < points->boxes.groups; group++)
        scratch->group_sum[group] = scratch->group_most[group] = HUGE_VAL;
}

void kmeans_seed(const struct kmeans_points *points, struct kmeans_scratch *scratch, uint32_t k,
                 struct random *random)
{
    const struct panels *panels = &points->panels;
    size_t d = panels->d;
    uint32_t candidates = 2 + (uint32_t)log(k);
    begin(points, scratch);
    copy_point(panels, random_below(random, panels->points), scratch->centres);
    double potential = add_centre(points, scratch, scratch->centres);
    for (uint32_t j = 1; j < k; j++) {
        double *best = scratch->centres + j * d, least = HUGE_VAL;
        double *candidate = scratch->sums; /* not in use before the iterations */
        for (uint32_t i = 0; i < candidates; i++) {
            kmeans_draw(points, scratch, random_uniform(random) * potential, candidate);
            double would_be = potential_with(points, scratch, candidate);
            if (would_be < least) {
                least = would_be;
                memcpy(best, candidate, d * sizeof *best);
            }
        }
        potential = add_centre(points, scratch, best);
    }
}
