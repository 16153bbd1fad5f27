/* Spectral clustering where k-means cannot, its eigenvectors beside LAPACK's, graphs in pieces; and
 * what judges a partition, by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/eigen.h"
#include "cluster/neighbour_graph.h"
#include "cluster/partitions.h"
#include "cluster/scaling.h"
#include "cluster/silhouette.h"
#include "cluster/spectral.h"
#include "core/random.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct workers *threads(size_t count)
{
    struct workers *workers = workers_new(count, NULL);
    assert_non_null(workers);
    return workers;
}

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance;
}

/* Points of two rings, one within the other, in turn. */
static double *draw_rings(size_t n, double noise)
{
    struct random random;
    double *points = malloc(2 * n * sizeof *points);
    assert_non_null(points);
    random_init(&random, 5, 0);
    for (size_t i = 0; i < n; i++) {
        double turn = 2 * M_PI * random_uniform(&random);
        double radius = (i % 2 ? 3 : 1) + noise * (random_uniform(&random) - .5);
        points[2 * i] = radius * cos(turn);
        points[2 * i + 1] = radius * sin(turn);
    }
    return points;
}

static double alike(const uint32_t *a, const uint32_t *b, uint32_t k, size_t n)
{
    double index;
    assert_int_equal(adjusted_rand_index(a, k, b, k, n, &index, NULL), 0);
    return index;
}

static void test_spectral_finds_rings(void **state)
{
    (void)state;
    /* 250: LAPACK; 1200: filtered iteration */
    static const struct {
        size_t n;
        double noise;
    } cases[] = {{250, .3}, {1200, .4}, {5000, .8}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const uint32_t two = 2;
        const struct kmeans_options options = KMEANS_DEFAULTS;
        struct workers *workers = threads(2);
        struct spectral_result rings;
        struct kmeans_result halves;
        size_t n = cases[i].n, parts;
        double *points = draw_rings(n, cases[i].noise);
        uint32_t *truth = malloc(n * sizeof *truth);
        assert_non_null(truth);
        for (size_t p = 0; p < n; p++)
            truth[p] = p % 2;
        assert_int_equal(
            spectral_run(points, n, 2, &two, 1, &options, workers, &parts, &rings, NULL), 0);
        assert_int_equal(kmeans_run(points, n, 2, &two, 1, &options, workers, &halves, NULL), 0);
        assert_int_equal(parts, 2);
        assert_true(alike(rings.label, truth, 2, n) == 1);
        assert_true(alike(halves.label, truth, 2, n) < .1);
        spectral_release(&rings);
        kmeans_release(&halves);
        workers_free(workers);
        free(points);
        free(truth);
    }
}

static void test_spectral_is_the_same_whatever_the_threads(void **state)
{
    (void)state;
    const uint32_t k[] = {3, 5};
    const struct kmeans_options options = KMEANS_DEFAULTS;
    double *points = draw_rings(900, 3);
    struct spectral_result one[2], more[2];
    size_t parts;
    for (size_t count = 1; count < 4; count++) {
        struct workers *workers = threads(count);
        assert_int_equal(spectral_run(points, 900, 2, k, 2, &options, workers, &parts,
                                      count == 1 ? one : more, NULL),
                         0);
        workers_free(workers);
        for (size_t i = 0; count > 1 && i < 2; i++) {
            assert_memory_equal(one[i].label, more[i].label, 900 * sizeof(uint32_t));
            spectral_release(&more[i]);
        }
    }
    spectral_release(&one[0]);
    spectral_release(&one[1]);
    free(points);
}

/* More components than clusters: the largest have clusters of their own. */
static void test_spectral_counts_components(void **state)
{
    (void)state;
    static const size_t sizes[] = {40, 30, 20, 12};
    const struct kmeans_options options = KMEANS_DEFAULTS;
    const uint32_t three = 3;
    struct spectral_result found;
    struct workers *workers = threads(1);
    double points[102];
    size_t n = 0, parts;
    for (size_t s = 0; s < COUNT(sizes); s++)
        for (size_t i = 0; i < sizes[s]; i++, n++)
            points[n] = 1000.0 * (double)s + (double)i;
    assert_int_equal(spectral_run(points, n, 1, &three, 1, &options, workers, &parts, &found, NULL),
                     0);
    assert_int_equal(parts, 4);
    assert_int_not_equal(found.label[0], found.label[40]);
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(found.label[i], found.label[0]);
    spectral_release(&found);
    workers_free(workers);
}

static void test_eigen_largest_are_lapack_s(void **state)
{
    (void)state;
    const size_t n = 500, most = 7;
    struct neighbour_graph graph;
    struct workers *workers = threads(2);
    double *points = draw_rings(n, 3), dense_values[8], values[8];
    double *matrix = calloc(n * n, sizeof *matrix), *vectors = calloc(n * 8, sizeof *vectors);
    double *dense = calloc(n * 8, sizeof *dense);
    assert_true(matrix && vectors && dense);
    assert_int_equal(neighbour_graph_init(&graph, points, n, 2, workers, NULL), 0);
    for (size_t a = 0; a < n; a++)
        for (size_t e = graph.begin[a]; e < graph.begin[a + 1]; e++)
            matrix[a * n + graph.to[e]] = graph.weight[e];
    assert_int_equal(graph.parts, 1);
    assert_int_equal(eigen_dense(matrix, n, most + 1, dense_values, dense, NULL), 0);
    assert_true(near(dense_values[0], 1, 1e-12));
    const struct eigen_operator whole = {&graph, n, neighbour_graph_apply};
    assert_int_equal(eigen_largest(&whole, dense, 1, most, 1, workers, values, vectors, NULL), 0);
    for (size_t j = 0; j < most; j++) {
        double same = 0;
        assert_true(near(values[j], dense_values[j + 1], 1e-12));
        for (size_t i = 0; i < n; i++)
            same += vectors[j * n + i] * dense[(j + 1) * n + i];
        assert_true(near(fabs(same), 1, 1e-8));
    }
    neighbour_graph_release(&graph);
    workers_free(workers);
    free(points);
    free(matrix);
    free(vectors);
    free(dense);
}

/* Fifteen points at one place: each is in its own neighbourhood all the same, none is alone. */
static void test_graph_of_equal_points(void **state)
{
    (void)state;
    double points[15] = {0};
    struct neighbour_graph graph;
    struct workers *workers = threads(1);
    assert_int_equal(neighbour_graph_init(&graph, points, 15, 1, workers, NULL), 0);
    for (size_t a = 0; a < 15; a++) {
        assert_true(graph.begin[a + 1] - graph.begin[a] >= GRAPH_NEIGHBOURS - 1);
        for (size_t e = graph.begin[a]; e < graph.begin[a + 1]; e++)
            assert_int_not_equal(graph.to[e], a);
    }
    assert_int_equal(graph.parts, 1);
    neighbour_graph_release(&graph);
    workers_free(workers);
}

/* ---- what judges ---- */

static void test_silhouette_by_hand(void **state)
{
    (void)state;
    const double points[] = {0, 1, 4, 10, 12, 30};
    const uint32_t label[] = {0, 0, 0, 1, 1, 3}; /* nobody is in 2 */
    const double a[] = {2.5, 2, 3.5, 2, 2}, b[] = {11, 10, 7, 25.0 / 3, 31.0 / 3};
    double out[6], mean, sum = 0;
    struct workers *workers = threads(2);
    assert_int_equal(silhouette(points, 6, 1, label, 4, workers, out, &mean, NULL), 0);
    for (size_t i = 0; i < 5; i++) {
        assert_true(near(out[i], (b[i] - a[i]) / fmax(a[i], b[i]), 1e-12));
        sum += out[i];
    }
    assert_true(out[5] == 0);
    assert_true(near(mean, sum / 6, 1e-12));
    const double same[4] = {2, 2, 2, 2};
    const uint32_t halves[] = {0, 1, 0, 1};
    assert_int_equal(silhouette(same, 4, 1, halves, 2, workers, NULL, &mean, NULL), 0);
    assert_true(mean == 0);
    workers_free(workers);
}

static void test_adjusted_rand_index_by_hand(void **state)
{
    (void)state;
    static const struct {
        uint32_t a[6], b[6];
        double index; /* scikit-learn's */
    } cases[] = {{{0, 0, 1, 1, 2, 2}, {2, 2, 0, 0, 1, 1}, 1},
                 {{0, 0, 0, 1, 1, 1}, {0, 0, 1, 1, 2, 2}, .24242424242424243},
                 {{0, 1, 0, 1, 0, 1}, {0, 0, 0, 1, 1, 1}, -1.0 / 9},
                 {{0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}, 1}};
    for (size_t i = 0; i < COUNT(cases); i++)
        if (!near(alike(cases[i].a, cases[i].b, 3, 6), cases[i].index, 1e-12))
            fail_msg("case %zu: %.17g", i, alike(cases[i].a, cases[i].b, 3, 6));
}

static void test_partition_shuffle_keeps_sizes(void **state)
{
    (void)state;
    uint32_t label[200], first[200], second[200], count[3] = {0};
    for (uint32_t i = 0; i < 200; i++)
        label[i] = i < 150 ? 0 : i < 190 ? 1 : 2;
    partition_shuffle(label, 200, 7, 0, first);
    for (size_t i = 0; i < 200; i++)
        count[first[i]]++;
    assert_true(count[0] == 150 && count[1] == 40 && count[2] == 10);
    assert_memory_not_equal(first, label, sizeof label);
    partition_shuffle(label, 200, 7, 1, second);
    assert_memory_not_equal(first, second, sizeof first);
    partition_shuffle(label, 200, 7, 0, second);
    assert_memory_equal(first, second, sizeof first);
}

static void test_scaling_by_hand(void **state)
{
    (void)state;
    double points[] = {1, 7, 100, 3, 7, 300, 5, 7, 500, 7, 7, 700}, mean[3], scale[3];
    scaling_fit(points, 4, 3, mean, scale);
    assert_true(near(mean[0], 4, 1e-12) && near(mean[2], 400, 1e-12));
    assert_true(near(scale[0], sqrt(5), 1e-12) && scale[1] == 1);
    scaling_apply(points, 4, 3, mean, scale);
    assert_true(near(points[0], -3 / sqrt(5), 1e-12) && points[1] == 0);
    assert_true(near(points[11], 3 / sqrt(5), 1e-12));
}

static void test_principal_components_of_a_line(void **state)
{
    (void)state;
    double points[20], out[40], share[2];
    for (size_t i = 0; i < 10; i++) {
        points[2 * i] = 3 * (double)i;
        points[2 * i + 1] = 4 * (double)i + 100;
    }
    assert_int_equal(principal_components(points, 10, 2, out, share, NULL), 0);
    assert_true(near(share[0], 1, 1e-12) && near(share[1], 0, 1e-12));
    for (size_t i = 0; i < 10; i++) {
        assert_true(near(out[2 * i], 5 * ((double)i - 4.5), 1e-9));
        assert_true(near(out[2 * i + 1], 0, 1e-9));
    }
    assert_int_equal(principal_components(points, 20, 1, out, share, NULL), 0);
    assert_true(out[1] == 0 && share[1] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spectral_finds_rings),
        cmocka_unit_test(test_spectral_is_the_same_whatever_the_threads),
        cmocka_unit_test(test_spectral_counts_components),
        cmocka_unit_test(test_eigen_largest_are_lapack_s),
        cmocka_unit_test(test_graph_of_equal_points),
        cmocka_unit_test(test_silhouette_by_hand),
        cmocka_unit_test(test_adjusted_rand_index_by_hand),
        cmocka_unit_test(test_partition_shuffle_keeps_sizes),
        cmocka_unit_test(test_scaling_by_hand),
        cmocka_unit_test(test_principal_components_of_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
