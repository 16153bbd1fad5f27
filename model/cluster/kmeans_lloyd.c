/* Lloyd's iterations. A point whose upper bound is below its lower bound, or below half the
 * distance from its centre to the next, cannot have changed; a panel of such points is not looked
 * at. The others' distances are all computed anew, which vectors make cheaper than tightening one
 * bound after the other. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "cluster/kmeans_parts.h"

static double distance2(const double *a, const double *b, size_t d)
{
    double sum = 0;
    for (size_t c = 0; c < d; c++)
        sum += (a[c] - b[c]) * (a[c] - b[c]);
    return sum;
}

/* Puts the centres into the order of their distance to each. The order is nearly that of before: an
 * insertion sort has little to do. */
static void find_gaps(struct kmeans_scratch *s, uint32_t k, size_t d)
{
    for (uint32_t i = 0; i < k; i++) {
        s->apart[i * k + i] = -1; /* first of its own */
        for (uint32_t j = i + 1; j < k; j++)
            s->apart[i * k + j] = s->apart[j * k + i] =
                sqrt(distance2(s->centres + i * d, s->centres + j * d, d));
    }
    for (uint32_t i = 0; i < k; i++) {
        uint32_t *order = s->order + i * k;
        double *gap = s->gap + i * k;
        for (uint32_t j = 0; j < k; j++) {
            uint32_t which = order[j], at = j;
            double distance = s->apart[i * k + which];
            for (; at > 0 && gap[at - 1] > distance; at--) {
                gap[at] = gap[at - 1];
                order[at] = order[at - 1];
            }
            gap[at] = distance;
            order[at] = which;
        }
        s->half_gap[i] = k > 1 ? gap[1] / 2 : HUGE_VAL;
    }
}

/* How far the centre that moved most has, and the most of all the others. */
struct most_moved {
    uint32_t which;
    double first, second;
};

static struct most_moved most_moved(const double *moved, uint32_t k)
{
    struct most_moved most = {0};
    for (uint32_t j = 0; j < k; j++)
        if (moved[j] > most.first) {
            most.second = most.first;
            most.first = moved[j];
            most.which = j;
        } else {
            most.second = fmax(most.second, moved[j]);
        }
    return most;
}

/* Moves the bounds of a panel's points by what the centres moved. @return whether one of them may
 * have changed */
static bool may_have_changed(struct kmeans_scratch *s, size_t first, const struct most_moved *most)
{
    double least = HUGE_VAL;
    for (size_t i = first; i < first + PANEL_POINTS; i++) {
        uint32_t label = s->label[i];
        double upper = s->upper[i] + s->moved[label];
        double lower = s->lower[i] - (label == most->which ? most->second : most->first);
        double bound = s->half_gap[label] > lower ? s->half_gap[label] : lower;
        s->upper[i] = upper;
        s->lower[i] = lower;
        least = bound - upper < least ? bound - upper : least;
    }
    return least <= 0;
}

static void move_point(struct kmeans_scratch *s, const struct panels *panels, size_t point,
                       uint32_t to)
{
    size_t d = panels->d;
    double *from_sum = s->sums + s->label[point] * d, *to_sum = s->sums + to * d;
    for (size_t c = 0; c < d; c++) {
        double x = kmeans_coordinate(panels, point, c);
        from_sum[c] -= x;
        to_sum[c] += x;
    }
    s->members[s->label[point]]--;
    s->members[to]++;
    s->label[point] = to;
}

/* @return how many points changed */
static size_t look_at(const struct kmeans_points *points, struct kmeans_scratch *s, uint32_t k,
                      size_t panel)
{
    struct panel_bounds bounds;
    const struct panels *panels = &points->panels;
    size_t first = panel * PANEL_POINTS, changed = 0, real = panel_points(panels, panel);
    uint32_t anchor = s->label[first];
    points->kernels->nearest_from(panel_at(panels, panel), panels->d, s->centres,
                                  s->order + anchor * k, s->gap + anchor * k, k, &bounds);
    memcpy(s->upper + first, bounds.upper, sizeof bounds.upper);
    memcpy(s->lower + first, bounds.lower, sizeof bounds.lower);
    for (size_t lane = 0; lane < PANEL_POINTS; lane++) {
        size_t point = first + lane;
        uint32_t label = (uint32_t)bounds.label[lane];
        if (label == s->label[point])
            continue;
        if (lane < real) {
            move_point(s, panels, point, label);
            changed++;
        }
        s->label[point] = label;
    }
    return changed;
}

static size_t assign_all(const struct kmeans_points *points, struct kmeans_scratch *s, uint32_t k)
{
    size_t changed = 0;
    find_gaps(s, k, points->panels.d);
    for (size_t panel = 0; panel < points->panels.count; panel++)
        changed += look_at(points, s, k, panel);
    return changed;
}

static size_t assign_changed(const struct kmeans_points *points, struct kmeans_scratch *s,
                             uint32_t k)
{
    struct most_moved most = most_moved(s->moved, k);
    size_t changed = 0;
    find_gaps(s, k, points->panels.d);
    for (size_t panel = 0; panel < points->panels.count; panel++)
        if (may_have_changed(s, panel * PANEL_POINTS, &most))
            changed += look_at(points, s, k, panel);
    return changed;
}

static size_t farthest_point(const struct kmeans_points *points, const struct kmeans_scratch *s)
{
    double most = -1;
    size_t farthest = 0;
    for (size_t i = 0; i < points->panels.points; i++)
        if (s->upper[i] > most && s->members[s->label[i]] > 1) {
            most = s->upper[i];
            farthest = i;
        }
    return farthest;
}

/* A centre without points takes those that are farthest from theirs. @return whether there was one
 */
static bool fill_empty(const struct kmeans_points *points, struct kmeans_scratch *s, uint32_t k)
{
    bool found = false;
    for (uint32_t j = 0; j < k; j++)
        if (s->members[j] == 0) {
            if (!found)
                assign_all(points, s, k); /* bounds become distances */
            found = true;
            size_t point = farthest_point(points, s);
            move_point(s, &points->panels, point, j);
            s->upper[point] = 0;
        }
    return found;
}

/* Centres become the means of their points. @return the sum of their squared shifts */
static double move_centres(struct kmeans_scratch *s, uint32_t k, size_t d)
{
    double shift2 = 0;
    for (uint32_t j = 0; j < k; j++) {
        double *centre = s->centres + j * d, moved2 = 0;
        for (size_t c = 0; c < d; c++) {
            double mean = s->sums[j * d + c] / s->members[j];
            moved2 += (mean - centre[c]) * (mean - centre[c]);
            centre[c] = mean;
        }
        s->moved[j] = sqrt(moved2);
        shift2 += moved2;
    }
    return shift2;
}

/* All points as if they were of cluster 0, from where the first assignment moves them. */
static void begin(const struct kmeans_points *points, struct kmeans_scratch *s, uint32_t k)
{
    const struct panels *panels = &points->panels;
    size_t d = panels->d;
    memset(s->label, 0, s->padded * sizeof *s->label);
    memset(s->sums, 0, k * d * sizeof *s->sums);
    memset(s->members, 0, k * sizeof *s->members);
    s->members[0] = (uint32_t)panels->points;
    for (uint32_t i = 0; i < k * k; i++)
        s->order[i] = i % k;
    for (size_t i = 0; i < panels->points; i++)
        for (size_t c = 0; c < d; c++)
            s->sums[c] += kmeans_coordinate(panels, i, c);
}

double kmeans_lloyd(const struct kmeans_points *points, struct kmeans_scratch *scratch, uint32_t k,
                    const struct kmeans_options *options, uint32_t *iterations)
{
    struct kmeans_scratch *s = scratch;
    size_t d = points->panels.d;
    double enough2 = options->tolerance * points->mean_variance, inertia = 0;
    begin(points, s, k);
    assign_all(points, s, k);
    for (*iterations = 1; *iterations < options->iterations; ++*iterations) {
        bool refilled = fill_empty(points, s, k);
        double shift2 = move_centres(s, k, d);
        size_t changed = refilled ? assign_all(points, s, k) : assign_changed(points, s, k);
        if (changed == 0 || shift2 <= enough2)
            break;
    }
    /* Bounds are not distances: once more in full. */
    assign_all(points, s, k);
    for (size_t i = 0; i < points->panels.points; i++)
        inertia += s->upper[i] * s->upper[i];
    return inertia;
}
