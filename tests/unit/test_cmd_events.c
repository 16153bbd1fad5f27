/* The command as its users run it: output, exit status and messages of the real program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "shell_fixture.h"
#include "temp_file.h"

/* Runs `outro ARGUMENTS` by the shell, both outputs together. @return exit status */
static int run(const char *arguments, char *output, size_t capacity)
{
    char command[2048];
    snprintf(command, sizeof command, "%s %s", OUTRO_PROGRAM, arguments);
    return shell_run(command, output, capacity);
}

#define FIRST  "u2\t2009-05-03T15:48:25Z\tam\tA \"q\"\ttm\tT1\n"
#define SECOND "u1\t2009-05-03T15:48:45Z\t\tB\t\tT2\n"

/* Spotify's account data: a play of a minute, and one of nothing. */
#define NOBODYS                                                                                    \
    "[{\"endTime\":\"1970-01-01 "                                                                  \
    "00:02\",\"artistName\":\"A\",\"trackName\":\"T\",\"msPlayed\":60000},"                        \
    "{\"endTime\":\"1970-01-01 00:02\",\"artistName\":\"A\",\"trackName\":\"T\",\"msPlayed\":0}]"

static const char LINES[] =
    "u2\t{\"user_id\":\"u2\",\"timestamp\":1241365705000,\"artist\":\"A "
    "\\\"q\\\"\",\"track\":\"T1\","
    "\"artist_mbid\":\"am\",\"track_mbid\":\"tm\"}\n"
    "u1\t{\"user_id\":\"u1\",\"timestamp\":1241365725000,\"artist\":\"B\",\"track\":\"T2\","
    "\"duration_ms\":4000}\n";

static void test_cmd_events_writes_ordered_keyed_json(void **state)
{
    (void)state;
    struct temp_file log, durations;
    char arguments[1024], output[4096];
    temp_file_text(&log, SECOND FIRST);
    temp_file_text(&durations, "b\tt2\t4000\n");
    snprintf(arguments, sizeof arguments, "events --quiet --durations %s %s 2>&1", durations.path,
             log.path);
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_string_equal(output, LINES);

    /* What it wrote it reads, from standard input, and writes the same. */
    snprintf(arguments, sizeof arguments, "events --quiet --durations %s %s | %s events - 2>&1",
             durations.path, log.path, OUTRO_PROGRAM);
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_ptr_equal(strstr(output, LINES), output);
    assert_non_null(strstr(output, "2 rows written, 0 bad, "));
    temp_file_remove(&log);
    temp_file_remove(&durations);
}

static void test_cmd_events_exit_status(void **state)
{
    (void)state;
    static const struct {
        const char *content, *before, *after; /* events BEFORE FILE AFTER */
        int status;
        const char *says;
    } CASES[] = {
        {FIRST, "", "2>&1", 0, "1 row written, 0 bad, "},
        {FIRST "bad\n", "", "2>&1", 0, ":2: it has 1 tab-separated field, not 6"},
        {FIRST "bad\n", "--quiet", "2>&1 >/dev/null", 0, ":2: it has 1"},
        {FIRST "bad\n", "--strict", "2>&1", 1, ":2: it has 1"},
        {"bad\n", "", "2>&1", 1, "no scrobble in "},
        {"", "", "2>&1", 0, "0 rows written"},
        {FIRST, "--durations /nonexistent", "2>&1", 1, "cannot open /nonexistent"},
        {FIRST, "--speed 0", "2>&1", 2, "--speed: \"0\" is not a number"},
        {FIRST, "--format lastfm-1k", "2>&1", 0, "1 row written, 0 bad, "},
        {FIRST, "--format json", "2>&1", 1,
         ":1: it looks like a row of a table, not like a record"},
        {FIRST, "--format wma", "2>&1", 2,
         "--format: \"wma\" is no form of a log: lastfm-1k, json, "},
        {FIRST, "--user ''", "2>&1", 2, "--user: an id has 1 to 64 bytes"},
        {NOBODYS, "", "2>&1", 1, ":1: record 1: missing-field: neither a user_id nor a key"},
        {NOBODYS, "--user me", "2>&1", 0, "me\t{\"user_id\":\"me\",\"timestamp\":60000,"},
        {NOBODYS, "--user me", "2>&1", 0, "1 row written, 0 bad, 1 no listens, "},
        {FIRST, "--nonsense", "2>&1", 2, "unknown option --nonsense"},
        {FIRST, "extra", "2>&1", 2, "too many arguments"},
        {FIRST, "--help", "2>&1", 0, "usage: outro events"},
        {FIRST, "", "2>&1 >/dev/full", 1, "No space left on device"},
        {FIRST, "", "2>&1 >&-", 1, "writing to standard output"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct temp_file log;
        char arguments[1024], output[4096];
        temp_file_text(&log, CASES[i].content);
        snprintf(arguments, sizeof arguments, "events %s %s %s", CASES[i].before, log.path,
                 CASES[i].after);
        int status = run(arguments, output, sizeof output);
        if (status != CASES[i].status || !strstr(output, CASES[i].says))
            fail_msg("%s: status %d, says %s", arguments, status, output);
        temp_file_remove(&log);
    }
}

static void test_cmd_events_ends_well_when_the_reader_has_enough(void **state)
{
    (void)state;
    struct temp_file log;
    temp_file_make(&log);
    FILE *stream = fopen(log.path, "wb");
    assert_non_null(stream);
    for (int i = 0; i < 50000; i++) /* more than any pipe holds */
        fputs(FIRST, stream);
    fclose(stream);
    char output[4096];
    /* The exit status goes behind the head's output, by way of a file. */
    struct temp_file status_file;
    temp_file_make(&status_file);
    char command[1500];
    snprintf(command, sizeof command, "{ %s events %s 2>&1; echo $? >%s; } | head -c 30",
             OUTRO_PROGRAM, log.path, status_file.path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(output, 1, sizeof output, pipe);
    assert_int_equal(size, 30);
    pclose(pipe);
    stream = fopen(status_file.path, "rb");
    assert_non_null(stream);
    char status[8] = "";
    assert_non_null(fgets(status, sizeof status, stream));
    fclose(stream);
    assert_string_equal(status, "0\n");
    temp_file_remove(&status_file);
    temp_file_remove(&log);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* 20 s of event time at 100 times the pace: the second line comes no sooner than 0.2 s after the
 * start. */
static void test_cmd_events_keeps_the_pace(void **state)
{
    (void)state;
    struct temp_file log;
    char arguments[1024], output[4096];
    temp_file_text(&log, SECOND FIRST);
    snprintf(arguments, sizeof arguments, "events --quiet --speed 100 %s", log.path);
    double begun = now_s();
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_true(now_s() - begun >= 0.2);
    assert_non_null(strstr(output, "\"T1\""));
    assert_non_null(strstr(output, "\"T2\""));
    temp_file_remove(&log);
}

/* At a pace at which the second line is due in hours, the first is there all the same. */
static void test_cmd_events_holds_nothing_back_that_is_due(void **state)
{
    (void)state;
    struct temp_file log;
    char command[600], line[256];
    temp_file_text(&log, SECOND FIRST);
    snprintf(command, sizeof command, "echo $$; exec %s events --quiet --speed .001 %s",
             OUTRO_PROGRAM, log.path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof line, pipe));
    pid_t pid = (pid_t)strtol(line, NULL, 10);
    assert_true(pid > 1);
    char *got = fgets(line, sizeof line, pipe);
    assert_int_equal(kill(pid, SIGTERM), 0);
    int status = pclose(pipe);
    assert_non_null(got);
    assert_non_null(strstr(line, "\"T1\""));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    temp_file_remove(&log);
}

static void test_cmd_events_outro_itself(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        int status;
        const char *says;
    } CASES[] = {
        {"--help 2>/dev/null", 0, "events "},
        {"--version 2>/dev/null", 0, "outro " OUTRO_VERSION "\n"},
        {"2>&1 >/dev/null", 2, "usage: outro COMMAND"},
        {"nonsense 2>&1 >/dev/null", 2, "unknown command \"nonsense\""},
        {"--help 2>&1 >/dev/full", 1, "No space left on device"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char output[4096];
        assert_int_equal(run(CASES[i].arguments, output, sizeof output), CASES[i].status);
        assert_non_null(strstr(output, CASES[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cmd_events_writes_ordered_keyed_json),
        cmocka_unit_test(test_cmd_events_exit_status),
        cmocka_unit_test(test_cmd_events_ends_well_when_the_reader_has_enough),
        cmocka_unit_test(test_cmd_events_keeps_the_pace),
        cmocka_unit_test(test_cmd_events_holds_nothing_back_that_is_due),
        cmocka_unit_test(test_cmd_events_outro_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
