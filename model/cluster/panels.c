#include "cluster/panels.h"

#include <math.h>
#include <stdlib.h>

int panels_init(struct panels *panels, const double *points, size_t n, size_t d,
                const uint32_t *order, struct err *err)
{
    size_t count = (n + PANEL_POINTS - 1) / PANEL_POINTS, bytes;
    double *x = NULL;
    if (!__builtin_mul_overflow(count * PANEL_POINTS, d * sizeof *x, &bytes))
        x = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!x)
        return err_set(err, ERR_MEMORY, "out of memory for %zu points", n);
    *panels = (struct panels){n, d, count, x};
    for (size_t at = 0; at < count * PANEL_POINTS; at++) {
        size_t lane = at % PANEL_POINTS, first = at - lane, from = at < n ? at : first;
        const double *point = points + (order ? order[from] : from) * d;
        for (size_t c = 0; c < d; c++)
            x[first * d + c * PANEL_POINTS + lane] = point[c];
    }
    return 0;
}

void panels_release(struct panels *panels)
{
    free(panels->x);
    *panels = (struct panels){0};
}

int panel_boxes_init(struct panel_boxes *boxes, const struct panels *panels, struct err *err)
{
    size_t d = panels->d, groups = (panels->count + GROUP_PANELS - 1) / GROUP_PANELS;
    *boxes = (struct panel_boxes){.groups = groups,
                                  .low = malloc(groups * d * sizeof(double)),
                                  .high = malloc(groups * d * sizeof(double))};
    if (!boxes->low || !boxes->high) {
        panel_boxes_release(boxes);
        return err_set(err, ERR_MEMORY, "out of memory for %zu points", panels->points);
    }
    for (size_t i = 0; i < groups * d; i++) {
        boxes->low[i] = HUGE_VAL;
        boxes->high[i] = -HUGE_VAL;
    }
    for (size_t p = 0; p < panels->count; p++)
        for (size_t c = 0; c < d; c++) {
            size_t at = p / GROUP_PANELS * d + c;
            const double *x = panel_at(panels, p) + c * PANEL_POINTS;
            for (size_t lane = 0; lane < PANEL_POINTS; lane++) {
                boxes->low[at] = fmin(boxes->low[at], x[lane]);
                boxes->high[at] = fmax(boxes->high[at], x[lane]);
            }
        }
    return 0;
}

void panel_boxes_release(struct panel_boxes *boxes)
{
    free(boxes->low);
    free(boxes->high);
    *boxes = (struct panel_boxes){0};
}

double panel_box_distance2(const struct panel_boxes *boxes, size_t group, size_t d,
                           const double *point)
{
    const double *low = boxes->low + group * d, *high = boxes->high + group * d;
    double distance2 = 0;
    for (size_t c = 0; c < d; c++) {
        double below = low[c] - point[c], above = point[c] - high[c];
        double off = below > above ? below : above;
        off = off > 0 ? off : 0;
        distance2 += off * off;
    }
    return distance2;
}
