/* `outro train` as its users run it: recipes, reports, comparisons, stopped and resumed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "shell_fixture.h"
#include "temp_file.h"

static int prepare(void **state)
{
    (void)state;
    char output[4096];
    if (shell_folder_make(OUTRO_FOLDER, true))
        return -1;
    return shell_in_folder("outro synth --quiet --rows 6000 --users 6 --seed 3 --out log.tsv && "
                           "echo 'epochs = 2' >a.recipe && "
                           "printf '# the head alone\\nepochs = 2\\nnet = none\\n' >b.recipe",
                           output, sizeof output);
}

static void test_cmd_train_recipe_from_file_and_flags(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"outro train --print-recipe --recipe b.recipe --epochs 3 >r && cat r", 0, "net = none\n"},
        {"grep -x 'epochs = 3' r", 0, ""}, /* the flag wins */
        {"outro train --print-recipe --recipe r | cmp - r", 0, ""},
        {"outro train --quiet log.tsv --recipe r --batch 4 --out b >/dev/null && "
         "outro bundle recipe b >r2 && outro train --print-recipe --recipe r --batch 4 | cmp - r2",
         0, ""},
        /* a bundle's recipe makes the same net again */
        {"outro train --quiet log.tsv --recipe r2 --out c >/dev/null && "
         "cmp b/global.safetensors c/global.safetensors",
         0, ""},
        {"outro train --print-recipe --recipe missing", 2, "missing: No such file"},
        {"echo 'epochs = x' >bad; outro train log.tsv --out d --recipe bad", 2,
         "bad:1: epochs: \"x\" is not a whole number"},
        {"outro train log.tsv --out d --loss mae --head '8 relu, 3'", 2, "loss mae is of 1 value"},
        {"outro train log.tsv --out d --learning-rate quick", 2, "learning_rate: \"quick\""},
        {"outro train log.tsv", 2, "--out BUNDLE is missing"},
        {"outro train --out d", 2, "expected LOG"},
        {"outro train log.tsv --out d --seeds 2", 2, "go with --compare"},
        {"outro train log.tsv --out d --resume", 2, "goes with --checkpoint"},
        {"outro train log.tsv --compare a.recipe", 2, "needs two values"},
        {"outro train log.tsv --compare a.recipe b.recipe --out d", 2, "gives no bundle"},
    };
    RUN_ALL(COMMANDS);
}

static void test_cmd_train_other_nets(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"outro train log.tsv --epochs 2 --loss mae --base none --out single", 0, "best epoch"},
        {"outro bundle check single && outro bundle show single", 0, "base         none"},
        {"outro replay log.tsv --bundle single", 0, "net  "},
        {"outro train log.tsv --epochs 2 --net 'lstm:4,6 dropout=.1 recurrent_dropout=.1 gru:3' "
         "--head '8 tanh, 8 relu dropout=.1' --out deep && outro bundle check deep",
         0, "ok"},
        {"outro train log.tsv --epochs 2 --net 'gru-before:4 gates=hard_sigmoid_fifth' --head none "
         "--loss mse --out plain && outro bundle check plain",
         0, "ok"},
    };
    RUN_ALL(COMMANDS);
}

/* The panel: named, trained, scored as replay scores, imported over; dates where they are needed.
 */
static void test_cmd_train_features(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"printf '2010-01-05\\n# no more\\n' >days && printf 'soon\\n' >bad.days && "
         "printf 'epochs = 2\\nfeatures = panel\\n' >p.recipe",
         0, ""},
        {"outro train log.tsv --out p --recipe p.recipe", 2, "features has holiday, whose dates"},
        {"outro train log.tsv --out p --recipe p.recipe --holidays bad.days", 1,
         "bad.days:1: \"soon\" is not a date"},
        {"outro train log.tsv --out p --features easter", 2, "\"easter\" is no feature"},
        {"outro train --quiet log.tsv --out p --recipe p.recipe --holidays days >/dev/null && "
         "outro bundle check p",
         0, "63 inputs: names, order, scaler"},
        {"outro bundle recipe p", 0, "features = panel\n"},
        {"outro replay log.tsv --bundle p", 2, "has the feature holiday: give its dates by"},
        {"outro replay log.tsv --bundle p --holidays none", 1, "none: No such file"},
        {"outro replay --quiet log.tsv --bundle p --holidays days --predictions one && "
         "outro replay --quiet log.tsv --bundle p --holidays log.tsv",
         1, "log.tsv:1: "},
        {"outro evaluate log.tsv --bundle p", 2, "needs a file of dates (--holidays)"},
        {"outro evaluate --quiet log.tsv --bundle p --holidays days --tsv | cut -f2 | uniq", 0,
         "\nmodel\n"},
        {"outro replay --quiet log.tsv --bundle p --holidays days --predictions days", 2,
         "days is read, so it cannot be written to"},
        /* one seed's figures are those of replay, and the other recipe sees its own features */
        {"outro train log.tsv --compare a.recipe p.recipe --seeds 1 --holidays days >both && "
         "M1=$(outro replay log.tsv --bundle p --holidays days | "
         "sed -n 's/^net  .* s  *\\([0-9.]*\\) .*/\\1/p' | head -1) && "
         "grep \"^M1  *[0-9.]* (0.0000)  *$M1 (0.0000)\" both",
         0, "M1"},
        /* a net of the same inputs may take its place, another may not */
        {"outro bundle export p --torch t && "
         "outro bundle import --torch t --like p --out q && "
         "outro replay --quiet log.tsv --bundle q --holidays days --predictions - | "
         "sed 's/,\"model.*//' >two && sed 's/,\"model.*//' one | cmp - two",
         0, ""},
        {"outro train --quiet log.tsv --out d --recipe a.recipe --features band >/dev/null && "
         "outro bundle diff p d",
         0, "start  holiday            only the first has it\n"},
        {"outro bundle diff d p", 0, "medians      not compared"},
        {"outro train --quiet log.tsv --out d --recipe a.recipe >/dev/null; "
         "outro bundle import --torch t --like d --out e",
         1, "the net has 50 features beside the last state, those of bundle"},
    };
    RUN_ALL(COMMANDS);
}

static void test_cmd_train_report(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"mkdir -p fake && printf '#!/bin/sh\\nhead -1 \"$1\" >loss.svg\\n' >fake/gnuplot && "
         "chmod +x fake/gnuplot",
         0, ""},
        {"PATH=$PWD/fake:$PATH outro train log.tsv --quiet --recipe a.recipe --out b --report rep",
         0, "b\t"},
        {"grep -c . rep/loss.tsv", 0, "3\n"}, /* a heading and two epochs */
        {"cat rep/loss.svg", 0, "set terminal svg"},
        {"outro train --print-recipe --recipe a.recipe | cmp - rep/recipe", 0, ""},
        {"outro replay log.tsv --bundle b | tail -n +8 | cmp - rep/scores.txt", 0, ""},
        {"cut -f1 rep/scores.tsv", 0,
         "predictor\nnet\nkernel KM\nKM running\nKM static\nuser median\nuser mean\n"},
        {"O=$(command -v outro); PATH=/nonexistent $O train log.tsv --epochs 1 --out b --report "
         "rep2",
         0, "gnuplot is not installed, so rep2 has no pictures"},
        {"ls rep2", 0, "loss.gnuplot\nloss.tsv\nrecipe\nscores.tsv\nscores.txt\n"},
        {"outro train log.tsv --out b --report log.tsv/x", 1, "log.tsv/x"},
    };
    RUN_ALL(COMMANDS);
}

/* Six people in two clusters, by their average. */
static void test_cmd_train_clusters(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"C='{\"format\":\"outro-clusters\",\"format_version\":1,\"method\":\"kmeans\",\"k\":2,"
         "\"seed\":1,"
         "\"inertia\":1,\"columns\":[{\"name\":\"COLUMN\",\"mean\":3000,\"scale\":1000}],"
         "\"centroids\":[[-1],[1]],\"members\":['; "
         "for U in 1 2 3 4 5 6; do "
         "C=\"$C{\\\"user_id\\\":\\\"user_00000$U\\\",\\\"cluster\\\":$((U % 2))},\"; "
         "done; echo \"${C%,}]}\" >groups; "
         "sed s/COLUMN/average_session_length/ groups >c.json && "
         "sed s/COLUMN/age/ groups >age.json",
         0, ""},
        {"outro train log.tsv --quiet --recipe a.recipe --clusters c.json --min-users 3 --force "
         "--threads 1 --out alone",
         0, "cluster   users  sessions  net"},
        {"outro bundle check alone && outro bundle show alone", 0, "  1   3 people"},
        {"outro train log.tsv --quiet --recipe a.recipe --clusters c.json --min-users 3 --force "
         "--threads 2 --out twice >/dev/null && for N in global cluster-0 cluster-1; do "
         "cmp alone/$N.safetensors twice/$N.safetensors || exit 1; done",
         0, ""},
        {"! cmp -s alone/cluster-0.safetensors alone/global.safetensors", 0, ""},
        {"outro replay log.tsv --bundle alone --predictions - --quiet | grep -c "
         "'\"cluster\":[01],' "
         ">n "
         "&& outro replay log.tsv --bundle alone --predictions - --quiet | grep -vc "
         "'\"cluster\":[01],'",
         1, "0\n"}, /* all of them are listed */
        {"outro train log.tsv --quiet --recipe a.recipe --clusters c.json --out few", 0,
         "cluster 0: 3 people, fewer than 30: not trained"},
        {"test ! -e few/cluster-0.safetensors && outro bundle check few", 0, "few: ok"},
        {"outro train log.tsv --quiet --recipe a.recipe --clusters c.json --min-users 3 "
         "--cluster-scaler own --force --against-random 2 --out own",
         0, "chance alone would do as well with p = "},
        {"outro bundle check own && grep -c '\"features\"' own/manifest.json", 0, "3\n"},
        {"outro train log.tsv --clusters age.json --out x", 1,
         "age.json: grouped by age, which a user's record does not keep"},
        {"outro train log.tsv --clusters missing --out x", 1, "missing: No such file"},
        {"outro train log.tsv --force --out x", 2, "go with --clusters FILE"},
        {"outro train log.tsv --min-users 5 --out x", 2, "go with --clusters FILE"},
        {"outro train log.tsv --clusters c.json --cluster-scaler any --out x", 2,
         "--cluster-scaler is global, own or mixed, not any"},
    };
    RUN_ALL(COMMANDS);
}

static void test_cmd_train_compare(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"outro train log.tsv --compare a.recipe b.recipe --seeds 2 --threads 1 >one && cat one", 0,
         "first   a.recipe\nsecond  b.recipe\n2 seeds; scored: 6 users"},
        {"outro train log.tsv --compare a.recipe b.recipe --seeds 2 --threads 4 | cmp - one", 0,
         ""},
        {"outro train log.tsv --compare a.recipe a.recipe --seeds 2 | grep -c "
         "'+0.0000 \\[+0.0000, +0.0000\\]  no difference shown'",
         0, "6\n"},
        {"outro train log.tsv --compare a.recipe b.recipe --seeds 1 --hold-out 3 >held && cat held",
         0, "each by nets that were trained without them"},
        {"! cmp -s one held", 0, ""},
        {"outro train log.tsv --compare a.recipe missing", 2, "missing: No such file"},
        {"outro train log.tsv --compare a.recipe b.recipe --clip none --optimizer sgd "
         "--learning-rate 1e9",
         1, "recipe, seed "},
        /* one seed's figures are those of replay */
        {"outro train --quiet log.tsv --recipe a.recipe --out b >/dev/null && "
         "outro train log.tsv --compare a.recipe b.recipe --seeds 1 >one && "
         "M1=$(outro replay log.tsv --bundle b | sed -n 's/^net  .* s  *\\([0-9.]*\\) .*/\\1/p' | "
         "head -1) && grep \"^M1  *$M1 (0.0000)\" one",
         0, "M1"},
    };
    RUN_ALL(COMMANDS);
}

static void test_cmd_train_says_when_it_comes_apart(void **state)
{
    (void)state;
    static const struct command COMMANDS[] = {
        {"outro train log.tsv --out apart --learning-rate 1e12", 1, "gradient norm"},
        {"outro train log.tsv --out apart --learning-rate 1e12", 1,
         "try a smaller learning rate than 1e+12"},
        {"ls", 0, "log.tsv"},
        {"ls -d apart", 2, ""},
    };
    RUN_ALL(COMMANDS);
}

/* Starts `outro train ...` in the folder. */
static pid_t start(const char *const *arguments)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (chdir(shell_folder) || !freopen("/dev/null", "w", stdout) ||
            !freopen("errors", "w", stderr))
            _exit(126);
        execv(OUTRO_FOLDER "/outro", (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    return child;
}

/* Waits until a file of that name has been renamed into place so many times. */
static void await_renames(int watch, const char *name, int times)
{
    while (times > 0) {
        _Alignas(struct inotify_event) char buffer[4096];
        ssize_t size = read(watch, buffer, sizeof buffer);
        assert_true(size > 0);
        for (char *at = buffer; at < buffer + size;) {
            const struct inotify_event *event = (const void *)at;
            times -= strcmp(event->name, name) == 0;
            at += sizeof *event + event->len;
        }
    }
}

/* Trains, sends a signal once so many checkpoints are there. @return what waitpid said */
static int train_until(const char *const *arguments, int checkpoints, int signal_number)
{
    int status, watch = inotify_init1(IN_CLOEXEC);
    assert_true(watch >= 0 && inotify_add_watch(watch, shell_folder, IN_MOVED_TO) >= 0);
    pid_t child = start(arguments);
    await_renames(watch, "ck", checkpoints);
    kill(child, signal_number);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(watch);
    return status;
}

static void test_cmd_train_interrupted_keeps_the_best_so_far(void **state)
{
    (void)state;
    static const char *const ARGUMENTS[] = {"outro",    "train",        "log.tsv", "--epochs",
                                            "100000",   "--out",        "stopped", "--schedule",
                                            "constant", "--checkpoint", "ck",      NULL};
    int status = train_until(ARGUMENTS, 2, SIGINT);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    static const struct command COMMANDS[] = {
        {"outro bundle check stopped", 0, "ok"},
        {"cat errors", 0, "best epoch"},
    };
    RUN_ALL(COMMANDS);
}

/* Killed at any time, it goes on to the bits of one that was not. */
static void test_cmd_train_killed_and_resumed_gives_the_same_bits(void **state)
{
    (void)state;
    static const char *const ARGUMENTS[] = {"outro", "train",   "log.tsv",      "--epochs", "30",
                                            "--out", "resumed", "--checkpoint", "ck",       NULL};
    static const struct command BEFORE[] = {
        {"rm -f ck && outro train --quiet log.tsv --epochs 30 --out whole", 0, "whole\t"},
    };
    static const struct command AFTER[] = {
        {"ls -d resumed", 2, ""}, /* it was killed before its end */
        {"outro train --quiet log.tsv --epochs 31 --out resumed --checkpoint ck --resume", 1,
         "ck: it was made by another recipe"},
        {"outro train --quiet log.tsv --epochs 30 --out resumed --checkpoint ck --resume", 0,
         "resumed\t"},
        {"cmp whole/global.safetensors resumed/global.safetensors", 0, ""},
        {"rm ck && outro train log.tsv --epochs 30 --out resumed --checkpoint ck --resume", 1,
         "ck: nothing to resume from"},
    };
    RUN_ALL(BEFORE);
    int status = train_until(ARGUMENTS, 3, SIGKILL);
    assert_true(WIFSIGNALED(status));
    RUN_ALL(AFTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cmd_train_recipe_from_file_and_flags),
        cmocka_unit_test(test_cmd_train_other_nets),
        cmocka_unit_test(test_cmd_train_features),
        cmocka_unit_test(test_cmd_train_report),
        cmocka_unit_test(test_cmd_train_clusters),
        cmocka_unit_test(test_cmd_train_compare),
        cmocka_unit_test(test_cmd_train_says_when_it_comes_apart),
        cmocka_unit_test(test_cmd_train_interrupted_keeps_the_best_so_far),
        cmocka_unit_test(test_cmd_train_killed_and_resumed_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, prepare, shell_folder_remove);
}
