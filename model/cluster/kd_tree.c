#include "cluster/kd_tree.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAF_POINTS 12

/* What the distance to a cell, summed along the way down, may be off by rounding: a cell is left
 * out only when it is further by more. */
#define ROUNDING (1 - 1e-9)

/* Children of node i are 2 i + 1 and 2 i + 2; halves differ by a point at most, so all leaves are
 * at one depth and the cells of a node are known from its range alone. */
struct node {
    double split; /* points of the left half have at most this, of the right half at least */
    uint32_t dimension;
};

struct kd_tree {
    size_t n, d, inner; /* inner nodes */
    struct node *node;  /* (inner) */
    uint32_t *order;    /* (n) by leaf */
    double *points;     /* (n, d) in that order */
    double low[KD_DIMENSIONS_MAX], high[KD_DIMENSIONS_MAX];
};

static double at(const double *points, size_t d, uint32_t point, uint32_t dimension)
{
    return points[(size_t)point * d + dimension];
}

static uint32_t widest_dimension(const double *points, size_t d, const uint32_t *order, size_t n)
{
    uint32_t widest = 0;
    double width = -1;
    for (uint32_t c = 0; c < d; c++) {
        double low = HUGE_VAL, high = -HUGE_VAL;
        for (size_t i = 0; i < n; i++) {
            double x = at(points, d, order[i], c);
            low = x < low ? x : low;
            high = x > high ? x : high;
        }
        if (high - low > width) {
            width = high - low;
            widest = c;
        }
    }
    return widest;
}

/* Quickselect: order[middle] is what sorting by the dimension (and number) would put there. */
static void select_middle(const double *points, size_t d, uint32_t dimension, uint32_t *order,
                          size_t n, size_t middle)
{
    size_t left = 0, right = n - 1;
    while (left < right) {
        uint32_t pivot = order[left + (right - left) / 2];
        double x = at(points, d, pivot, dimension);
        size_t i = left, j = right;
        while (i <= j) {
            for (;; i++) {
                double y = at(points, d, order[i], dimension);
                if (!(y < x || (y == x && order[i] < pivot)))
                    break;
            }
            for (;; j--) {
                double y = at(points, d, order[j], dimension);
                if (!(y > x || (y == x && order[j] > pivot)))
                    break;
            }
            if (i <= j) {
                uint32_t swapped = order[i];
                order[i++] = order[j];
                order[j] = swapped;
                if (j == 0)
                    break;
                j--;
            }
        }
        if (middle <= j)
            right = j;
        else if (middle >= i)
            left = i;
        else
            return;
    }
}

static void build(struct kd_tree *tree, const double *points, size_t node, size_t begin, size_t end)
{
    if (node >= tree->inner)
        return;
    uint32_t *order = tree->order + begin;
    size_t middle = (end - begin) / 2;
    uint32_t dimension = widest_dimension(points, tree->d, order, end - begin);
    select_middle(points, tree->d, dimension, order, end - begin, middle);
    tree->node[node] = (struct node){at(points, tree->d, order[middle], dimension), dimension};
    build(tree, points, 2 * node + 1, begin, begin + middle);
    build(tree, points, 2 * node + 2, begin + middle, end);
}

struct kd_tree *kd_tree_new(const double *points, size_t n, size_t d, struct err *err)
{
    assert(n > 0 && n <= UINT32_MAX && d > 0 && d <= KD_DIMENSIONS_MAX);
    struct kd_tree *tree = calloc(1, sizeof *tree);
    if (!tree)
        goto full;
    tree->n = n;
    tree->d = d;
    size_t leaves = 1;
    while (n / leaves > LEAF_POINTS)
        leaves *= 2;
    tree->inner = leaves - 1;
    tree->node = calloc(leaves, sizeof *tree->node);
    tree->order = malloc(n * sizeof *tree->order);
    tree->points = n <= SIZE_MAX / d / sizeof(double) ? malloc(n * d * sizeof(double)) : NULL;
    if (!tree->node || !tree->order || !tree->points)
        goto full;
    for (uint32_t i = 0; i < n; i++)
        tree->order[i] = i;
    build(tree, points, 0, 0, n);
    for (size_t i = 0; i < n; i++)
        memcpy(tree->points + i * d, points + (size_t)tree->order[i] * d, d * sizeof(double));
    for (uint32_t c = 0; c < d; c++) {
        tree->low[c] = HUGE_VAL;
        tree->high[c] = -HUGE_VAL;
        for (size_t i = 0; i < n; i++) {
            tree->low[c] = fmin(tree->low[c], points[i * d + c]);
            tree->high[c] = fmax(tree->high[c], points[i * d + c]);
        }
    }
    return tree;
full:
    kd_tree_free(tree);
    err_set(err, ERR_MEMORY, "out of memory for an index over %zu points", n);
    return NULL;
}

void kd_tree_free(struct kd_tree *tree)
{
    if (!tree)
        return;
    free(tree->node);
    free(tree->order);
    free(tree->points);
    free(tree);
}

const uint32_t *kd_tree_order(const struct kd_tree *tree)
{
    return tree->order;
}

/* One search: the best so far in ascending order, and how far the cell is from the query in each
 * dimension. */
struct search {
    const struct kd_tree *tree;
    const double *query;
    size_t most, count;
    struct kd_neighbour *best;
    double worst; /* of the best; infinite while there is room */
    double off[KD_DIMENSIONS_MAX];
};

static void take(struct search *search, double distance2, uint32_t point)
{
    struct kd_neighbour *best = search->best;
    size_t i = search->count;
    if (i == search->most) {
        const struct kd_neighbour *last = &best[i - 1];
        if (distance2 > last->distance2 || (distance2 == last->distance2 && point > last->point))
            return;
        i--;
    } else {
        search->count++;
    }
    for (; i > 0 && (best[i - 1].distance2 > distance2 ||
                     (best[i - 1].distance2 == distance2 && best[i - 1].point > point));
         i--)
        best[i] = best[i - 1];
    best[i] = (struct kd_neighbour){distance2, point};
    if (search->count == search->most)
        search->worst = best[search->most - 1].distance2;
}

static void look_at_leaf(struct search *search, size_t begin, size_t end)
{
    const struct kd_tree *tree = search->tree;
    size_t d = tree->d;
    const double *query = search->query;
    for (size_t i = begin; i < end; i++) {
        const double *point = tree->points + i * d;
        double distance2 = 0;
        for (size_t c = 0; c < d; c++)
            distance2 += (point[c] - query[c]) * (point[c] - query[c]);
        if (distance2 <= search->worst)
            take(search, distance2, tree->order[i]);
    }
}

/* @param cell2 squared distance to the node's cell */
static void descend(struct search *search, size_t node, size_t begin, size_t end, double cell2)
{
    const struct kd_tree *tree = search->tree;
    if (node >= tree->inner) {
        look_at_leaf(search, begin, end);
        return;
    }
    uint32_t dimension = tree->node[node].dimension;
    double beyond = search->query[dimension] - tree->node[node].split;
    size_t middle = begin + (end - begin) / 2, near = 2 * node + 1, far = near + 1;
    size_t near_begin = begin, near_end = middle, far_begin = middle, far_end = end;
    if (beyond >= 0) {
        near++;
        far--;
        near_begin = middle;
        near_end = end;
        far_begin = begin;
        far_end = middle;
    }
    descend(search, near, near_begin, near_end, cell2);
    double before = search->off[dimension];
    double far2 = cell2 - before * before + beyond * beyond;
    if (far2 * ROUNDING > search->worst)
        return;
    search->off[dimension] = beyond;
    descend(search, far, far_begin, far_end, far2);
    search->off[dimension] = before;
}

size_t kd_tree_nearest(const struct kd_tree *tree, const double *query, size_t most,
                       struct kd_neighbour *out)
{
    struct search search = {
        .tree = tree, .query = query, .most = most, .best = out, .worst = HUGE_VAL};
    double cell2 = 0;
    if (most == 0)
        return 0;
    for (size_t c = 0; c < tree->d; c++) {
        double x = query[c];
        search.off[c] = x < tree->low[c]    ? x - tree->low[c]
                        : x > tree->high[c] ? x - tree->high[c]
                                            : 0;
        cell2 += search.off[c] * search.off[c];
    }
    descend(&search, 0, 0, tree->n, cell2);
    return search.count;
}
