/* k-means: its loops beside plain ones, its result beside what must be, whatever the threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/distances.h"
#include "cluster/kmeans.h"
#include "cluster/partitions.h"
#include "core/random.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static double *draw_points(size_t n, size_t d, double apart, uint32_t kinds, uint64_t seed)
{
    struct random random;
    double *points = malloc(n * d * sizeof *points);
    assert_non_null(points);
    random_init(&random, seed, 0);
    for (size_t i = 0; i < n * d; i++)
        points[i] = random_uniform(&random) + apart * (double)(i / d % kinds);
    return points;
}

static double plain_distance2(const double *a, const double *b, size_t d)
{
    double sum = 0;
    for (size_t c = 0; c < d; c++)
        sum += (a[c] - b[c]) * (a[c] - b[c]);
    return sum;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fmax(1, fabs(b));
}

/* ---- the loops, every width that this CPU has ---- */

static void check_nearest(const struct distance_kernels *kernels, const struct panels *panels,
                          const double *points, const double *centres, uint32_t k)
{
    size_t d = panels->d;
    uint32_t order[32];
    double gap[32];
    for (uint32_t j = 0; j < k; j++) { /* anchored at the last centre */
        uint32_t at = j;
        double distance =
            j == k - 1 ? -1 : sqrt(plain_distance2(centres + j * d, centres + (k - 1) * d, d));
        for (; at > 0 && gap[at - 1] > distance; at--) {
            gap[at] = gap[at - 1];
            order[at] = order[at - 1];
        }
        gap[at] = distance;
        order[at] = j;
    }
    for (size_t p = 0; p < panels->count; p++) {
        struct panel_nearest nearest;
        struct panel_bounds bounds;
        kernels->nearest(panel_at(panels, p), d, centres, k, &nearest);
        kernels->nearest_from(panel_at(panels, p), d, centres, order, gap, k, &bounds);
        for (size_t lane = 0; lane < panel_points(panels, p); lane++) {
            const double *point = points + (p * PANEL_POINTS + lane) * d;
            double first = HUGE_VAL, second = HUGE_VAL;
            for (uint32_t j = 0; j < k; j++) {
                double now = plain_distance2(point, centres + j * d, d);
                second = now < first ? first : fmin(second, now);
                first = fmin(first, now);
            }
            assert_true(near(nearest.first2[lane], first));
            assert_true(k == 1 ? isinf(nearest.second2[lane])
                               : near(nearest.second2[lane], second));
            assert_true(
                near(plain_distance2(point, centres + nearest.label[lane] * (int64_t)d, d), first));
            assert_true(near(bounds.upper[lane], sqrt(first)));
            assert_true(bounds.lower[lane] <= sqrt(second) * (1 + 1e-12));
            assert_int_equal(bounds.label[lane], nearest.label[lane]);
        }
    }
}

static void check_sums(const struct distance_kernels *kernels, const struct panels *panels,
                       const double *points, const double *from)
{
    size_t padded = panels->count * PANEL_POINTS;
    double *closest2 = calloc(padded + 1, sizeof *closest2), *out = calloc(padded + 1, sizeof *out);
    double lowered = 0, sum = 0;
    assert_true(closest2 && out);
    for (size_t i = 0; i < panels->points; i++) {
        double distance2 = plain_distance2(points + i * panels->d, from, panels->d);
        closest2[i] = i % 3 ? .1 : HUGE_VAL;
        lowered += fmin(closest2[i], distance2);
        sum += sqrt(distance2);
    }
    assert_true(
        near(kernels->lowered(panels->x, panels->count, panels->d, from, closest2, out), lowered));
    for (size_t i = 0; i < panels->points; i++)
        assert_true(near(
            out[i], fmin(closest2[i], plain_distance2(points + i * panels->d, from, panels->d))));
    assert_true(near(kernels->sum(panels->x, panels->points, panels->d, from), sum));
    free(closest2);
    free(out);
}

static void test_distances_are_those_of_plain_loops(void **state)
{
    (void)state;
    static const struct {
        size_t n, d;
        uint32_t k;
    } cases[] = {{1, 1, 1},  {8, 2, 2},   {9, 3, 3},  {100, 4, 20},
                 {61, 5, 7}, {64, 6, 29}, {50, 13, 8}};
    const struct distance_kernels *kernels[SIMDS];
    size_t usable = distance_kernels_usable(kernels);
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t v = 0; v < usable; v++) {
            struct panels panels;
            double *points = draw_points(cases[i].n, cases[i].d, .5, 3, i);
            double *centres = draw_points(cases[i].k, cases[i].d, .5, 3, i + 100);
            assert_int_equal(panels_init(&panels, points, cases[i].n, cases[i].d, NULL, NULL), 0);
            check_nearest(kernels[v], &panels, points, centres, cases[i].k);
            check_sums(kernels[v], &panels, points, centres);
            panels_release(&panels);
            free(points);
            free(centres);
        }
}

/* ---- the whole ---- */

static void run_threads(const double *points, size_t n, size_t d, const uint32_t *k, size_t count,
                        size_t threads, struct kmeans_result *out)
{
    const struct kmeans_options options = KMEANS_DEFAULTS;
    struct workers *workers = workers_new(threads, NULL);
    assert_non_null(workers);
    assert_int_equal(kmeans_run(points, n, d, k, count, &options, workers, out, NULL), 0);
    workers_free(workers);
}

static void test_kmeans_finds_what_lies_apart(void **state)
{
    (void)state;
    const uint32_t five = 5;
    double *points = draw_points(1003, 3, 4, 5, 1), alike;
    struct kmeans_result found;
    uint32_t truth[1003];
    for (uint32_t i = 0; i < 1003; i++)
        truth[i] = i % 5;
    run_threads(points, 1003, 3, &five, 1, 1, &found);
    assert_int_equal(adjusted_rand_index(found.label, 5, truth, 5, 1003, &alike, NULL), 0);
    assert_true(alike == 1);
    kmeans_release(&found);
    free(points);
}

static void test_kmeans_is_the_same_whatever_the_threads(void **state)
{
    (void)state;
    const uint32_t k[] = {7, 2, 12};
    double *points = draw_points(700, 4, .3, 3, 2);
    struct kmeans_result one[COUNT(k)], more[COUNT(k)];
    run_threads(points, 700, 4, k, COUNT(k), 1, one);
    for (size_t threads = 2; threads < 5; threads++) {
        run_threads(points, 700, 4, k, COUNT(k), threads, more);
        for (size_t i = 0; i < COUNT(k); i++) {
            assert_int_equal(more[i].k, k[i]);
            assert_memory_equal(one[i].centroids, more[i].centroids, k[i] * 4 * sizeof(double));
            assert_memory_equal(one[i].label, more[i].label, 700 * sizeof(uint32_t));
            assert_true(one[i].inertia == more[i].inertia);
            kmeans_release(&more[i]);
        }
    }
    for (size_t i = 0; i < COUNT(k); i++)
        kmeans_release(&one[i]);
    free(points);
}

/* Labels are the nearest centroids', the inertia is theirs, and moving a centroid to its mean gives
 * (almost) nothing any more. */
static void test_kmeans_ends_in_a_minimum(void **state)
{
    (void)state;
    const uint32_t k = 9;
    double *points = draw_points(400, 2, .2, 3, 3), sum = 0;
    struct kmeans_result found;
    run_threads(points, 400, 2, &k, 1, 2, &found);
    for (size_t i = 0; i < 400; i++) {
        double least = HUGE_VAL;
        for (uint32_t j = 0; j < k; j++)
            least =
                fmin(least, plain_distance2(points + 2 * i, found.centroids + 2 * (size_t)j, 2));
        double own =
            plain_distance2(points + 2 * i, found.centroids + 2 * (size_t)found.label[i], 2);
        assert_true(near(own, least));
        sum += own;
    }
    assert_true(fabs(sum - found.inertia) <= 1e-9 * sum);
    double means[18];
    partition_centroids(points, 400, 2, found.label, k, means);
    assert_true(partition_inertia(points, 400, 2, found.label, means) >= .999 * sum);
    kmeans_release(&found);
    free(points);
}

static void test_kmeans_at_the_edges(void **state)
{
    (void)state;
    struct kmeans_result found;
    double same[20] = {0}, far[3] = {1e9, 1e9 + 1, 1e9 + 5}, *points = draw_points(10, 2, 0, 1, 4);
    const uint32_t one = 1, all = 10, three = 3, two = 2;
    run_threads(points, 10, 2, &one, 1, 1, &found);
    double mean[2];
    partition_centroids(points, 10, 2, found.label, 1, mean);
    assert_true(near(found.centroids[0], mean[0]) && near(found.centroids[1], mean[1]));
    kmeans_release(&found);
    run_threads(points, 10, 2, &all, 1, 2, &found);
    assert_true(found.inertia < 1e-20);
    kmeans_release(&found);
    run_threads(same, 10, 2, &three, 1, 1, &found); /* more clusters than places */
    assert_true(found.inertia == 0);
    for (size_t i = 0; i < 10; i++)
        assert_true(found.label[i] < 3);
    kmeans_release(&found);
    run_threads(far, 3, 1, &two, 1, 1, &found); /* far from zero, squares keep their digits */
    assert_true(near(found.inertia, .5));
    kmeans_release(&found);
    free(points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distances_are_those_of_plain_loops),
        cmocka_unit_test(test_kmeans_finds_what_lies_apart),
        cmocka_unit_test(test_kmeans_is_the_same_whatever_the_threads),
        cmocka_unit_test(test_kmeans_ends_in_a_minimum),
        cmocka_unit_test(test_kmeans_at_the_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
