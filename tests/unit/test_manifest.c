#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "bundle/bundle.h"
#include "bundle/feature_names.h"
#include "bundle_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
    const char *place, *value, *reason;
} MANIFEST_CASES[] = {
    {"format", "\"outro\"", "format is \"outro\""},
    {"format", NULL, "format is missing"},
    {"format_version", "1", "format_version is 1; this program reads 2"},
    {"format_version", "\"1\"", "format_version is not a whole number"},
    {"version", "\"20261124T101500Z-00000000\"", "version is"},
    {"version", "\"20261124T101501Z-0\"", "version is"},
    {"created", "\"2026-11-24T10:15:00+00:00\"", "created is"},
    {"created", "\"2026-11-24T10:15:0aZ\"", "created is"},
    {"created", "\"2026-11-24T10:15:00\"", "created is"},
    {"session", NULL, "session is missing"},
    {"session/gap_ms", "0", "session.gap_ms is 0"},
    {"session/gap_ms", "1800.5", "session.gap_ms is not a whole number"},
    {"kernel", "[]", "kernel is not an object"},
    {"kernel/window", "0", "kernel.window is 0, outside 1 .. 4096"},
    {"kernel/window", "4097", "kernel.window is 4097"},
    {"kernel/window", "-1", "kernel.window is -1"},
    {"kernel/pool_ms/0", NULL, "kernel.pool_ms has 399 values"},
    {"kernel/pool_ms/7", "0", "kernel.pool_ms[7]"},
    {"kernel/pool_ms/0", "-1", "kernel.pool_ms[0]"},
    {"kernel/pool_ms/399", "1e9", "kernel.pool_ms[399]"},
    {"kernel/pool_ms/399", "9223372036854775807", "kernel.pool_ms[399]"},
    {"quantiles", "[0.1, 0.5]", "quantiles"},
    {"quantiles", "[0.1, 0.5, 0.9, 0.95]", "quantiles"},
    {"quantiles", "[0.5, 0.1, 0.9]", "quantiles"},
    {"quantiles", "[0.1, 0.5, 1.9]", "quantiles"},
    {"quantiles", "[0.1, 0.5, \"0.9\"]", "quantiles"},
    {"features/step/3/name", "\"cos_hour\"", "features.step[3] is \"cos_hour\" where"},
    {"features/start/0/name", "\"ln_gap_s\"", "features.start[0] is \"ln_gap_s\" where"},
    {"features/live/15", NULL, "features.live has 15 rows, not 16"},
    {"features/live/2/mean", "null", "features.live[2].mean is not a number"},
    {"features/live/2/mean", "1e300", "features.live[2].mean is too large"},
    {"features/live/2/sd", "0", "features.live[2].sd is 0"},
    {"features/live/2/sd", "-1", "features.live[2].sd is -1"},
    {"features/live/2/sd", "1e-300", "features.live[2].sd"},
    {"features/live/2/sd", "1e300", "features.live[2].sd"},
    {"features/step/0/mean", "-1.2", "self-test case"},
    {"features/start/13/sd", "3", "self-test case"},
    {"features/live/0/sd", "1", "self-test case"},
    {"clusters/method", "\"spectral\"", "clusters.file is missing"},
    {"clusters/method", "\"centroids\"", "clusters.method is \"centroids\""},
    {"clusters", "{\"method\":\"kmeans\",\"file\":\"clusters.json\",\"of\":[]}",
     "clusters.file is \"clusters.json\", which files does not list"},
    {"clusters", "{\"method\":\"kmeans\",\"file\":\"global.safetensors\",\"of\":[]}",
     "clusters.of has 0 rows"},
    {"clusters",
     "{\"method\":\"kmeans\",\"file\":\"global.safetensors\",\"of\":[{\"users\":1,\"sessions\":1,"
     "\"net\":\"cluster-1\",\"why\":\"so\"}]}",
     "clusters.of[0].net is \"cluster-1\", neither"},
    {"clusters",
     "{\"method\":\"kmeans\",\"file\":\"global.safetensors\",\"of\":[{\"users\":1,\"sessions\":1,"
     "\"net\":\"cluster-0\",\"why\":\"so\"}]}",
     "nets has no \"cluster-0\", which clusters.of[0] names"},
    {"clusters/centroids", "[[1]]", "clusters has centroids"},
    {"clusters/memberships", "{\"u\":1}", "clusters has centroids or memberships"},
    {"nets", "[]", "nets is empty"},
    {"nets/0/name", "\"cluster-0\"", "nets[0].name"},
    {"nets/0/net", NULL, "nets[0].net is missing"},
    {"nets/0/net", "\"gri:4\"", "nets[0]: net"},
    {"nets/0/net", "\"gru:4097\"", "nets[0]: "},
    {"nets/0/net", "\"gru:5\"", "global.safetensors: __metadata__.net is \"gru:4\""},
    {"nets/0/net", "\"none\"", "global.safetensors: __metadata__.net"},
    {"nets/0/head", "\"8 relu, 0 relu, 3\"", "nets[0]: "},
    {"nets/0/head", "\"8 relu, 8 relu, 4\"", "nets[0]: 13 inputs, 30 features and 4 outputs"},
    {"nets/0/head", "\"9 relu, 8 relu, 3\"", "global.safetensors: __metadata__.head"},
    {"nets/0/base", "\"median\"", "nets[0].base is \"median\", neither kernel nor none"},
    {"nets/0/base", "1", "nets[0].base"},
    {"nets/0/base", "\"none\"", "self-test case 0"},
    {"recipe", "[]", "recipe"},
    {"nets/0/file", "\"other.safetensors\"", "which files does not list"},
    {"nets/0/file", "\"../b/global.safetensors\"", "which files does not list"},
    {"files/..", "{\"size\":1,\"sha256\":\"\"}", "is not a plain file name"},
    {"files/a\\b", "{\"size\":1,\"sha256\":\"\"}", "is not a plain file name"},
    {"files/manifest.json", "{\"size\":1,\"sha256\":\"\"}", "is not a plain file name"},
    {"files/cluster-0.safetensors",
     "{\"size\":1,\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"}",
     "cluster-0.safetensors: No such file"},
    {"files/global.safetensors/size", "1", "the manifest says 1"},
    {"files/global.safetensors/sha256", "\"0\"", "64 lower-case hex digits"},
    {"files/global.safetensors/sha256",
     "\"0000000000000000000000000000000000000000000000000000000000000000\"", "version is"},
    {"scores/x", "\"good\"", "scores.x is neither a number nor null"},
    {"selftest", NULL, "selftest is missing"},
    {"selftest/cases", "[]", "selftest.cases has 0 rows"},
    {"selftest/cases/1/steps/0/12", NULL, "selftest.cases[1].steps[0] is not an array of 13"},
    {"selftest/cases/0/live/3", "\"1\"", "selftest.cases[0].live[3]"},
    {"selftest/cases/0/start", NULL, "selftest.cases[0].start is not an array of 14"},
    {"selftest/cases/2/remaining_s/1", "1", "self-test case 2: p50"},
    {"selftest/cases/3/kernel_s/2", "40000", "self-test case 3: p90"},
    {"selftest/cases/3/steps/63", NULL, "self-test case 3"},
};

static void test_manifest_damaged_fields_are_named(void **state)
{
    (void)state;
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    for (size_t i = 0; i < COUNT(MANIFEST_CASES); i++) {
        fixture_save(&f, "b");
        fixture_edit(&f, MANIFEST_CASES[i].place, MANIFEST_CASES[i].value);
        fixture_refused(&f, MANIFEST_CASES[i].place, MANIFEST_CASES[i].reason);
    }
    fixture_release(&f);
}

static void test_manifest_paths_out_of_the_bundle_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"../x", "/etc/passwd", "a/b", ".hidden", "a b",
                                        "",     "caf\xc3\xa9"};
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    for (size_t i = 0; i < COUNT(names); i++) {
        fixture_save(&f, "b");
        const char *path = fixture_path(&f, MANIFEST);
        json_t *root = json_load_file(path, 0, NULL);
        assert_int_equal(json_object_set_new(json_object_get(root, "files"), names[i],
                                             json_pack("{s:i, s:s}", "size", 1, "sha256", "")),
                         0);
        assert_int_equal(json_dump_file(root, path, 0), 0);
        json_decref(root);
        fixture_refused(&f, names[i], "is not a plain file name");
    }
    fixture_release(&f);
}

/* A bundle with a panel: which features it names, and in which order. */
static void test_manifest_panel_is_of_known_names_in_their_order(void **state)
{
    (void)state;
    static const struct {
        const char *place, *value, *reason;
    } cases[] = {
        {"features/start/15/name", "\"easter\"", "features.start[15] is \"easter\", which this"},
        {"features/start/15/name", "3", "features.start[15] is \"\", which this"},
        {"features/start/15/name", "\"ln_gap\"", "features.start[15] is \"ln_gap\", which this"},
        {"features/start/15/name", "\"ln_mean_5\"", "features.start has 16 rows, not 15"},
        {"features/start/15/name", "\"ln_mean_10\"", "features.start[14] is \"ln_mean_5\" where"},
        {"features/start/15", NULL, "selftest.cases[0].start is not an array of 15"},
        {"features/start/14/sd", "2", "self-test case"},
        {"features/start/14/sd", "0", "features.start[14].sd is 0"},
        {"selftest/cases/0/start/15", NULL, "selftest.cases[0].start is not an array of 16"},
    };
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    fixture_panel(&f, 1 << PANEL_MEAN_5 | 1 << PANEL_EVENING);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture_save(&f, "b");
        fixture_edit(&f, cases[i].place, cases[i].value);
        fixture_refused(&f, cases[i].place, cases[i].reason);
    }
    fixture_release(&f);
}

static void test_manifest_keys_of_later_writers_are_ignored(void **state)
{
    (void)state;
    struct bundle_fixture f;
    fixture_init(&f, 4, 1);
    fixture_save(&f, "b");
    fixture_edit(&f, "later", "{\"a\":1}");
    fixture_edit(&f, "kernel/later", "1");
    struct bundle *bundle = bundle_load(fixture_path(&f, "b"), NULL);
    assert_non_null(bundle);
    bundle_release(bundle);
    fixture_release(&f);
}

/* ---- the schema, by an independent validator ---- */

static int validate(const char *manifest)
{
    static const char program[] =
        "import json, sys\n"
        "try:\n"
        "    import jsonschema\n"
        "except ImportError:\n"
        "    sys.exit(77)\n"
        "schema, value = (json.load(open(name)) for name in sys.argv[1:3])\n"
        "jsonschema.Draft202012Validator.check_schema(schema)\n"
        "errors = list(jsonschema.Draft202012Validator(schema).iter_errors(value))\n"
        "sys.exit(1 if errors else 0)\n";
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl(OUTRO_PYTHON, OUTRO_PYTHON, "-c", program, OUTRO_SCHEMAS "/bundle.json", manifest,
              (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_manifest_meets_its_schema(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) { /* the head alone, a GRU, a GRU and a whole panel */
        struct bundle_fixture f;
        fixture_init(&f, i ? 4 : 0, 1);
        if (i == 2)
            fixture_panel(&f, (1 << PANEL_FEATURES) - 1);
        f.bundle.score[f.bundle.scores++] = (struct bundle_score){"test.m1", (double)NAN};
        fixture_save(&f, "b");
        const char *path = fixture_path(&f, MANIFEST);
        int status = validate(path);
        if (status == 77) {
            print_message("python3-jsonschema is not installed\n");
            fixture_release(&f);
            skip();
        }
        assert_int_equal(status, 0);
        fixture_edit(&f, "kernel/window", "0");
        assert_int_equal(validate(path), 1);
        fixture_release(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest_damaged_fields_are_named),
        cmocka_unit_test(test_manifest_paths_out_of_the_bundle_are_refused),
        cmocka_unit_test(test_manifest_panel_is_of_known_names_in_their_order),
        cmocka_unit_test(test_manifest_keys_of_later_writers_are_ignored),
        cmocka_unit_test(test_manifest_meets_its_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
