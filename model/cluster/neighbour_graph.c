#include "cluster/neighbour_graph.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/eigen.h"
#include "cluster/kd_tree.h"
#include "core/simd.h"

#define OTHERS       (GRAPH_NEIGHBOURS - 1)
#define TASK_QUERIES 512

/* ---- neighbours ---- */

struct search {
    const struct kd_tree *tree;
    const double *points;
    const uint32_t *order, *place; /* place: where a row of points stands */
    size_t n, d;
    uint32_t *near; /* (n, OTHERS) places; n where there are fewer */
};

/* Equal points may crowd a point out of its own neighbourhood; it belongs there all the same. */
static void find_neighbours(void *ctx, size_t worker, size_t task)
{
    struct search *s = ctx;
    (void)worker;
    for (size_t at = task * TASK_QUERIES; at < (task + 1) * TASK_QUERIES && at < s->n; at++) {
        struct kd_neighbour found[GRAPH_NEIGHBOURS];
        uint32_t row = s->order[at], *near = s->near + at * OTHERS;
        size_t count =
            kd_tree_nearest(s->tree, s->points + (size_t)row * s->d, GRAPH_NEIGHBOURS, found);
        size_t kept = 0;
        for (size_t i = 0; i < count && kept < OTHERS; i++)
            if (found[i].point != row)
                near[kept++] = s->place[found[i].point];
        for (; kept < OTHERS; kept++)
            near[kept] = (uint32_t)s->n;
    }
}

static bool is_near(const struct search *s, size_t a, size_t b)
{
    for (size_t i = 0; i < OTHERS; i++)
        if (s->near[a * OTHERS + i] == b)
            return true;
    return false;
}

/* ---- edges ---- */

/* Both ways; an edge that both chose once. @param fill whether to write them, or count only */
static void list_edges(const struct search *s, struct neighbour_graph *graph, bool fill)
{
    for (size_t a = 0; a < s->n; a++)
        for (size_t i = 0; i < OTHERS; i++) {
            uint32_t b = s->near[a * OTHERS + i];
            if (b == s->n)
                continue;
            bool mutual = is_near(s, b, a);
            if (fill) {
                graph->to[graph->begin[a]] = b;
                graph->weight[graph->begin[a]] = mutual ? 1 : .5;
            }
            graph->begin[a]++;
            if (mutual)
                continue;
            if (fill) {
                graph->to[graph->begin[b]] = (uint32_t)a;
                graph->weight[graph->begin[b]] = .5;
            }
            graph->begin[b]++;
        }
}

/* begin[] counts, then says where each point's edges begin, moves to their end while they are
 * written, and is moved back. */
static int make_edges(const struct search *s, struct neighbour_graph *graph, struct err *err)
{
    size_t sum = 0;
    list_edges(s, graph, false);
    for (size_t a = 0; a <= s->n; a++) {
        size_t count = graph->begin[a];
        graph->begin[a] = sum;
        sum += count;
    }
    graph->to = calloc(sum + 1, sizeof *graph->to);
    graph->weight = calloc(sum + 1, sizeof *graph->weight);
    if (!graph->to || !graph->weight)
        return err_set(err, ERR_MEMORY, "out of memory for %zu edges", sum);
    list_edges(s, graph, true);
    for (size_t a = s->n; a > 0; a--)
        graph->begin[a] = graph->begin[a - 1];
    graph->begin[0] = 0;
    return 0;
}

static void normalise(struct neighbour_graph *graph)
{
    for (size_t a = 0; a < graph->n; a++) {
        double degree = 0;
        for (size_t e = graph->begin[a]; e < graph->begin[a + 1]; e++)
            degree += graph->weight[e];
        graph->root[a] = degree > 0 ? sqrt(degree) : 1;
    }
    for (size_t a = 0; a < graph->n; a++)
        for (size_t e = graph->begin[a]; e < graph->begin[a + 1]; e++)
            graph->weight[e] /= graph->root[a] * graph->root[graph->to[e]];
}

/* ---- connected components ---- */

struct part {
    uint32_t number;
    size_t size;
};

static int by_falling_size(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static size_t walk(const struct neighbour_graph *graph, uint32_t from, uint32_t number,
                   uint32_t *stack)
{
    size_t depth = 0, size = 0;
    graph->part[from] = number;
    stack[depth++] = from;
    while (depth > 0) {
        uint32_t at = stack[--depth];
        size++;
        for (size_t e = graph->begin[at]; e < graph->begin[at + 1]; e++)
            if (graph->part[graph->to[e]] == UINT32_MAX) {
                graph->part[graph->to[e]] = number;
                stack[depth++] = graph->to[e];
            }
    }
    return size;
}

static int find_parts(struct neighbour_graph *graph, struct err *err)
{
    int result = -1;
    uint32_t *stack = malloc(graph->n * sizeof *stack), *rank = NULL;
    struct part *parts = malloc(graph->n * sizeof *parts);
    if (!stack || !parts)
        goto full;
    memset(graph->part, 0xff, graph->n * sizeof *graph->part);
    for (uint32_t a = 0; a < graph->n; a++)
        if (graph->part[a] == UINT32_MAX) {
            uint32_t number = (uint32_t)graph->parts++;
            parts[number] = (struct part){number, walk(graph, a, number, stack)};
        }
    qsort(parts, graph->parts, sizeof *parts, by_falling_size);
    graph->part_size = malloc(graph->parts * sizeof *graph->part_size);
    rank = malloc(graph->parts * sizeof *rank);
    if (!graph->part_size || !rank)
        goto full;
    for (uint32_t p = 0; p < graph->parts; p++) {
        rank[parts[p].number] = p;
        graph->part_size[p] = parts[p].size;
    }
    for (size_t a = 0; a < graph->n; a++)
        graph->part[a] = rank[graph->part[a]];
    result = 0;
full:
    if (result)
        err_set(err, ERR_MEMORY, "out of memory for a graph of %zu points", graph->n);
    free(stack);
    free(parts);
    free(rank);
    return result;
}

/* ---- the whole ---- */

int neighbour_graph_init(struct neighbour_graph *graph, const double *points, size_t n, size_t d,
                         struct workers *workers, struct err *err)
{
    int result = -1;
    *graph = (struct neighbour_graph){.n = n,
                                      .order = malloc(n * sizeof *graph->order),
                                      .begin = calloc(n + 2, sizeof *graph->begin),
                                      .root = malloc(n * sizeof *graph->root),
                                      .part = malloc(n * sizeof *graph->part)};
    uint32_t *place = malloc(n * sizeof *place), *near = malloc(n * OTHERS * sizeof *near);
    struct kd_tree *tree = kd_tree_new(points, n, d, err);
    if (!tree)
        goto out;
    if (!graph->order || !graph->begin || !graph->root || !graph->part || !place || !near) {
        err_set(err, ERR_MEMORY, "out of memory for a graph of %zu points", n);
        goto out;
    }
    memcpy(graph->order, kd_tree_order(tree), n * sizeof *graph->order);
    for (uint32_t at = 0; at < n; at++)
        place[graph->order[at]] = at;
    struct search search = {tree, points, graph->order, place, n, d, near};
    workers_run(workers, (n + TASK_QUERIES - 1) / TASK_QUERIES, find_neighbours, &search);
    if (make_edges(&search, graph, err) == 0) {
        normalise(graph);
        result = find_parts(graph, err);
    }
out:
    if (result)
        neighbour_graph_release(graph);
    kd_tree_free(tree);
    free(place);
    free(near);
    return result;
}

void neighbour_graph_release(struct neighbour_graph *graph)
{
    free(graph->order);
    free(graph->begin);
    free(graph->to);
    free(graph->weight);
    free(graph->root);
    free(graph->part);
    free(graph->part_size);
    *graph = (struct neighbour_graph){0};
}

/* ---- the product ---- */

static inline __attribute__((always_inline)) void apply_rows(const struct neighbour_graph *graph,
                                                             const double *x, double *y)
{
    for (size_t a = 0; a < graph->n; a++) {
        double sum[EIGEN_BLOCK] = {0};
        for (size_t e = graph->begin[a]; e < graph->begin[a + 1]; e++) {
            const double *row = x + (size_t)graph->to[e] * EIGEN_BLOCK;
            double weight = graph->weight[e];
            for (size_t v = 0; v < EIGEN_BLOCK; v++)
                sum[v] += weight * row[v];
        }
        memcpy(y + a * EIGEN_BLOCK, sum, sizeof sum);
    }
}

#ifdef __x86_64__
SIMD_TARGET_AVX2 static void apply_avx2(const struct neighbour_graph *graph, const double *x,
                                        double *y)
{
    apply_rows(graph, x, y);
}
#endif

void neighbour_graph_apply(const void *graph, const double *x, double *y)
{
#ifdef __x86_64__
    enum simd usable[SIMDS];
    if (simd_usable(usable) > 1) {
        apply_avx2(graph, x, y);
        return;
    }
#endif
    apply_rows(graph, x, y);
}
