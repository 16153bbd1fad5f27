/* A bundle with clusters: what is saved is what is loaded, and whatever is damaged of it is seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle_parts.h"
#include "bundle/cluster_file.h"
#include "bundle_fixture.h"

#define K FIXTURE_CLUSTERS

static void clustered_fixture(struct bundle_fixture *f)
{
    fixture_init(f, 5, 3);
    fixture_cluster(f);
    fixture_save(f, "b");
}

static void test_bundle_clusters_load_to_the_bit(void **state)
{
    (void)state;
    struct bundle_fixture f;
    struct err err = {0};
    clustered_fixture(&f);
    struct bundle *loaded = bundle_load(fixture_path(&f, "b"), &err);
    if (!loaded) {
        fail_msg("%s", err.text);
        return;
    }
    const struct bundle_clusters *got = loaded->clusters, *saved = f.bundle.clusters;
    assert_non_null(got);
    assert_true(got->id != 0);
    assert_int_equal(got->of.k, K);
    assert_memory_equal(got->of.centroids, saved->of.centroids, K * 2 * sizeof(double));
    assert_int_equal(clustering_member(&got->of, (struct slice){"Zoë", 4}), 2);
    for (uint32_t c = 0; c < K; c++) {
        const struct bundle_cluster *a = &got->cluster[c], *b = &saved->cluster[c];
        assert_int_equal(a->users, b->users);
        assert_int_equal(a->sessions, b->sessions);
        assert_string_equal(a->why, b->why);
        assert_int_equal(!a->net, !b->net);
        if (!a->net || !b->net)
            continue;
        assert_int_equal(a->net->params_count, b->net->params_count);
        assert_memory_equal(a->net->params, b->net->params, b->net->params_count * sizeof(float));
        assert_memory_equal(&a->net->scaler, &b->net->scaler, sizeof b->net->scaler);
    }
    bundle_release(loaded);
    fixture_release(&f);
}

/* Another net of a cluster is another version, though the global one is the same. */
static void test_bundle_clusters_are_part_of_the_version(void **state)
{
    (void)state;
    struct bundle_fixture f;
    char version[3][BUNDLE_VERSION_MAX + 1];
    clustered_fixture(&f);
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            f.bundle.clusters->cluster[2].net->params[0] += .5f;
        assert_int_equal(bundle_save(fixture_path(&f, "b"), &f.bundle, CREATED, version[i], NULL),
                         0);
    }
    assert_string_not_equal(version[0], version[1]);
    assert_string_equal(version[1], version[2]);
    fixture_release(&f);
}

struct damage {
    const char *place, *value, *reason; /* in the manifest */
};

static const struct damage damages[] = {
    {"clusters/of/0/net", "\"global\"", "nets[1].name is \"cluster-0\", not \"cluster-2\""},
    {"clusters/of/1/net", "\"cluster-1\"", "nets[2].name is \"cluster-2\", not \"cluster-1\""},
    {"clusters/of/2", NULL, "nets has 3 entries; the global one and the clusters' make 2"},
    {"clusters/of/1/why", "\"\"", "clusters.of[1].why"},
    {"clusters/file", "\"cluster-0.safetensors\"", "cluster-0.safetensors: "},
    {"nets/1/file", "\"cluster-2.safetensors\"", "self-test case"},
    {"nets/1/features", "{}", "features.step is missing"},
    {"nets/2/remaining_s", "[]", "nets[2].remaining_s has 0 rows"},
    {"nets/2/remaining_s/1/0", "1e6", "cluster-2.safetensors: self-test case"},
    {"nets/2", NULL, "nets has no \"cluster-2\""},
};

static void test_bundle_clusters_damage_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct bundle_fixture f;
        clustered_fixture(&f);
        fixture_edit(&f, damages[i].place, damages[i].value);
        fixture_refused(&f, damages[i].place, damages[i].reason);
        fixture_release(&f);
    }
}

static void test_bundle_clusters_a_flipped_bit_is_seen(void **state)
{
    static const char *const names[] = {"clusters.json", "cluster-0.safetensors",
                                        "cluster-2.safetensors"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct bundle_fixture f;
        char name[64], reason[64];
        size_t size;
        clustered_fixture(&f);
        snprintf(name, sizeof name, "b/%s", names[i]);
        char *bytes = read_bytes(fixture_path(&f, name), &size);
        bytes[size / 2] ^= 1;
        write_bytes(fixture_path(&f, name), bytes, size);
        snprintf(reason, sizeof reason, "%s: sha256", names[i]);
        fixture_refused(&f, names[i], reason);
        free(bytes);
        fixture_release(&f);
    }
}

/* A net that is made otherwise than the global one has no place in it. */
static void test_bundle_clusters_other_nets_are_not_saved(void **state)
{
    (void)state;
    struct bundle_fixture f;
    struct err err = {0};
    const struct net_spec other = PREDICTOR_SPEC(6, 8);
    clustered_fixture(&f);
    struct bundle_cluster *cluster = &f.bundle.clusters->cluster[1];
    cluster->net = predictor_new(&other, 1, NULL);
    assert_int_equal(bundle_save(fixture_path(&f, "b"), &f.bundle, CREATED, NULL, &err), -1);
    assert_non_null(strstr(err.text, "the net of cluster 1 is not made as the global one"));
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundle_clusters_load_to_the_bit),
        cmocka_unit_test(test_bundle_clusters_are_part_of_the_version),
        cmocka_unit_test(test_bundle_clusters_damage_is_named),
        cmocka_unit_test(test_bundle_clusters_a_flipped_bit_is_seen),
        cmocka_unit_test(test_bundle_clusters_other_nets_are_not_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
