#include "cli/train_report.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/score_table.h"

static const char PLOT[] = "set terminal svg size 800,500\n"
                           "set output 'loss.svg'\n"
                           "set xlabel 'epoch'\n"
                           "set ylabel 'training loss'\n"
                           "set y2label 'validation, of the kernel KM'\n"
                           "set ytics nomirror\n"
                           "set y2tics\n"
                           "set key autotitle columnhead\n"
                           "plot 'loss.tsv' using 1:2 with linespoints, \\\n"
                           "     'loss.tsv' using 1:3 axes x1y2 with linespoints\n";

static FILE *open_in(const char *path, const char *name, struct err *err)
{
    char whole[PATH_MAX];
    if (snprintf(whole, sizeof whole, "%s/%s", path, name) >= (int)sizeof whole) {
        err_set(err, ERR_IO, "%.80s...: the name is too long", path);
        return NULL;
    }
    FILE *file = fopen(whole, "we");
    if (!file)
        err_errno(err, "%s", whole);
    return file;
}

/* What was written is only written when closing says so. */
static int close_in(const char *path, const char *name, FILE *file, struct err *err)
{
    bool failed = ferror(file) != 0;
    return fclose(file) || failed ? err_errno(err, "%s/%s", path, name) : 0;
}

static int write_text(const char *path, const char *name, const char *text, struct err *err)
{
    FILE *file = open_in(path, name, err);
    if (!file)
        return -1;
    fputs(text, file);
    return close_in(path, name, file, err);
}

static int write_curve(const char *path, const struct trainer_report *report, struct err *err)
{
    FILE *file = open_in(path, "loss.tsv", err);
    if (!file)
        return -1;
    fputs("epoch\ttraining_loss\tvalidation\tlearning_rate\n", file);
    for (uint32_t i = 0; i < report->epochs; i++)
        fprintf(file, "%u\t%.6g\t%.6g\t%.6g\n", i + 1, report->curve[i].loss,
                report->curve[i].validation, report->curve[i].learning_rate);
    return close_in(path, "loss.tsv", file, err);
}

/* A report without its picture is a report. */
static int draw_curve(const char *path, struct err *err)
{
    char program[] = "gnuplot", script[] = "loss.gnuplot";
    char *const arguments[] = {program, script, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = 0;
    if (write_text(path, script, PLOT, err))
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, path);
    int code = posix_spawnp(&child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code == 0)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
    if (code == ENOENT)
        fprintf(stderr,
                "outro train: gnuplot is not installed, so %s has no loss.svg; loss.tsv has the "
                "curves\n",
                path);
    else if (code || status)
        fprintf(stderr,
                "outro train: gnuplot failed, so %s may have no loss.svg; loss.tsv has the "
                "curves\n",
                path);
    return 0;
}

static int write_scores(const char *path, const struct score_report *report, struct err *err)
{
    FILE *file = open_in(path, "scores.txt", err);
    if (!file)
        return -1;
    score_table_print(report, file);
    if (close_in(path, "scores.txt", file, err))
        return -1;
    file = open_in(path, "scores.tsv", err);
    if (!file)
        return -1;
    score_table_write(report, file);
    return close_in(path, "scores.tsv", file, err);
}

int train_report_prepare(const char *path, struct err *err)
{
    if (mkdir(path, 0777) && errno != EEXIST)
        return err_errno(err, "%s", path);
    return access(path, W_OK | X_OK) ? err_errno(err, "%s", path) : 0;
}

int train_report(const char *path, const struct recipe *recipe, const struct train_source *source,
                 const struct train_data *data, struct predictor *net,
                 const struct trainer_report *report, struct err *err)
{
    struct score_report said;
    int result = -1;
    char *text = recipe_text(recipe, err);
    struct scores *scores = text ? train_score(source, data, net, NULL, source->quiet, err) : NULL;
    if (scores && write_text(path, "recipe", text, err) == 0 &&
        write_curve(path, report, err) == 0 &&
        scores_report(scores, SCORE_TABLE_SEED, &said, err) == 0 &&
        write_scores(path, &said, err) == 0)
        result = draw_curve(path, err);
    scores_free(scores);
    free(text);
    return result;
}
