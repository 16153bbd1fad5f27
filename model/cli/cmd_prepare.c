/* outro prepare: a log as tables for research, or as the files of the re-implemented system. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/open_log.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "prepare/prepare.h"

struct prepare_command {
    const char *log_path, *out_path, *profiles_path, *durations_path, *only;
    struct log_hints hints;
    bool seed_compat, strict, quiet;
    struct prepare_options options;
};

/* The stages that --only names, separated by commas; all without it. */
static int choose_stages(struct prepare_command *command, struct err *err)
{
    const struct prepare_stage *stages = prepare_stages(command->seed_compat);
    unsigned all = 0;
    for (unsigned i = 0; stages[i].name; i++)
        all |= 1u << i;
    command->options.stages = command->only ? 0 : all;
    for (const char *at = command->only; at && *at;) {
        size_t size = strcspn(at, ","), i = 0;
        while (stages[i].name &&
               (strlen(stages[i].name) != size || memcmp(stages[i].name, at, size) != 0))
            i++;
        if (!stages[i].name)
            return err_set(err, ERR_USAGE, "--only %.*s: there is no such stage", (int)size, at);
        command->options.stages |= 1u << i;
        at += size + (at[size] == ',');
    }
    return 0;
}

static int open_out(const char *path, struct err *err)
{
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return err_errno(err, "cannot make the folder %s", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, "cannot open the folder %s", path) : fd;
}

static int prepare(struct prepare_command *command, const struct durations *durations,
                   struct err *err)
{
    struct history history;
    struct progress progress;
    struct history_options options = {.strict = command->strict,
                                      .durations = durations,
                                      .profiles = command->options.profiles,
                                      .progress = progress_log_rows,
                                      .progress_ctx = &progress};
    if (log_hints_read(&command->hints, &options.form, &options.user, err) < 0)
        return -1;
    progress_begin(&progress, "reading", "rows", command->quiet);
    int status = history_read(&history, command->log_path, &options, err);
    progress_end(&progress);
    if (status == 0)
        status = prepare_write(&history, &command->options, err);
    history_clear(&history);
    return status;
}

static int run(struct prepare_command *command, struct err *err)
{
    struct profiles *profiles = NULL;
    struct durations *durations = NULL;
    int status = -1;
    if (choose_stages(command, err) < 0)
        return -1;
    command->options.seed_compat = command->seed_compat;
    command->options.folder = open_out(command->out_path, err);
    if (command->options.folder < 0 ||
        (command->profiles_path && !(profiles = profiles_load(command->profiles_path, err))) ||
        (command->durations_path && !(durations = durations_load(command->durations_path, err))))
        goto out;
    command->options.profiles = profiles;
    status = prepare(command, durations, err);
out:
    if (command->options.folder >= 0)
        close(command->options.folder);
    profiles_free(profiles);
    durations_free(durations);
    return status;
}

int cmd_prepare(int argc, char **argv)
{
    struct prepare_command command = {
        .options = {.split = {.cut = -1, .date = EVENT_TIME_NEVER, .seed = 1},
                    .filter = {.max_average_s = HUGE_VAL}}};
    struct prepare_options *options = &command.options;
    const struct option_row rows[] = {
        {"out", "DIR", OPTION_TEXT, &command.out_path, 0, 0,
         "folder that the files are written to"},
        {"profiles", "FILE", OPTION_TEXT, &command.profiles_path, 0, 0,
         "user profiles in the Last.fm-1K form"},
        OPTION_ROW_FORMAT(&command.hints),
        OPTION_ROW_USER(&command.hints),
        OPTION_ROW_DURATIONS(&command.durations_path),
        {"seed-compat", NULL, OPTION_FLAG, &command.seed_compat, 0, 0,
         "the files of the re-implemented system, byte for byte"},
        {"test-users", "F", OPTION_TEXT, &options->split.test_users, 0, 0,
         "whose later plays are for testing: a file of ids, or a fraction to draw"},
        {"validate-users", "F", OPTION_TEXT, &options->split.validate_users, 0, 0,
         "whose later plays are for validation, as before"},
        {"cut", "X", OPTION_REAL, &options->split.cut, 0, 1,
         "share of a user's plays that come before (default: drawn from .5 to 1 for each)"},
        {"seed", "N", OPTION_COUNT, &options->split.seed, 0, 1e18, "of the draws (default: 1)"},
        {"only", "STAGE", OPTION_TEXT, &command.only, 0, 0, "the files of this stage alone"},
        OPTION_ROW_STRICT(&command.strict),
        OPTION_ROW_QUIET(&command.quiet),
        OPTION_ROW_END,
    };
    const struct options table = {
        .command = "prepare",
        .operands = "LOG",
        .summary = "Writes what LOG holds as tables: sessions, scrobbles, tracks, users.",
        .min_operands = 1,
        .max_operands = 1,
        .rows = rows,
    };
    int count = options_parse(&table, argc, argv);
    if (count < 0)
        return options_status(count);
    if (!command.seed_compat)
        return options_usage("prepare", "--seed-compat is missing: there is no other form yet");
    if (!command.out_path)
        return options_usage("prepare", "--out DIR is missing");
    command.log_path = argv[1];
    struct err err = {0};
    return run(&command, &err) == 0 ? 0 : options_fail("prepare", &err);
}
