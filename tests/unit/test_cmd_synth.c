/* The command as its users run it: its files are readable, belong together and are the same every
 * time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>

#include "data/durations.h"
#include "data/profiles.h"
#include "shell_fixture.h"
#include "temp_file.h"

/* Runs command by the shell with O standing for the program and S for its standard options. @return
 * exit status */
static int run(const char *command, char *output, size_t capacity)
{
    char whole[4096];
    int size = snprintf(whole, sizeof whole,
                        "O='" OUTRO_PROGRAM "'; S='--rows 20000 --users 30 --seed 9'; %s", command);
    assert_true(size > 0 && (size_t)size < sizeof whole);
    return shell_run(whole, output, capacity);
}

struct files {
    struct temp_file table, json, durations, profiles;
};

static int make_files(void **state)
{
    static struct files files;
    char command[2048], output[1024];
    temp_file_make(&files.table);
    temp_file_make(&files.json);
    temp_file_make(&files.durations);
    temp_file_make(&files.profiles);
    snprintf(command, sizeof command,
             "$O synth $S --quiet --out %s --durations %s --profiles %s 2>&1 && "
             "$O synth $S --quiet --format json --out %s 2>&1",
             files.table.path, files.durations.path, files.profiles.path, files.json.path);
    int status = run(command, output, sizeof output);
    *state = &files;
    return status == 0 && output[0] == '\0' ? 0 : -1;
}

static int remove_files(void **state)
{
    const struct files *files = *state;
    temp_file_remove(&files->table);
    temp_file_remove(&files->json);
    temp_file_remove(&files->durations);
    temp_file_remove(&files->profiles);
    return 0;
}

/* The table with its durations file says what the JSON says: the readers of both meet in the same
 * events. */
static void test_cmd_synth_both_forms_are_one_log(void **state)
{
    const struct files *files = *state;
    char command[2048], output[1024];
    snprintf(command, sizeof command,
             "$O events --quiet --strict --durations %s %s | cksum; "
             "$O events --quiet --strict %s | cksum; $O events --quiet %s | wc -l",
             files->durations.path, files->table.path, files->json.path, files->json.path);
    assert_int_equal(run(command, output, sizeof output), 0);
    char *second = strchr(output, '\n');
    assert_non_null(second);
    size_t size = (size_t)(second - output) + 1;
    assert_memory_equal(output, output + size, size);
    assert_string_equal(output + 2 * size, "20000\n");
}

static void test_cmd_synth_same_seed_same_file(void **state)
{
    const struct files *files = *state;
    char command[1024], output[1024];
    snprintf(command, sizeof command, "$O synth $S --quiet | cmp - %s", files->table.path);
    assert_int_equal(run(command, output, sizeof output), 0);
    snprintf(command, sizeof command, "$O synth $S --quiet --seed 10 | cmp - %s",
             files->table.path);
    assert_int_equal(run(command, output, sizeof output), 1);
}

static void test_cmd_synth_tables_load(void **state)
{
    const struct files *files = *state;
    struct err err = {0};
    struct profiles *profiles = profiles_load(files->profiles.path, &err);
    struct durations *durations = durations_load(files->durations.path, &err);
    if (!profiles || !durations)
        fail_msg("%s", err.text);
    assert_int_equal(profiles_count(profiles), 30);
    assert_non_null(profiles_find(profiles, (struct slice){"user_000030", 11}));
    assert_true(durations_count(durations) > 500);
    profiles_free(profiles);
    durations_free(durations);
}

static void test_cmd_synth_exit_status(void **state)
{
    static const struct {
        const char *arguments;
        int status;
        const char *says;
    } rows[] = {
        {"--rows 0 2>&1", 0, "0 rows written"},
        {"--rows 3 --out /dev/null 2>&1", 0, "3 rows written"},
        {"--rows 3 --start 2001-02-03 2>/dev/null", 0, "2001-02-"},
        {"--format xml 2>&1", 2, "\"xml\" is neither tsv nor json"},
        {"--users 0 2>&1", 2, "--users"},
        {"--users 1 --rows 100000000 2>&1", 2, "2099"},
        {"--start 1969-01-01 2>&1", 2, "--start"},
        {"--out /nonexistent/log 2>&1", 1, "/nonexistent/log: No such file"},
        {"--profiles /nonexistent/p 2>&1 >/dev/null", 1, "/nonexistent/p: No such file"},
        {"--out /dev/full 2>&1", 1, "writing /dev/full: No space left on device"},
        {"--durations /dev/full 2>&1 >/dev/null", 1, "writing /dev/full: No space left"},
        {"a-log 2>&1", 2, "too many arguments"},
        {"--help 2>&1", 0, "usage: outro synth"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static char output[1 << 20];
        char command[256];
        snprintf(command, sizeof command, "$O synth %s", rows[i].arguments);
        int status = run(command, output, sizeof output);
        if (status != rows[i].status || !strstr(output, rows[i].says))
            fail_msg("%s: status %d, says %.300s", rows[i].arguments, status, output);
    }
}

static void test_cmd_synth_ends_well_when_the_reader_has_enough(void **state)
{
    (void)state;
    char output[1024];
    /* The status goes around the pipe whose reader has enough after one line. */
    int status =
        run("exec 3>&1; { $O synth --rows 100000 2>&1; echo \"status $?\" >&3; } | head -1 "
            ">/dev/null",
            output, sizeof output);
    assert_int_equal(status, 0);
    assert_string_equal(output, "status 0\n");
}

/* Person by person and newest first, and otherwise the log that the order of time has. */
static void test_cmd_synth_like_lastfm1k(void **state)
{
    (void)state;
    char output[1024];
    int status =
        run("export LC_ALL=C; T=$($O synth $S --quiet --start 2005-02-14 | sort | md5sum); "
            "test \"$($O synth $S --quiet --like lastfm1k | sort | md5sum)\" = \"$T\" && "
            "$O synth $S --quiet --like lastfm1k | cut -f 1,2 | sort -c -k 1,1 -k 2,2r 2>&1",
            output, sizeof output);
    assert_string_equal(output, "");
    assert_int_equal(status, 0);
    status = run("$O synth --like lastfm360k 2>&1", output, sizeof output);
    assert_int_equal(status, 2);
    assert_non_null(strstr(output, "\"lastfm360k\" is not lastfm1k"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cmd_synth_like_lastfm1k),
        cmocka_unit_test(test_cmd_synth_both_forms_are_one_log),
        cmocka_unit_test(test_cmd_synth_same_seed_same_file),
        cmocka_unit_test(test_cmd_synth_tables_load),
        cmocka_unit_test(test_cmd_synth_exit_status),
        cmocka_unit_test(test_cmd_synth_ends_well_when_the_reader_has_enough),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
