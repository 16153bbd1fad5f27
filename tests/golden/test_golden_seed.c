/* `outro prepare --seed-compat` against ../shared/golden/seed: every file that the re-implemented
 * system wrote for six users, byte for byte, from a file, a pipe and a gzip file. The log is the
 * six users' part of ../shared/data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell_fixture.h"

#define DATA OUTRO_GOLDEN "/../data"

static bool have_files;

/* A file of the ids that golden.json names. */
static void write_ids(const json_t *golden, const char *key, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", shell_folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    const json_t *ids = json_object_get(golden, key);
    assert_true(json_array_size(ids) > 0);
    for (size_t i = 0; i < json_array_size(ids); i++)
        fprintf(file, "%s\n", json_string_value(json_array_get(ids, i)));
    assert_int_equal(fclose(file), 0);
}

static int make_log(void **state)
{
    (void)state;
    char output[4096];
    json_error_t error;
    json_t *golden = json_load_file(OUTRO_GOLDEN "/seed/golden.json", 0, &error);
    if (shell_folder_make(OUTRO_FOLDER, true) < 0)
        return -1;
    have_files = golden && access(DATA "/scrobbles.tsv.gz", R_OK) == 0;
    if (!have_files)
        return 0;
    write_ids(golden, "users", "all");
    write_ids(golden, "test", "test");
    write_ids(golden, "validate", "validate");
    int status = shell_in_folder("gzip -dc " DATA "/scrobbles.tsv.gz | awk -F '\\t' 'NR == FNR { "
                                 "wanted[$1]; next } $1 in wanted' all - > log.tsv && test -s "
                                 "log.tsv && gzip -c log.tsv > log.tsv.gz",
                                 output, sizeof output);
    assert_true(json_number_value(json_object_get(golden, "cut")) == .75); /* as below */
    json_decref(golden);
    return status;
}

#define PREPARE                                                                                    \
    "outro prepare --quiet --seed-compat --profiles " DATA "/profiles.tsv --durations " DATA       \
    "/durations.tsv.gz --test-users test --validate-users validate --cut .75 --out "
/* Every file there is, and no other. */
#define SAME_FILES "diff -rq -x golden.json -x manifest.json " OUTRO_GOLDEN "/seed "

static void need_files(void)
{
    if (have_files)
        return;
    print_message("no reference files in %s/seed\n", OUTRO_GOLDEN);
    skip();
}

static void test_golden_seed_from_a_file(void **state)
{
    (void)state;
    need_files();
    RUN_ALL(((const struct command[]){
        {PREPARE "plain log.tsv", 0, ""},
        {SAME_FILES "plain", 0, ""},
        {"find plain -name '*.csv' | wc -l", 0, "31"},
    }));
}

static void test_golden_seed_from_a_pipe_and_from_gzip(void **state)
{
    (void)state;
    need_files();
    RUN_ALL(((const struct command[]){
        {"cat log.tsv | " PREPARE "piped - && " SAME_FILES "piped", 0, ""},
        {PREPARE "inflated log.tsv.gz && " SAME_FILES "inflated", 0, ""},
    }));
}

/* The comparison itself must be able to fail. */
static void test_golden_seed_sees_one_changed_byte(void **state)
{
    (void)state;
    need_files();
    RUN_ALL(((const struct command[]){
        {PREPARE "changed log.tsv", 0, ""},
        {"printf x | dd of=changed/tracks.csv bs=1 seek=100 conv=notrunc 2>/dev/null", 0, ""},
        {SAME_FILES "changed", 1, "tracks.csv"},
    }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_seed_from_a_file),
        cmocka_unit_test(test_golden_seed_from_a_pipe_and_from_gzip),
        cmocka_unit_test(test_golden_seed_sees_one_changed_byte),
    };
    return cmocka_run_group_tests(tests, make_log, shell_folder_remove);
}
