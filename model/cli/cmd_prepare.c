/* outro prepare: a log as tables for research, or as the files of the re-implemented system. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/open_log.h"
#include "cli/options.h"
#include "cli/prepare_manifest.h"
#include "cli/prepare_rejected.h"
#include "cli/prepare_report.h"
#include "core/workers.h"

enum { INPUT_LOG, INPUT_PROFILES, INPUT_DURATIONS, INPUT_TEST, INPUT_VALIDATE, INPUTS };

struct prepare_command {
    const char *out_path, *only;
    bool seed_compat, strict, quiet, json;
    struct log_hints hints;
    struct prepare_input inputs[INPUTS];
    struct history_options reading;
    struct prepare_options options;
    struct prepare_manifest manifest;
    struct prepare_report report;
    struct history history;
};

/* The stages that --only names, separated by commas; all without it. */
static int choose_stages(struct prepare_command *command, struct err *err)
{
    const struct prepare_stage *stages = prepare_stages(command->seed_compat);
    unsigned all = 0;
    for (unsigned i = 0; stages[i].name; i++)
        all |= 1u << i;
    command->options.stages = command->only ? 0 : all;
    if (command->only && !*command->only)
        return err_set(err, ERR_USAGE, "--only: it names no stage");
    for (const char *at = command->only; at && *at;) {
        size_t size = strcspn(at, ","), i = 0;
        while (stages[i].name &&
               (strlen(stages[i].name) != size || memcmp(stages[i].name, at, size) != 0))
            i++;
        if (!stages[i].name) {
            char names[256] = "";
            for (i = 0; stages[i].name; i++)
                strncat(strncat(names, i ? ", " : "", 3), stages[i].name, 32);
            return err_set(err, ERR_USAGE, "--only %.*s: there is no such stage, but %s", (int)size,
                           at, names);
        }
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
    if (fd < 0)
        return err_errno(err, "cannot open the folder %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return fd; /* a file system without locks is no reason to stop */
    close(fd);
    return err_set(err, ERR_IO, "another outro prepare is at work in %s", path);
}

/* A file of ids, not a fraction. */
static const char *if_file(const char *text)
{
    char *end;
    if (!text)
        return NULL;
    strtod(text, &end);
    return *text && *end ? text : NULL;
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

/* What the bytes hang on, beside the inputs. Draws that the options do not ask for change nothing,
 * yet are told apart: better once too often. */
static json_t *options_json(const struct prepare_command *command)
{
    const struct split_options *split = &command->options.split;
    const struct prepare_filter *filter = &command->options.filter;
    bool by_date = split->date.ms != EVENT_TIME_NEVER.ms;
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "format",
        log_form_name(command->reading.form), "user", text_or_null(command->reading.user),
        "test_users", text_or_null(split->test_users), "validate_users",
        text_or_null(split->validate_users), "cut",
        split->cut >= 0 ? json_real(split->cut) : json_null(), "split_date_ms",
        by_date ? json_integer(split->date.ms) : json_null(), "seed", (json_int_t)split->seed,
        "min_rows", (json_int_t)filter->min_rows, "min_sessions", (json_int_t)filter->min_sessions,
        "max_average_s",
        isfinite(filter->max_average_s) ? json_real(filter->max_average_s) : json_null());
}

/* Reading and hashing side by side: task 0 and task 1. */
struct side_by_side {
    struct prepare_command *command;
    struct err err[2];
    int status[2];
};

static void read_or_hash(void *ctx, size_t worker, size_t i)
{
    struct side_by_side *both = ctx;
    struct prepare_command *command = both->command;
    (void)worker;
    both->status[i] = 0;
    if (i == 0)
        both->status[0] = history_read(&command->history, command->inputs[INPUT_LOG].path,
                                       &command->reading, &both->err[0]);
    for (size_t input = 0; i == 1 && input < INPUTS && both->status[1] == 0; input++)
        both->status[1] = prepare_input_hash(&command->inputs[input], &both->err[1]);
}

static int read_side_by_side(struct prepare_command *command, struct err *err)
{
    struct side_by_side both = {.command = command};
    struct workers *workers = workers_new(2, err);
    if (!workers)
        return -1;
    prepare_report_reading(&command->report);
    workers_run(workers, 2, read_or_hash, &both);
    workers_free(workers);
    prepare_report_read(&command->report, &command->history, command->inputs[INPUT_LOG].path);
    for (int i = 0; i < 2; i++)
        if (both.status[i] < 0) {
            *err = both.err[i];
            return -1;
        }
    return 0;
}

/* What a pipe brought, seen as it was read. */
struct pipe_bytes {
    struct sha256 *sha256;
    int64_t size;
};

static void see_bytes(void *ctx, const void *bytes, size_t size)
{
    struct pipe_bytes *pipe = ctx;
    sha256_add(pipe->sha256, bytes, size);
    pipe->size += (int64_t)size;
}

static int read_pipe(struct prepare_command *command, struct err *err)
{
    struct pipe_bytes pipe = {.sha256 = sha256_new(err)};
    struct prepare_input *input = &command->inputs[INPUT_LOG];
    if (!pipe.sha256)
        return -1;
    command->reading.watch = (struct byte_watch){see_bytes, &pipe};
    int status = read_side_by_side(command, err);
    if (status == 0)
        status = sha256_end(pipe.sha256, input->sha256, err);
    if (status == 0)
        input->size = pipe.size;
    sha256_free(pipe.sha256);
    return status;
}

static int read_log(struct prepare_command *command, struct err *err)
{
    struct prepare_rejected rejected = {.folder = command->options.folder};
    command->reading.reject = prepare_rejected_put;
    command->reading.reject_ctx = &rejected;
    int status = prepare_input_is_pipe(&command->inputs[INPUT_LOG])
                     ? read_pipe(command, err)
                     : read_side_by_side(command, err);
    return prepare_rejected_end(&rejected, status, err);
}

static int stage_done(void *ctx, unsigned stage, struct err *err)
{
    struct prepare_command *command = ctx;
    return prepare_manifest_add(&command->manifest, stage, err) < 0
               ? -1
               : prepare_manifest_write(&command->manifest, err);
}

/* From the log to the files of the stages that are not whole. */
static int make_stages(struct prepare_command *command, struct err *err)
{
    struct prepare_counts counts = {0};
    command->options.stage_done = stage_done;
    command->options.stage_ctx = command;
    command->options.progress = prepare_report_users;
    command->options.progress_ctx = &command->report;
    /* Whoever looks in after a kill finds of what this was to be. */
    if (prepare_manifest_write(&command->manifest, err) < 0 || read_log(command, err) < 0 ||
        prepare_manifest_count(&command->manifest, &command->history, &counts, err) < 0)
        return -1;
    prepare_report_writing(&command->report);
    if (prepare_write(&command->history, &command->options, &counts, err) < 0 ||
        prepare_manifest_count(&command->manifest, &command->history, &counts, err) < 0)
        return -1;
    return prepare_manifest_write(&command->manifest, err);
}

static int prepare(struct prepare_command *command, struct err *err)
{
    for (int i = 0; i < INPUTS; i++)
        if (prepare_input_look(&command->inputs[i], err) < 0)
            return -1;
    if (prepare_manifest_open(&command->manifest, command->options.folder, command->seed_compat,
                              options_json(command), command->inputs, INPUTS, err) < 0)
        return err_prefix(err, "%s", command->out_path);
    unsigned done = prepare_manifest_done(&command->manifest);
    bool nothing = !(command->options.stages & ~done);
    command->options.stages &= ~done;
    if (!nothing && make_stages(command, err) < 0)
        return -1;
    return prepare_report_end(&command->report, &command->manifest, nothing, err);
}

static int run(struct prepare_command *command, struct err *err)
{
    struct profiles *profiles = NULL;
    struct durations *durations = NULL;
    int status = -1;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    command->options.threads = cores > 1 ? (size_t)cores : 1;
    command->options.folder = -1;
    if (choose_stages(command, err) < 0 ||
        log_hints_read(&command->hints, &command->reading.form, &command->reading.user, err) < 0)
        return -1;
    command->options.folder = open_out(command->out_path, err);
    const char *profiles_path = command->inputs[INPUT_PROFILES].path;
    const char *durations_path = command->inputs[INPUT_DURATIONS].path;
    if (command->options.folder < 0 ||
        (profiles_path && !(profiles = profiles_load(profiles_path, err))) ||
        (durations_path && !(durations = durations_load(durations_path, err))))
        goto out;
    command->reading.profiles = command->options.profiles = profiles;
    command->reading.durations = durations;
    status = prepare(command, err);
out:
    prepare_report_stop(&command->report);
    history_clear(&command->history);
    prepare_manifest_clear(&command->manifest);
    if (command->options.folder >= 0)
        close(command->options.folder);
    profiles_free(profiles);
    durations_free(durations);
    return status;
}

/* @return 0, or the exit status after saying what does not go together */
static int check_options(const struct prepare_command *command)
{
    const struct split_options *split = &command->options.split;
    bool by_date = split->date.ms != EVENT_TIME_NEVER.ms;
    if (!command->out_path)
        return options_usage("prepare", "--out DIR is missing");
    if (by_date && command->seed_compat)
        return options_usage("prepare", "the re-implemented system splits by users and --cut: "
                                        "leave out --split-date or --seed-compat");
    if (by_date && (split->test_users || split->validate_users || split->cut >= 0))
        return options_usage("prepare", "--split-date is for all users: leave out --test-users, "
                                        "--validate-users and --cut, or the date");
    return 0;
}

static const char SUMMARY[] =
    "Writes what LOG holds as tables to DIR: sessions.tsv, scrobbles.tsv, tracks.tsv,\n"
    "artists.tsv, countries.tsv and users.tsv (columns and units: model/prepare/README.md), or\n"
    "under --seed-compat the files of the re-implemented system. Stages: tracks, users, sessions,\n"
    "scrobbles; under --seed-compat tracks, vocabularies, users, summary, final, profiles.\n"
    "A stage that is whole for these inputs and options is not done again; manifest.json says "
    "what\n"
    "is. LOG: any form that we read, plain, gzip or zstd; - for standard input.";

int cmd_prepare(int argc, char **argv)
{
    struct prepare_command command = {
        .inputs = {{.role = "log"},
                   {.role = "profiles"},
                   {.role = "durations"},
                   {.role = "test_users"},
                   {.role = "validate_users"}},
        .options = {.split = {.cut = -1, .date = EVENT_TIME_NEVER, .seed = 1},
                    .filter = {.max_average_s = HUGE_VAL}}};
    struct split_options *split = &command.options.split;
    struct prepare_filter *filter = &command.options.filter;
    const struct option_row rows[] = {
        {"out", "DIR", OPTION_TEXT, &command.out_path, 0, 0,
         "folder that the files are written to"},
        {"profiles", "FILE", OPTION_TEXT, &command.inputs[INPUT_PROFILES].path, 0, 0,
         "user profiles in the Last.fm-1K form"},
        OPTION_ROW_DURATIONS(&command.inputs[INPUT_DURATIONS].path),
        {"seed-compat", NULL, OPTION_FLAG, &command.seed_compat, 0, 0,
         "the files of the re-implemented system, byte for byte"},
        {"test-users", "F", OPTION_TEXT, &split->test_users, 0, 0,
         "whose later sessions are tests: a file of ids, one a line, or a fraction to draw"},
        {"validate-users", "F", OPTION_TEXT, &split->validate_users, 0, 0,
         "whose later sessions are for validation, as before"},
        {"cut", "X", OPTION_REAL, &split->cut, 0, 1,
         "share of a user that comes before (default: drawn from .5 to 1 for each)"},
        {"split-date", "D", OPTION_DATE, &split->date, 0, 0,
         "instead: sessions of everybody that start from D on are tests"},
        {"seed", "N", OPTION_COUNT, &split->seed, 0, 1e15, "of the draws (default: 1)"},
        {"min-rows", "N", OPTION_COUNT, &filter->min_rows, 0, 1e15,
         "leave out users with N scrobbles or fewer (the original's: 500)"},
        {"min-sessions", "N", OPTION_COUNT, &filter->min_sessions, 0, 1e15,
         "leave out users with N sessions or fewer (the original's: 30)"},
        {"max-average-s", "S", OPTION_REAL, &filter->max_average_s, 0, 1e12,
         "leave out users whose mean session has S seconds or more (the original's: 20000)"},
        {"only", "STAGE", OPTION_TEXT, &command.only, 0, 0,
         "the files of this stage, or of several with commas between"},
        OPTION_ROW_FORMAT(&command.hints),
        OPTION_ROW_USER(&command.hints),
        OPTION_ROW_STRICT(&command.strict),
        OPTION_ROW_JSON(&command.json),
        OPTION_ROW_QUIET(&command.quiet),
        OPTION_ROW_END,
    };
    const struct options table = {
        .command = "prepare",
        .operands = "LOG",
        .summary = SUMMARY,
        .min_operands = 1,
        .max_operands = 1,
        .rows = rows,
    };
    int count = options_parse(&table, argc, argv);
    if (count < 0)
        return options_status(count);
    int status = check_options(&command);
    if (status != 0)
        return status;
    command.inputs[INPUT_LOG].path = argv[1];
    command.inputs[INPUT_TEST].path = if_file(split->test_users);
    command.inputs[INPUT_VALIDATE].path = if_file(split->validate_users);
    command.options.seed_compat = command.seed_compat;
    command.reading.strict = command.strict;
    command.reading.progress = prepare_report_rows;
    command.reading.progress_ctx = &command.report;
    command.report = (struct prepare_report){.quiet = command.quiet, .json = command.json};
    struct err err = {0};
    return run(&command, &err) == 0 ? 0 : options_fail("prepare", &err);
}
