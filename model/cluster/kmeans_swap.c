/* Swaps: Lloyd's iterations end where no point wants to move, though two centres may share one
 * cluster and one stand for two. So a centre is taken to another place, chosen by what the
 * potential would be right after it, and the iterations go on from there; kept when they end lower.
 * Sources: P. Franti, Efficiency of random swap clustering, 2018; S. Lattanzi and C. Sohler, A
 * Better k-means++ Algorithm via Local Search, 2019. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "cluster/kd_tree.h"
#include "cluster/kmeans_parts.h"

#define TRIAL_ITERATIONS 8 /* after which a swap that helps has shown it */

struct swap {
    uint32_t from;    /* centre that leaves */
    double potential; /* afterwards, before any iteration */
};

/* Labels of all points, and squared distances to the nearest and second nearest centre. @return the
 * inertia */
static double take_distances(const struct kmeans_points *points, struct kmeans_scratch *s,
                             uint32_t k)
{
    const struct panels *panels = &points->panels;
    double inertia = 0;
    memset(s->group_sum, 0, points->boxes.groups * sizeof *s->group_sum);
    memset(s->group_most, 0, points->boxes.groups * sizeof *s->group_most);
    for (size_t panel = 0; panel < panels->count; panel++) {
        struct panel_nearest nearest;
        size_t first = panel * PANEL_POINTS, group = panel / GROUP_PANELS;
        size_t real = panel_points(panels, panel);
        points->kernels->nearest(panel_at(panels, panel), panels->d, s->centres, k, &nearest);
        for (size_t lane = 0; lane < PANEL_POINTS; lane++) {
            bool counts = lane < real;
            s->closest2[first + lane] = counts ? nearest.first2[lane] : 0;
            s->second2[first + lane] = counts ? nearest.second2[lane] : 0;
            s->label[first + lane] = (uint32_t)nearest.label[lane];
            s->group_sum[group] += s->closest2[first + lane];
            s->group_most[group] = fmax(s->group_most[group], s->second2[first + lane]);
        }
        inertia += s->group_sum[group] *
                   (panel % GROUP_PANELS == GROUP_PANELS - 1 || panel + 1 == panels->count);
    }
    return inertia;
}

/* What leaves with each centre when there is none instead: its points go to their second nearest.
 */
static void find_losses(const struct kmeans_points *points, struct kmeans_scratch *s, uint32_t k)
{
    memset(s->loss, 0, k * sizeof *s->loss);
    for (size_t i = 0; i < points->panels.points; i++)
        s->loss[s->label[i]] += s->second2[i] - s->closest2[i];
}

/* The best centre to give up for a new one at point. */
static struct swap best_swap(const struct kmeans_points *points, struct kmeans_scratch *s,
                             uint32_t k, const double *point)
{
    const struct panels *panels = &points->panels;
    double with = 0;
    memcpy(s->loss_with, s->loss, k * sizeof *s->loss);
    for (size_t group = 0; group < points->boxes.groups; group++) {
        size_t first = group * GROUP_PANELS;
        size_t count = panels->count - first < GROUP_PANELS ? panels->count - first : GROUP_PANELS;
        size_t at = first * PANEL_POINTS, end = at + count * PANEL_POINTS;
        if (panel_box_distance2(&points->boxes, group, panels->d, point) >= s->group_most[group]) {
            with += s->group_sum[group];
            continue;
        }
        const double *x = panel_at(panels, first);
        with += points->kernels->lowered(x, count, panels->d, point, s->closest2 + at, s->upper);
        points->kernels->lowered(x, count, panels->d, point, s->second2 + at, s->lower);
        if (end > panels->points)
            end = panels->points;
        for (size_t i = at; i < end; i++)
            s->loss_with[s->label[i]] +=
                s->lower[i - at] - s->upper[i - at] - (s->second2[i] - s->closest2[i]);
    }
    struct swap best = {.potential = HUGE_VAL};
    for (uint32_t j = 0; j < k; j++)
        if (with + s->loss_with[j] < best.potential)
            best = (struct swap){j, with + s->loss_with[j]};
    return best;
}

/* The best swap for a few places that are drawn by their share in the potential, done. */
static void swap_centre(const struct kmeans_points *points, struct kmeans_scratch *s, uint32_t k,
                        uint32_t candidates, double potential, struct random *random)
{
    size_t d = points->panels.d;
    struct swap best = {.potential = HUGE_VAL};
    double point[KD_DIMENSIONS_MAX], place[KD_DIMENSIONS_MAX];
    find_losses(points, s, k);
    for (uint32_t i = 0; i < candidates; i++) {
        kmeans_draw(points, s, potential * random_uniform(random), point);
        struct swap swap = best_swap(points, s, k, point);
        if (swap.potential < best.potential) {
            best = swap;
            memcpy(place, point, d * sizeof *place);
        }
    }
    memcpy(s->centres + best.from * d, place, d * sizeof *place);
}

double kmeans_improve(const struct kmeans_points *points, struct kmeans_scratch *scratch,
                      uint32_t k, const struct kmeans_options *options, struct random *random)
{
    struct kmeans_scratch *s = scratch;
    struct kmeans_options trial = *options;
    size_t bytes = k * points->panels.d * sizeof *s->kept;
    double inertia = take_distances(points, s, k);
    uint32_t iterations;
    memcpy(s->kept, s->centres, bytes);
    memcpy(s->kept_label, s->label, s->padded * sizeof *s->label);
    trial.iterations = TRIAL_ITERATIONS;
    for (uint32_t failed = 0; k > 1 && inertia > 0 && failed < options->swaps;) {
        swap_centre(points, s, k, options->candidates, inertia, random);
        double after = kmeans_lloyd(points, s, k, &trial, &iterations);
        failed++;
        if (after < inertia * (1 - 1e-9)) {
            failed = 0;
            memcpy(s->kept, s->centres, bytes);
            inertia = take_distances(points, s, k);
            memcpy(s->kept_label, s->label, s->padded * sizeof *s->label);
        } else {
            memcpy(s->centres, s->kept, bytes);
            memcpy(s->label, s->kept_label, s->padded * sizeof *s->label);
        }
    }
    return kmeans_lloyd(points, s, k, options, &iterations);
}
