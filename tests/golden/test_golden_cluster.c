/* Clustering held against scikit-learn 1.2 on five data sets: inertia of k-means for many k, labels
 * of spectral clustering, silhouettes of both. Every check is tried with its reference spoilt. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "cluster/kmeans.h"
#include "cluster/partitions.h"
#include "cluster/silhouette.h"
#include "cluster/spectral.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define INERTIA_OVER    1.002 /* at most so many times the reference's */
#define SAME_PARTITION  .98   /* adjusted Rand index */
#define SILHOUETTE_NEAR .01

static const char *const sets[] = {"profiles_user_avg", "profiles_avg",
                                   "profiles_std_avg_max_median", "iris", "wine_std"};

struct reference {
    json_t *root;
    const json_t *set;
    const char *name;
    size_t n, d;
    double *points;
    struct workers *workers;
};

static void read_points(struct reference *r)
{
    char path[4096];
    snprintf(path, sizeof path, OUTRO_GOLDEN "/cluster/%s.tsv", r->name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    r->points = malloc(r->n * r->d * sizeof *r->points);
    assert_non_null(r->points);
    for (size_t i = 0; i < r->n * r->d; i++) {
        char word[64], *end;
        assert_int_equal(fscanf(file, "%63s", word), 1);
        r->points[i] = strtod(word, &end);
        assert_true(*end == '\0');
    }
    fclose(file);
}

static void take(struct reference *r, const char *name)
{
    r->name = name;
    r->set = json_object_get(r->root, name);
    assert_non_null(r->set);
    r->n = (size_t)json_integer_value(json_object_get(r->set, "n"));
    r->d = (size_t)json_integer_value(json_object_get(r->set, "d"));
    read_points(r);
}

static double number(const struct reference *r, const char *key)
{
    const json_t *value = json_object_get(r->set, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static uint32_t *labels(const struct reference *r, const char *key)
{
    const json_t *array = json_object_get(r->set, key);
    uint32_t *out = malloc(r->n * sizeof *out);
    assert_non_null(out);
    assert_int_equal(json_array_size(array), r->n);
    for (size_t i = 0; i < r->n; i++)
        out[i] = (uint32_t)json_integer_value(json_array_get(array, i));
    return out;
}

static double silhouette_of(const struct reference *r, const uint32_t *label)
{
    double mean;
    assert_int_equal(silhouette(r->points, r->n, r->d, label, 5, r->workers, NULL, &mean, NULL), 0);
    return mean;
}

static int near_enough(double got, double expected)
{
    return fabs(got - expected) <= SILHOUETTE_NEAR;
}

static int low_enough(double got, double expected)
{
    return got <= INERTIA_OVER * expected;
}

/* ---- what is held ---- */

static void check_inertia(const struct reference *r)
{
    const json_t *value;
    const char *key;
    json_t *all = json_object_get(r->set, "inertia");
    uint32_t k[64];
    double expected[64];
    size_t count = 0;
    struct kmeans_result found[64];
    const struct kmeans_options options = KMEANS_DEFAULTS;
    json_object_foreach(all, key, value)
    {
        k[count] = (uint32_t)strtoul(key, NULL, 10);
        expected[count++] = json_number_value(value);
    }
    assert_true(count > 8);
    assert_int_equal(kmeans_run(r->points, r->n, r->d, k, count, &options, r->workers, found, NULL),
                     0);
    for (size_t i = 0; i < count; i++) {
        print_message("%-28s k %-2u inertia %.4f of the reference\n", r->name, k[i],
                      found[i].inertia / expected[i]);
        if (!low_enough(found[i].inertia, expected[i]))
            fail_msg("%s, k %u: inertia %.9g, %.9g expected", r->name, k[i], found[i].inertia,
                     expected[i]);
        /* What is said of the labels is what they give. */
        double *means = calloc(k[i] * r->d, sizeof *means);
        assert_non_null(means);
        partition_centroids(r->points, r->n, r->d, found[i].label, k[i], means);
        double given = partition_inertia(r->points, r->n, r->d, found[i].label, means);
        assert_true(fabs(given - found[i].inertia) <= 1e-3 * given);
        assert_false(low_enough(given, .99 * given / INERTIA_OVER));
        free(means);
        kmeans_release(&found[i]);
    }
}

/* Silhouettes of the reference's own labels are ours to the last digits. */
static void check_silhouettes(const struct reference *r)
{
    static const char *const keys[][2] = {{"kmeans5", "kmeans5_silhouette"},
                                          {"spectral5", "spectral5_silhouette"}};
    for (size_t i = 0; i < COUNT(keys); i++) {
        uint32_t *label = labels(r, keys[i][0]);
        double expected = number(r, keys[i][1]);
        double got = silhouette_of(r, label);
        print_message("%-28s %-20s off by %.1e\n", r->name, keys[i][1], fabs(got - expected));
        if (fabs(got - expected) > 1e-12)
            fail_msg("%s %s: %.15g, %.15g expected", r->name, keys[i][1], got, expected);
        label[r->n / 2] = (label[r->n / 2] + 1) % 5;
        assert_true(fabs(silhouette_of(r, label) - expected) > 1e-12);
        free(label);
    }
}

static void check_kmeans(const struct reference *r)
{
    const struct kmeans_options options = KMEANS_DEFAULTS;
    const uint32_t five = 5;
    struct kmeans_result found;
    assert_int_equal(
        kmeans_run(r->points, r->n, r->d, &five, 1, &options, r->workers, &found, NULL), 0);
    double got = silhouette_of(r, found.label), expected = number(r, "kmeans5_silhouette");
    print_message("%-28s k-means silhouette %.4f, %.4f expected\n", r->name, got, expected);
    assert_true(near_enough(got, expected));
    assert_false(near_enough(got, expected + .02));
    kmeans_release(&found);
}

static void check_spectral(const struct reference *r)
{
    const struct kmeans_options options = KMEANS_DEFAULTS;
    const uint32_t five = 5;
    struct spectral_result found;
    size_t parts;
    double alike, spoilt;
    assert_int_equal(
        spectral_run(r->points, r->n, r->d, &five, 1, &options, r->workers, &parts, &found, NULL),
        0);
    bool broken = json_is_true(json_object_get(r->set, "spectral_warned_disconnected"));
    uint32_t *expected = labels(r, "spectral5");
    assert_int_equal(adjusted_rand_index(found.label, 5, expected, 5, r->n, &alike, NULL), 0);
    double got = silhouette_of(r, found.label), said = number(r, "spectral5_silhouette");
    print_message("%-28s spectral: %zu components, ARI %.4f, silhouette %.4f, %.4f expected\n",
                  r->name, parts, alike, got, said);
    assert_int_equal(parts > 1, broken);
    assert_true(alike >= SAME_PARTITION);
    assert_true(near_enough(got, said));
    assert_false(near_enough(got, said - .025));
    for (size_t i = 0; i < r->n; i += 10)
        expected[i] = (expected[i] + 1) % 5;
    assert_int_equal(adjusted_rand_index(found.label, 5, expected, 5, r->n, &spoilt, NULL), 0);
    assert_false(spoilt >= SAME_PARTITION);
    free(expected);
    spectral_release(&found);
}

static void run(void (*check)(const struct reference *r))
{
    json_error_t error;
    struct reference r = {.root =
                              json_load_file(OUTRO_GOLDEN "/cluster/reference.json", 0, &error)};
    if (!r.root) {
        print_message("SKIPPED: no reference values at %s\n", OUTRO_GOLDEN "/cluster");
        skip();
    }
    r.workers = workers_new(2, NULL);
    assert_non_null(r.workers);
    for (size_t i = 0; i < COUNT(sets); i++) {
        take(&r, sets[i]);
        check(&r);
        free(r.points);
    }
    workers_free(r.workers);
    json_decref(r.root);
}

static void test_golden_cluster_inertia(void **state)
{
    (void)state;
    run(check_inertia);
}

static void test_golden_cluster_silhouettes(void **state)
{
    (void)state;
    run(check_silhouettes);
}

static void test_golden_cluster_kmeans(void **state)
{
    (void)state;
    run(check_kmeans);
}

static void test_golden_cluster_spectral(void **state)
{
    (void)state;
    run(check_spectral);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_cluster_inertia),
        cmocka_unit_test(test_golden_cluster_silhouettes),
        cmocka_unit_test(test_golden_cluster_kmeans),
        cmocka_unit_test(test_golden_cluster_spectral),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
