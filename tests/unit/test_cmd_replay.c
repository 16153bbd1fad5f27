/* `outro train` and `outro replay` as their users run them: output, exit status, files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "shell_fixture.h"
#include "temp_file.h"

static int prepare(void **state)
{
    (void)state;
    char output[4096];
    if (shell_folder_make(OUTRO_FOLDER, false))
        return -1;
    return shell_in_folder("outro synth --quiet --rows 4000 --users 4 --out log.tsv && "
                           "outro train --quiet --epochs 1 log.tsv --out bundle 2>&1",
                           output, sizeof output);
}

static void test_cmd_replay_never_writes_over_what_it_reads(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"cp log.tsv copy.tsv && outro replay copy.tsv --bundle bundle --predictions copy.tsv 2>&1",
         2, "copy.tsv is read"},
        {"outro replay copy.tsv --bundle bundle --sessions ./copy.tsv 2>&1", 2, "copy.tsv is read"},
        {"cmp log.tsv copy.tsv", 0, ""},
        {"outro replay log.tsv --bundle bundle --predictions x --sessions x 2>&1", 2,
         "predictions and sessions cannot both be written to x"},
        {"outro replay log.tsv --bundle bundle --predictions - --sessions - 2>&1", 2,
         "cannot both"},
        {"outro replay log.tsv --bundle bundle --predictions /dev/null --sessions /dev/null", 0,
         "scrobbles    4000"},
    };
    RUN_ALL(COMMANDS);
}

static void test_cmd_replay_refuses_options_of_clusters_that_are_not_there(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"outro replay log.tsv --bundle bundle --cluster-min-sessions 0 2>&1", 2,
         "go with a bundle of clusters"},
        {"outro replay log.tsv --bundle bundle --cluster-recheck-sessions 20 2>&1", 2,
         "go with a bundle of clusters"},
    };
    RUN_ALL(COMMANDS);
}

static void test_cmd_replay_keeps_records_on_standard_output_apart(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"outro replay log.tsv --bundle bundle --predictions p && "
         "outro replay log.tsv --bundle bundle --predictions - 2>summary | cmp - p && cat summary",
         0, "scrobbles    4000"},
        {"outro replay log.tsv --bundle bundle --sessions s >/dev/null && "
         "outro replay log.tsv --bundle bundle --sessions - 2>/dev/null | cmp - s",
         0, ""},
        {"outro replay log.tsv --bundle bundle --predictions /dev/full 2>&1", 1, "No space left"},
        {"outro replay log.tsv --bundle bundle --predictions - 2>&1 >/dev/full", 1,
         "No space left"},
    };
    RUN_ALL(COMMANDS);
}

static void test_cmd_replay_ends_well_when_the_reader_has_enough(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"{ outro replay log.tsv --bundle bundle --predictions - 2>errors; echo $? >status; } "
         "| head -c 10 && cat status errors",
         0, "{\"user_id\"0\n"},
        {"wc -c <errors", 0, "0\n"},
        /* ... but not when it cuts a file short that was asked for */
        {"{ outro replay log.tsv --bundle bundle --predictions - --sessions s 2>&1 >&3; "
         "echo $? >status; } 3>&1 >errors | head -c 10 && cat status errors",
         0, "1\noutro replay: -: Broken pipe\n"},
    };
    RUN_ALL(COMMANDS);
}

static void test_cmd_train_says_before_the_work_that_its_bundle_cannot_be(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"outro train log.tsv --out log.tsv >said 2>&1; status=$?; grep -c 'rows,' said; cat said; "
         "exit $status",
         1, "0\noutro train: log.tsv: log.tsv is there and is not a bundle"},
        {"outro train log.tsv --out nowhere/bundle 2>&1", 1, "outro train: nowhere: No such file"},
        {"ls -a | grep -c new-", 1, "0\n"}, /* trying leaves nothing behind */
    };
    RUN_ALL(COMMANDS);
}

static void test_cmd_train_of_a_log_too_small_to_validate(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"printf 'u\\t2010-01-0%dT00:00:00Z\\t\\tA\\t\\tT\\n' 1 2 >two.tsv && "
         "outro train two.tsv --out two 2>&1",
         0, "0 validation rows"},
        {"outro train two.tsv --out two 2>&1", 0, ", validation says nothing\n"},
        {"outro bundle show two", 0, "not measured"},
    };
    RUN_ALL(COMMANDS);
}

/* Ctrl-C while a log comes slowly: it ended nothing until the whole log was read. */
static void test_cmd_train_can_be_interrupted_while_it_reads(void **state)
{
    (void)state;
    char path[300], out[300];
    int status;
    snprintf(path, sizeof path, "%s/slow.tsv", shell_folder);
    snprintf(out, sizeof out, "%s/never", shell_folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        execl(OUTRO_FOLDER "/outro", "outro", "train", path, "--out", out, (char *)NULL);
        _exit(127);
    }
    int fd = open(path, O_WRONLY); /* comes back when the other end is open, too */
    assert_true(fd >= 0);
    assert_int_equal(kill(pid, SIGINT), 0);
    close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cmd_replay_never_writes_over_what_it_reads),
        cmocka_unit_test(test_cmd_replay_refuses_options_of_clusters_that_are_not_there),
        cmocka_unit_test(test_cmd_replay_keeps_records_on_standard_output_apart),
        cmocka_unit_test(test_cmd_replay_ends_well_when_the_reader_has_enough),
        cmocka_unit_test(test_cmd_train_says_before_the_work_that_its_bundle_cannot_be),
        cmocka_unit_test(test_cmd_train_of_a_log_too_small_to_validate),
        cmocka_unit_test(test_cmd_train_can_be_interrupted_while_it_reads),
    };
    return cmocka_run_group_tests(tests, prepare, shell_folder_remove);
}
