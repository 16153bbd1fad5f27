#include "cli/report_folder.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int report_folder_prepare(const char *path, struct err *err)
{
    if (mkdir(path, 0777) && errno != EEXIST)
        return err_errno(err, "%s", path);
    return access(path, W_OK | X_OK) ? err_errno(err, "%s", path) : 0;
}

FILE *report_folder_open(const char *path, const char *name, struct err *err)
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

int report_folder_close(const char *path, const char *name, FILE *file, struct err *err)
{
    bool failed = ferror(file) != 0;
    return fclose(file) || failed ? err_errno(err, "%s/%s", path, name) : 0;
}

int report_folder_text(const char *path, const char *name, const char *text, struct err *err)
{
    FILE *file = report_folder_open(path, name, err);
    if (!file)
        return -1;
    fputs(text, file);
    return report_folder_close(path, name, file, err);
}

int report_folder_remove(const char *path, const char *name, struct err *err)
{
    char whole[PATH_MAX];
    if (snprintf(whole, sizeof whole, "%s/%s", path, name) >= (int)sizeof whole)
        return err_set(err, ERR_IO, "%.80s...: the name is too long", path);
    return unlink(whole) && errno != ENOENT ? err_errno(err, "%s", whole) : 0;
}

int report_folder_remove_picture(const char *path, const char *name, struct err *err)
{
    static const char *const ends[] = {"tsv", "gnuplot", "svg", "png"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char file[NAME_MAX];
        snprintf(file, sizeof file, "%s.%s", name, ends[i]);
        if (report_folder_remove(path, file, err))
            return -1;
    }
    return 0;
}

/* @return 0; what spawning said, or -1 when gnuplot failed */
static int run_gnuplot(const char *path, char *script)
{
    char program[] = "gnuplot";
    char *const arguments[] = {program, script, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, path);
    int code = posix_spawnp(&child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code)
        return code;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status ? -1 : 0;
}

int report_folder_draw(const char *path, const char *name, const char *script,
                       enum plot_outcome *outcome, struct err *err)
{
    char file[NAME_MAX];
    snprintf(file, sizeof file, "%s.gnuplot", name);
    if (report_folder_text(path, file, script, err))
        return -1;
    int code = run_gnuplot(path, file);
    *outcome = code == 0 ? PLOT_DRAWN : code == ENOENT ? PLOT_NO_GNUPLOT : PLOT_FAILED;
    return 0;
}

void report_folder_regret(const char *command, const char *path, enum plot_outcome outcome)
{
    if (outcome != PLOT_DRAWN)
        fprintf(stderr,
                "outro %s: gnuplot %s, so %s has no pictures; the data files have what would be in "
                "them\n",
                command, outcome == PLOT_NO_GNUPLOT ? "is not installed" : "failed", path);
}
