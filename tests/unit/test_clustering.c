/* Members, and the assignment of those who are none: by hand, and against a search over all. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/clustering.h"
#include "cluster/kd_tree.h"
#include "core/random.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assert_near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g", got, expected);
}

/* ---- the index ---- */

static int nearer(const void *a, const void *b)
{
    const struct kd_neighbour *x = a, *y = b;
    if (x->distance2 != y->distance2)
        return x->distance2 < y->distance2 ? -1 : 1;
    return (x->point > y->point) - (x->point < y->point);
}

/* Every distance, sorted: what the tree must say. */
static void search_all(const double *points, size_t n, size_t d, const double *query,
                       struct kd_neighbour *out)
{
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (struct kd_neighbour){0, i};
        for (size_t c = 0; c < d; c++) {
            double off = points[i * d + c] - query[c];
            out[i].distance2 += off * off;
        }
    }
    qsort(out, n, sizeof *out, nearer);
}

static void check_tree(size_t n, size_t d, double grid, uint64_t seed)
{
    struct random random;
    double *points = malloc(n * d * sizeof *points), query[KD_DIMENSIONS_MAX];
    struct kd_neighbour *all = malloc(n * sizeof *all), got[10];
    assert_true(points && all);
    random_init(&random, seed, 0);
    for (size_t i = 0; i < n * d; i++)
        points[i] = floor(random_uniform(&random) * grid) / grid;
    struct kd_tree *tree = kd_tree_new(points, n, d, NULL);
    assert_non_null(tree);
    for (int q = 0; q < 60; q++) {
        for (size_t c = 0; c < d; c++) /* half of them are points, some are far outside */
            query[c] = q % 2 ? points[(size_t)q % n * d + c]
                             : floor((random_uniform(&random) * 3 - 1) * grid) / grid;
        size_t count = kd_tree_nearest(tree, query, 10, got);
        search_all(points, n, d, query, all);
        assert_int_equal(count, n < 10 ? n : 10);
        for (size_t i = 0; i < count; i++)
            if (got[i].point != all[i].point || got[i].distance2 != all[i].distance2)
                fail_msg("n %zu d %zu grid %g query %d: neighbour %zu is %u at %g, not %u at %g", n,
                         d, grid, q, i, got[i].point, got[i].distance2, all[i].point,
                         all[i].distance2);
    }
    kd_tree_free(tree);
    free(points);
    free(all);
}

static void test_kd_tree_is_exact_also_among_equals(void **state)
{
    (void)state;
    static const struct {
        size_t n, d;
        double grid; /* a coarse one makes many points and distances equal */
    } cases[] = {{1, 1, 4},      {2, 3, 4},      {9, 2, 2},     {13, 1, 4},
                 {200, 1, 3},    {500, 2, 4},    {1000, 3, 16}, {777, 6, 3},
                 {1500, 6, 1e9}, {300, 13, 1e9}, {400, 2, 1.5}, {64, 64, 8}};
    for (size_t i = 0; i < COUNT(cases); i++)
        check_tree(cases[i].n, cases[i].d, cases[i].grid, i);
}

/* ---- members and assignment ---- */

static const struct {
    const char *user_id;
    uint32_t label;
    double average, age; /* raw */
} PEOPLE[] = {{"zoe", 1, 5000, 30},
              {"ann", 0, 1000, 20},
              {"bob", 0, 1200, 60},
              {"dan", 1, 5200, 62},
              {"\xc3\xa9ric", 2, 9000, 40}};

static void make(struct clustering *c, enum cluster_method method)
{
    *c = (struct clustering){.method = method,
                             .k = 3,
                             .columns = 2,
                             .column = {COLUMN_AVERAGE_LENGTH, COLUMN_AGE},
                             .members = COUNT(PEOPLE)};
    assert_int_equal(clustering_init(c, NULL), 0);
    c->mean[0] = 4000;
    c->scale[0] = 2000;
    for (size_t i = 0; i < COUNT(PEOPLE); i++) {
        snprintf(c->member[i].user_id, sizeof c->member[i].user_id, "%s", PEOPLE[i].user_id);
        c->member[i].label = PEOPLE[i].label;
        if (c->points) {
            c->points[2 * i] = (PEOPLE[i].average - 4000) / 2000;
            c->points[2 * i + 1] = PEOPLE[i].age;
        }
    }
    static const double centroids[] = {-1.45, 40, .55, 46, 2.5, 40};
    memcpy(c->centroids, centroids, sizeof centroids);
}

static struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static void test_clustering_members_are_found_by_id(void **state)
{
    (void)state;
    struct clustering c;
    make(&c, CLUSTER_SPECTRAL);
    assert_int_equal(clustering_finish(&c, NULL), 0);
    for (size_t i = 0; i < COUNT(PEOPLE); i++)
        assert_int_equal(clustering_member(&c, slice_of(PEOPLE[i].user_id)), PEOPLE[i].label);
    static const char *const others[] = {"", "a", "an", "annn", "zoe1", "zzz", "\xff", "dam"};
    for (size_t i = 0; i < COUNT(others); i++)
        assert_int_equal(clustering_member(&c, slice_of(others[i])), -1);
    assert_int_equal(clustering_member(&c, (struct slice){"ann\0x", 5}), -1);
    /* Points went with their people. */
    assert_string_equal(c.member[0].user_id, "ann");
    assert_near(c.points[1], 20, 0);
    assert_near(c.points[2 * 3 + 1], 30, 0);
    size_t sizes[3];
    clustering_sizes(&c, sizes);
    assert_int_equal(sizes[0], 2);
    assert_int_equal(sizes[1], 2);
    assert_int_equal(sizes[2], 1);
    clustering_release(&c);
}

static void test_clustering_assigns_in_scaled_space(void **state)
{
    (void)state;
    static const struct {
        double average, age;
        uint32_t kmeans, spectral;
    } cases[] = {
        {1000, 40, 0, 2}, /* the nearest centroid; nobody of that age but eric */
        {1000, 20, 0, 0}, {5200, 61, 1, 1}, {1100, 61, 1, 0}, {9000, 41, 2, 2}, {90000, 46, 2, 2},
    };
    struct clustering kmeans, spectral;
    make(&kmeans, CLUSTER_KMEANS);
    make(&spectral, CLUSTER_SPECTRAL);
    assert_int_equal(clustering_finish(&kmeans, NULL), 0);
    assert_int_equal(clustering_finish(&spectral, NULL), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        double raw[USER_COLUMNS], distance2[3];
        for (int c = 0; c < USER_COLUMNS; c++)
            raw[c] = (double)NAN; /* nobody looks at the others */
        raw[COLUMN_AVERAGE_LENGTH] = cases[i].average;
        raw[COLUMN_AGE] = cases[i].age;
        if (clustering_assign(&kmeans, raw) != cases[i].kmeans ||
            clustering_assign(&spectral, raw) != cases[i].spectral)
            fail_msg("case %zu: %u and %u", i, clustering_assign(&kmeans, raw),
                     clustering_assign(&spectral, raw));
        clustering_distances(&kmeans, raw, distance2);
        double x = (cases[i].average - 4000) / 2000 - 2.5, y = cases[i].age - 40;
        assert_near(distance2[2], x * x + y * y, 1e-9);
    }
    clustering_release(&kmeans);
    clustering_release(&spectral);
}

static void test_clustering_equally_near_is_the_first(void **state)
{
    (void)state;
    struct clustering c;
    double raw[USER_COLUMNS] = {[COLUMN_AVERAGE_LENGTH] = 4000, [COLUMN_AGE] = 40};
    make(&c, CLUSTER_KMEANS);
    c.centroids[0] = 1;
    c.centroids[2] = -1;
    c.centroids[3] = 40;
    assert_int_equal(clustering_finish(&c, NULL), 0);
    assert_int_equal(clustering_assign(&c, raw), 0);
    clustering_release(&c);
}

static void same_user(struct clustering *c)
{
    snprintf(c->member[3].user_id, sizeof c->member[3].user_id, "ann");
}
static void label_out_of_range(struct clustering *c)
{
    c->member[2].label = 3;
}
static void no_user_id(struct clustering *c)
{
    c->member[2].user_id[0] = '\0';
}
static void point_not_finite(struct clustering *c)
{
    c->points[3] = (double)NAN;
}
static void centroid_not_finite(struct clustering *c)
{
    c->centroids[3] = HUGE_VAL;
}
static void scale_zero(struct clustering *c)
{
    c->scale[1] = 0;
}
static void mean_not_finite(struct clustering *c)
{
    c->mean[0] = (double)NAN;
}
static void nobody_near(struct clustering *c)
{
    c->member[4].label = 1;
}

static void test_clustering_what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        void (*spoil)(struct clustering *c);
        const char *reason;
    } cases[] = {{same_user, "user ann stands twice"},
                 {label_out_of_range, "user bob: cluster 3 of 3"},
                 {no_user_id, "a user without an id"},
                 {point_not_finite, "user ann: a value is not finite"},
                 {centroid_not_finite, "a centroid is not finite"},
                 {scale_zero, "column age: a mean or scale"},
                 {mean_not_finite, "column average_session_length: a mean or scale"},
                 {nobody_near, "cluster 2 has no members to be near to"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct clustering c;
        struct err err = {0};
        make(&c, CLUSTER_SPECTRAL);
        cases[i].spoil(&c);
        assert_int_equal(clustering_finish(&c, &err), -1);
        if (err.code != ERR_INPUT || !strstr(err.text, cases[i].reason))
            fail_msg("%s: says %s", cases[i].reason, err.text);
        clustering_release(&c);
    }
}

static void test_user_columns_have_names(void **state)
{
    (void)state;
    enum user_column found;
    struct err err = {0};
    for (int c = 0; c < USER_COLUMNS; c++) {
        const char *name = user_column_name((enum user_column)c);
        assert_int_equal(user_column_find(slice_of(name), &found, &err), 0);
        assert_int_equal(found, c);
        assert_true(strlen(user_column_label((enum user_column)c)) > 2);
    }
    assert_int_equal(user_column_find((struct slice){"ages", 4}, &found, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.text, "no column \"ages\"; there are gender, age, "));
    assert_non_null(strstr(err.text, "total_session_rows"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kd_tree_is_exact_also_among_equals),
        cmocka_unit_test(test_clustering_members_are_found_by_id),
        cmocka_unit_test(test_clustering_assigns_in_scaled_space),
        cmocka_unit_test(test_clustering_equally_near_is_the_first),
        cmocka_unit_test(test_clustering_what_cannot_be_is_refused),
        cmocka_unit_test(test_user_columns_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
