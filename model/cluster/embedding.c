#include "cluster/embedding.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/eigen.h"
#include "cluster/neighbour_graph.h"

#define DENSE_POINTS 300 /* up to which LAPACK is faster than anything clever */

/* The eigenvectors of eigenvalue 0: of each component the root of the degree, 0 elsewhere. */
static void component_vectors(const struct neighbour_graph *graph, size_t count, double *vectors)
{
    memset(vectors, 0, count * graph->n * sizeof *vectors);
    for (size_t p = 0; p < count; p++) {
        double *vector = vectors + p * graph->n, size2 = 0;
        for (size_t a = 0; a < graph->n; a++)
            if (graph->part[a] == p)
                size2 += graph->root[a] * graph->root[a];
        for (size_t a = 0; a < graph->n; a++)
            if (graph->part[a] == p)
                vector[a] = graph->root[a] / sqrt(size2);
    }
}

/* The matrix in full, less the vectors that are known: they would come first otherwise. */
static int solve_dense(const struct neighbour_graph *graph, const double *known, size_t known_count,
                       size_t most, double *values, double *vectors, struct err *err)
{
    size_t n = graph->n;
    double *matrix = calloc(n * n, sizeof *matrix);
    if (!matrix)
        return err_set(err, ERR_MEMORY, "out of memory for a matrix of %zu rows", n);
    for (size_t a = 0; a < n; a++) {
        for (size_t e = graph->begin[a]; e < graph->begin[a + 1]; e++)
            matrix[a * n + graph->to[e]] = graph->weight[e];
        for (size_t p = 0; p < known_count; p++)
            for (size_t b = 0; b < n; b++)
                matrix[a * n + b] -= 3 * known[p * n + a] * known[p * n + b];
    }
    int result = eigen_dense(matrix, n, most, values, vectors, err);
    free(matrix);
    return result;
}

/* vectors (most, n): those of the components, then the others. */
static int find_vectors(const struct neighbour_graph *graph, size_t most, uint64_t seed,
                        struct workers *workers, double *vectors, struct err *err)
{
    const struct eigen_operator matrix = {graph, graph->n, neighbour_graph_apply};
    size_t known = graph->parts < most ? graph->parts : most, n = graph->n;
    component_vectors(graph, known, vectors);
    if (known == most)
        return 0;
    double *values = malloc(most * sizeof *values);
    if (!values)
        return err_set(err, ERR_MEMORY, "out of memory for %zu eigenvalues", most);
    /* A block must not be wider than what is left of the space. */
    bool dense = n <= DENSE_POINTS || most * 4 > n;
    int result =
        dense ? solve_dense(graph, vectors, known, most - known, values, vectors + known * n, err)
              : eigen_largest(&matrix, vectors, known, most - known, seed, workers, values,
                              vectors + known * n, err);
    free(values);
    return result;
}

/* Out of the graph's order, divided by the degree's root, with the sign fixed. */
static void lay_out(const struct neighbour_graph *graph, const double *vectors,
                    struct embedding *out)
{
    for (size_t j = 0; j < out->most; j++) {
        const double *vector = vectors + j * out->n;
        double largest = 0;
        for (size_t a = 0; a < out->n; a++) {
            double x = vector[a] / graph->root[a];
            largest = fabs(x) > fabs(largest) ? x : largest;
        }
        for (size_t a = 0; a < out->n; a++)
            out->map[graph->order[a] * out->most + j] =
                vector[a] / graph->root[a] * (largest < 0 ? -1 : 1);
    }
}

int embedding_init(struct embedding *out, const double *points, size_t n, size_t d, size_t most,
                   uint64_t seed, struct workers *workers, struct err *err)
{
    struct neighbour_graph graph;
    if (neighbour_graph_init(&graph, points, n, d, workers, err))
        return -1;
    *out = (struct embedding){.n = n, .most = most, .parts = graph.parts};
    out->map = malloc(n * most * sizeof *out->map);
    double *vectors = malloc(n * most * sizeof *vectors);
    int result = -1;
    if (!out->map || !vectors)
        err_set(err, ERR_MEMORY, "out of memory for %zu eigenvectors of %zu points", most, n);
    else
        result = find_vectors(&graph, most, seed, workers, vectors, err);
    if (result == 0)
        lay_out(&graph, vectors, out);
    else
        embedding_release(out);
    free(vectors);
    neighbour_graph_release(&graph);
    return result;
}

void embedding_release(struct embedding *embedding)
{
    free(embedding->map);
    *embedding = (struct embedding){0};
}
