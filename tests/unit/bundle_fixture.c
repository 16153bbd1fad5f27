#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bundle/bundle_parts.h"
#include "bundle_fixture.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static void spread_scaler(float *mean, float *inverse_sd, int count)
{
    for (int i = 0; i < count; i++) {
        mean[i] = (float)i * .3f - 1;
        inverse_sd[i] = 1 / (.7f + (float)i * .1f);
    }
}

void fixture_init(struct bundle_fixture *fixture, uint32_t hidden, uint64_t seed)
{
    const char *base = getenv("TMPDIR");
    struct bundle *bundle = &fixture->bundle;
    const struct net_spec spec = PREDICTOR_SPEC(hidden, 8);
    *fixture = (struct bundle_fixture){0};
    arena_init(&fixture->paths, 4096);
    snprintf(fixture->folder, sizeof fixture->folder, "%.30s/outro-bundle-XXXXXX",
             base ? base : "/tmp");
    assert_non_null(mkdtemp(fixture->folder));
    bundle->gap_ms = 1800000;
    bundle->window = 256;
    for (int i = 0; i < POOL_VALUES; i++)
        bundle->pool_ms[i] = i / 2 * INT64_C(30000);
    bundle->net = predictor_new(&spec, seed, NULL);
    assert_non_null(bundle->net);
    struct predictor_scaler *scaler = &bundle->net->scaler;
    spread_scaler(scaler->step_mean, scaler->step_inverse_sd, STEP_INPUTS);
    spread_scaler(scaler->start_mean, scaler->start_inverse_sd, START_FEATURES);
    spread_scaler(scaler->live_mean, scaler->live_inverse_sd, LIVE_FEATURES);
    bundle->scores = 1;
    bundle->score[0] = (struct bundle_score){"validation.pinball_ratio", .973};
}

/* Cluster 0 has a net with a scaler of its own, 1 the global net, 2 a net with the global scaler.
 */
static struct bundle_clusters *clusters_new(const struct predictor *global)
{
    struct bundle_clusters *clusters = calloc(1, sizeof *clusters);
    assert_non_null(clusters);
    struct clustering *of = &clusters->of;
    *of = (struct clustering){.method = CLUSTER_KMEANS,
                              .k = FIXTURE_CLUSTERS,
                              .columns = 2,
                              .column = {COLUMN_TOTAL_SESSIONS, COLUMN_MEDIAN_LENGTH},
                              .members = 2};
    assert_int_equal(clustering_init(of, NULL), 0);
    for (size_t i = 0; i < FIXTURE_CLUSTERS * 2; i++)
        of->centroids[i] = (double)i / 3;
    of->scale[0] = .3;
    of->scale[1] = 1;
    strcpy(of->member[0].user_id, "user_000007");
    strcpy(of->member[1].user_id, "Zoë");
    of->member[1].label = 2;
    assert_int_equal(clustering_finish(of, NULL), 0);
    clusters->cluster = calloc(FIXTURE_CLUSTERS, sizeof *clusters->cluster);
    assert_non_null(clusters->cluster);
    for (uint32_t c = 0; c < FIXTURE_CLUSTERS; c++) {
        struct bundle_cluster *cluster = &clusters->cluster[c];
        cluster->users = c + 1;
        cluster->sessions = 100 * c;
        snprintf(cluster->why, sizeof cluster->why, "reason %u", c);
        if (c == 1)
            continue;
        cluster->net = predictor_new(&global->spec, 40 + c, NULL);
        assert_non_null(cluster->net);
        cluster->net->scaler = global->scaler;
        if (c == 0)
            cluster->net->scaler.live_mean[3] += 2;
    }
    return clusters;
}

void fixture_cluster(struct bundle_fixture *fixture)
{
    fixture->bundle.clusters = clusters_new(fixture->bundle.net);
}

void fixture_panel(struct bundle_fixture *fixture, uint32_t panel)
{
    struct net_spec spec = PREDICTOR_SPEC(4, 8);
    spec.features = predictor_row_features(panel);
    predictor_free(fixture->bundle.net);
    fixture->bundle.net = predictor_new(&spec, 1, NULL);
    assert_non_null(fixture->bundle.net);
    fixture->bundle.net->scaler.panel = panel;
}

static int remove_entry(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about;
    (void)type;
    (void)walk;
    return remove(path);
}

void fixture_release(struct bundle_fixture *fixture)
{
    predictor_free(fixture->bundle.net);
    bundle_clusters_free(fixture->bundle.clusters);
    arena_clear(&fixture->paths);
    assert_int_equal(nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *fixture_path(struct bundle_fixture *fixture, const char *name)
{
    char path[256];
    int length = snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    assert_true(length > 0 && (size_t)length < sizeof path);
    const char *copy = arena_copy(&fixture->paths, path, (size_t)length);
    assert_non_null(copy);
    return copy;
}

void fixture_save(struct bundle_fixture *fixture, const char *name)
{
    struct err err = {0};
    if (bundle_save(fixture_path(fixture, name), &fixture->bundle, CREATED, NULL, &err))
        fail_msg("%s", err.text);
}

static void edit(json_t *root, const char *place, const char *value)
{
    char path[64];
    json_t *at = root;
    snprintf(path, sizeof path, "%s", place);
    char *key = path;
    for (char *dot; (dot = strchr(key, '/')); key = dot + 1) {
        *dot = '\0';
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(key)) : json_object_get(at, key);
        assert_non_null(at);
    }
    json_t *new = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
    assert_true(!value || new);
    if (json_is_array(at) && new)
        assert_int_equal(json_array_set_new(at, (size_t)atoi(key), new), 0);
    else if (json_is_array(at))
        assert_int_equal(json_array_remove(at, (size_t)atoi(key)), 0);
    else if (new)
        assert_int_equal(json_object_set_new(at, key, new), 0);
    else
        assert_int_equal(json_object_del(at, key), 0);
}

void fixture_edit(struct bundle_fixture *f, const char *place, const char *value)
{
    const char *path = fixture_path(f, MANIFEST);
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    edit(root, place, value);
    assert_int_equal(json_dump_file(root, path, 0), 0);
    json_decref(root);
}

void fixture_refused(struct bundle_fixture *f, const char *what, const char *reason)
{
    struct err err = {0};
    struct bundle *bundle = bundle_load(fixture_path(f, "b"), &err);
    if (bundle)
        fail_msg("%s: was loaded", what);
    if (!strstr(err.text, reason))
        fail_msg("%s: \"%s\" does not say \"%s\"", what, err.text, reason);
    assert_memory_equal(err.text, f->folder, strlen(f->folder));
}

size_t fixture_entries(const struct bundle_fixture *fixture)
{
    size_t count = 0;
    DIR *folder = opendir(fixture->folder);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2; /* . and .. */
}

void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

char *read_bytes(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    assert_true(length >= 0);
    rewind(file);
    char *bytes = malloc((size_t)length + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)length, file), length);
    bytes[length] = '\0';
    fclose(file);
    *size = (size_t)length;
    return bytes;
}
