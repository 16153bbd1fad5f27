/* The file of clusters: the same to the bit after being written and read; every refusal names its
 * field; the schema takes what we write. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "bundle/cluster_file.h"
#include "core/random.h"
#include "temp_file.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assert_near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.17g, expected %.17g", got, expected);
}

static void make(struct clustering *c, enum cluster_method method)
{
    struct random random;
    random_init(&random, 3, 0);
    *c = (struct clustering){.method = method,
                             .k = 3,
                             .columns = 2,
                             .column = {COLUMN_MEDIAN_LENGTH, COLUMN_AGE},
                             .members = 40};
    assert_int_equal(clustering_init(c, NULL), 0);
    c->mean[0] = 1.0 / 3;
    c->scale[0] = 1e-7;
    c->seed = 12345678901;
    c->inertia = .1;
    c->silhouette = method == CLUSTER_KMEANS ? (double)NAN : .2;
    for (size_t i = 0; i < 6; i++)
        c->centroids[i] = random_uniform(&random) * 1e6;
    for (size_t i = 0; i < c->members; i++) {
        snprintf(c->member[i].user_id, sizeof c->member[i].user_id, "us\"er %02zu\xc3\xa9", i);
        c->member[i].label = (uint32_t)i % 3;
        if (c->points)
            c->points[2 * i] = random_uniform(&random) * 1e-9;
    }
    assert_int_equal(clustering_finish(c, NULL), 0);
}

static void assert_same(const struct clustering *a, const struct clustering *b)
{
    size_t row_bytes = a->columns * sizeof(double);
    assert_int_equal(a->method, b->method);
    assert_int_equal(a->k, b->k);
    assert_int_equal(a->columns, b->columns);
    assert_int_equal(a->members, b->members);
    assert_memory_equal(a->column, b->column, a->columns * sizeof *a->column);
    assert_memory_equal(a->mean, b->mean, row_bytes);
    assert_memory_equal(a->scale, b->scale, row_bytes);
    assert_memory_equal(a->centroids, b->centroids, a->k * row_bytes);
    for (size_t i = 0; i < a->members; i++) {
        assert_string_equal(a->member[i].user_id, b->member[i].user_id);
        assert_int_equal(a->member[i].label, b->member[i].label);
    }
    assert_int_equal(!a->points, !b->points);
    if (a->points)
        assert_memory_equal(a->points, b->points, a->members * row_bytes);
    assert_int_equal(a->seed, b->seed);
    assert_near(a->inertia, b->inertia, 0);
    assert_true(isnan(a->silhouette) ? isnan(b->silhouette) : a->silhouette == b->silhouette);
}

static void test_cluster_file_is_read_back_to_the_bit(void **state)
{
    (void)state;
    static const enum cluster_method methods[] = {CLUSTER_KMEANS, CLUSTER_SPECTRAL};
    for (size_t i = 0; i < COUNT(methods); i++) {
        struct temp_file file;
        struct clustering first, second;
        struct err err = {0};
        make(&first, methods[i]);
        temp_file_make(&file);
        assert_int_equal(cluster_file_save(file.path, &first, &err), 0);
        if (cluster_file_load(file.path, &second, &err))
            fail_msg("%s", err.text);
        assert_same(&first, &second);
        double raw[USER_COLUMNS] = {[COLUMN_AGE] = .25, [COLUMN_MEDIAN_LENGTH] = 1.0 / 3};
        assert_int_equal(clustering_assign(&first, raw), clustering_assign(&second, raw));
        clustering_release(&first);
        clustering_release(&second);
        temp_file_remove(&file);
    }
}

static void test_cluster_file_that_cannot_be_written_leaves_nothing(void **state)
{
    (void)state;
    struct clustering c;
    struct err err = {0};
    char folder[256];
    struct temp_file file;
    make(&c, CLUSTER_KMEANS);
    temp_file_make(&file);
    unlink(file.path);
    assert_int_equal(cluster_file_save("/nowhere/clusters.json", &c, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    /* A folder stands under the name: written beside it, but not renamed. */
    snprintf(folder, sizeof folder, "mkdir -p %.200s/x", file.path);
    assert_int_equal(system(folder), 0);
    assert_int_equal(cluster_file_save(file.path, &c, &err), -1);
    snprintf(folder, sizeof folder, "! ls %.200s.new-* 2>/dev/null", file.path);
    assert_int_equal(system(folder), 0);
    snprintf(folder, sizeof folder, "rm -r %.200s", file.path);
    assert_int_equal(system(folder), 0);
    clustering_release(&c);
}

/* ---- what is refused ---- */

/* Sets (or with value NULL removes) what stands at "members/3/cluster". */
static void edit(json_t *root, const char *place, const char *value)
{
    char path[64], *save = NULL, *part, *next;
    json_t *at = root;
    snprintf(path, sizeof path, "%s", place);
    for (part = strtok_r(path, "/", &save); (next = strtok_r(NULL, "/", &save)); part = next)
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(part)) : json_object_get(at, part);
    assert_non_null(at);
    json_t *to = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
    assert_true(to || !value);
    if (json_is_array(at))
        assert_int_equal(to ? json_array_set_new(at, (size_t)atoi(part), to)
                            : json_array_remove(at, (size_t)atoi(part)),
                         0);
    else
        assert_int_equal(to ? json_object_set_new(at, part, to) : json_object_del(at, part), 0);
}

static const struct {
    const char *place, *value, *reason;
} CASES[] = {
    {"format", "\"outro-bundle\"", "format is \"outro-bundle\", not \"outro-clusters\""},
    {"format_version", "2", "format_version is 2, outside 1 .. 1"},
    {"method", "\"agnes\"", "method is \"agnes\", neither kmeans nor spectral"},
    {"method", NULL, "method is missing"},
    {"k", "0", "k is 0, outside 1 .. 256"},
    {"k", "257", "k is 257, outside"},
    {"k", "2", "centroids: 3 of them, not 2"},
    {"seed", "-1", "seed is -1"},
    {"inertia", "\"1\"", "inertia is not a number"},
    {"silhouette", "true", "silhouette is not a number"},
    {"columns", "[]", "columns: 0 of them"},
    {"columns", "{}", "columns is not an array"},
    {"columns/1/name", "\"ages\"", "columns[1].name: no column \"ages\""},
    {"columns/1/name", "\"median_session_length\"",
     "columns[1].name: median_session_length stands"},
    {"columns/0/mean", NULL, "columns[0].mean is missing"},
    {"columns/0/scale", "0", "column median_session_length: a mean or scale"},
    {"columns/0/scale", "-1.5", "column median_session_length: a mean or scale"},
    {"columns/1", NULL, "centroids[0] is not an array of 1"},
    {"centroids/2", NULL, "centroids: 2 of them, not 3"},
    {"centroids/2/1", "null", "centroids[2][1] is not a number"},
    {"members", "7", "members is not an array"},
    {"members/3/user_id", "\"\"", "members[3].user_id is empty or too long"},
    {"members/3/user_id", "\"us\\\"er 05\xc3\xa9\"", "stands twice"},
    {"members/3/cluster", "3", "members[3].cluster is 3, outside 0 .. 2"},
    {"members/3/point", NULL, "members[3].point is missing"},
    {"members/3/point", "[1]", "members[3].point is not an array of 2"},
};

static void test_cluster_file_refusals_name_the_field(void **state)
{
    (void)state;
    struct clustering c;
    make(&c, CLUSTER_SPECTRAL);
    char *text = cluster_file_encode(&c, NULL);
    assert_non_null(text);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct clustering read = {0};
        struct err err = {0};
        json_t *root = json_loads(text, 0, NULL);
        edit(root, CASES[i].place, CASES[i].value);
        char *spoilt = json_dumps(root, JSON_REAL_PRECISION(17));
        assert_non_null(spoilt);
        int result = cluster_file_parse(spoilt, strlen(spoilt), &read, &err);
        if (result == 0 || err.code != ERR_INPUT || !strstr(err.text, CASES[i].reason))
            fail_msg("%s = %s: %d, says %s", CASES[i].place, CASES[i].value, result, err.text);
        free(spoilt);
        json_decref(root);
    }
    free(text);
    clustering_release(&c);
}

static void test_cluster_file_that_is_no_json_says_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {{"", "line 1: "},
                 {"[]", "not an object"},
                 {"{\n\"k\": 1,\n\"k\": 2}", "line 3: duplicate"},
                 {"{\n\"inertia\": 1e999}", "line 2: "}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct clustering c = {0};
        struct err err = {0};
        assert_int_equal(cluster_file_parse(cases[i].text, strlen(cases[i].text), &c, &err), -1);
        if (err.code != ERR_INPUT || !strstr(err.text, cases[i].reason))
            fail_msg("%s: says %s", cases[i].text, err.text);
    }
}

static void test_cluster_file_keys_of_later_writers_are_ignored(void **state)
{
    (void)state;
    struct clustering c, again;
    make(&c, CLUSTER_SPECTRAL);
    char *text = cluster_file_encode(&c, NULL);
    json_t *root = json_loads(text, 0, NULL);
    edit(root, "later", "{\"a\": 1}");
    edit(root, "members/1/later", "1");
    char *more = json_dumps(root, JSON_REAL_PRECISION(17));
    assert_int_equal(cluster_file_parse(more, strlen(more), &again, NULL), 0);
    assert_same(&c, &again);
    clustering_release(&again);
    clustering_release(&c);
    json_decref(root);
    free(text);
    free(more);
}

static int validate(const char *path)
{
    static const char program[] =
        "import json, sys, jsonschema\n"
        "schema = json.load(open(sys.argv[1]))\n"
        "sys.exit(not "
        "jsonschema.Draft202012Validator(schema).is_valid(json.load(open(sys.argv[2]))))\n";
    char command[2048];
    snprintf(command, sizeof command, "%s -c '%s' %s/clusters.json %s", OUTRO_PYTHON, program,
             OUTRO_SCHEMAS, path);
    return system(command);
}

static void test_cluster_file_is_what_the_schema_says(void **state)
{
    (void)state;
    static const enum cluster_method methods[] = {CLUSTER_KMEANS, CLUSTER_SPECTRAL};
    for (size_t i = 0; i < COUNT(methods); i++) {
        struct temp_file file;
        struct clustering c;
        make(&c, methods[i]);
        temp_file_make(&file);
        assert_int_equal(cluster_file_save(file.path, &c, NULL), 0);
        assert_int_equal(validate(file.path), 0);
        clustering_release(&c);
        temp_file_remove(&file);
    }
    struct temp_file file;
    temp_file_text(&file, "{\"format\": \"outro-clusters\"}");
    assert_int_not_equal(validate(file.path), 0);
    temp_file_remove(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cluster_file_is_read_back_to_the_bit),
        cmocka_unit_test(test_cluster_file_that_cannot_be_written_leaves_nothing),
        cmocka_unit_test(test_cluster_file_refusals_name_the_field),
        cmocka_unit_test(test_cluster_file_that_is_no_json_says_the_line),
        cmocka_unit_test(test_cluster_file_keys_of_later_writers_are_ignored),
        cmocka_unit_test(test_cluster_file_is_what_the_schema_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
