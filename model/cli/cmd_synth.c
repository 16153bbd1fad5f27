/* outro synth: an invented log of any size, and the profiles and durations that belong to it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "data/scrobble_json.h"
#include "data/synth.h"
#include "data/synth_history.h"
#include "data/tsv_write.h"

#define NOT_GIVEN UINT64_MAX

enum { BUFFER_BYTES = 1024 * 1024, ROW_ROOM = 4096, PROGRESS_ROWS = 4096 };

struct synth_command {
    uint64_t rows, users, seed;
    struct event_time start;
    const char *like, *format, *out_path, *profiles_path, *durations_path;
    bool quiet;
};

/* One of the files written, in large pieces. */
struct output {
    FILE *file;
    const char *path; /* borrowed, for errors */
    char *buffer;     /* BUFFER_BYTES */
    size_t used;
    bool reader_gone; /* whoever read standard output has closed it: no error, but no use either */
};

static int output_open(struct output *output, const char *path, struct err *err)
{
    bool standard = !path || strcmp(path, "-") == 0;
    *output = (struct output){.path = standard ? "standard output" : path};
    output->buffer = malloc(BUFFER_BYTES);
    if (!output->buffer)
        return err_set(err, ERR_MEMORY, "out of memory");
    output->file = standard ? stdout : fopen(path, "wb");
    return output->file ? 0 : err_errno(err, "%s", path);
}

static int output_flush(struct output *output, struct err *err)
{
    size_t size = output->used;
    output->used = 0;
    if (fwrite(output->buffer, 1, size, output->file) == size && fflush(output->file) == 0)
        return 0;
    output->reader_gone = errno == EPIPE;
    return output->reader_gone ? 0 : err_errno(err, "writing %s", output->path);
}

/* Where the next row goes; ROW_ROOM bytes are free there, or NULL with err. */
static char *output_room(struct output *output, struct err *err)
{
    if (BUFFER_BYTES - output->used < ROW_ROOM && output_flush(output, err) < 0)
        return NULL;
    return output->buffer + output->used;
}

/* Returns status, or -1 if what was left cannot be written. */
static int output_close(struct output *output, int status, struct err *err)
{
    if (status == 0 && !output->reader_gone)
        status = output_flush(output, err);
    if (output->file && output->file != stdout && fclose(output->file) != 0 && status == 0)
        status = err_errno(err, "writing %s", output->path);
    free(output->buffer);
    return status;
}

static size_t put_json(const struct scrobble *scrobble, char *out)
{
    size_t size = scrobble_to_json(scrobble, out, ROW_ROOM - 1);
    out[size] = '\n';
    return size + 1;
}

/* Rows in the order of time, or person by person. @param history NULL: in the order of time */
static int next_row(struct synth *synth, struct synth_history *history, struct scrobble *out)
{
    return history ? synth_history_next(history, out) : synth_next(synth, out);
}

static int write_log(const struct synth_command *command, struct synth *synth,
                     struct synth_history *history, struct err *err)
{
    bool json = strcmp(command->format, "json") == 0;
    struct output output;
    struct progress progress;
    struct scrobble scrobble;
    uint64_t written = 0;
    int status = output_open(&output, command->out_path, err);
    progress_begin(&progress, "inventing", "rows", command->quiet);
    while (status == 0 && !output.reader_gone && next_row(synth, history, &scrobble)) {
        char *row = output_room(&output, err);
        if (!row) {
            status = -1;
            break;
        }
        output.used += json ? put_json(&scrobble, row) : scrobble_to_tsv(&scrobble, row, ROW_ROOM);
        if (++written % PROGRESS_ROWS == 0)
            progress_update(&progress, written, (double)written / (double)command->rows, "%s", "");
    }
    status = output_close(&output, status, err);
    double seconds = progress_end(&progress);
    if (status == 0 && !command->quiet) {
        char rows[28];
        fprintf(stderr, "outro synth: %s rows written, %.1f s\n", progress_number(written, rows),
                seconds);
    }
    return status;
}

static int write_profiles(const struct synth_command *command, const struct synth *synth,
                          struct err *err)
{
    struct output output;
    int status = output_open(&output, command->profiles_path, err);
    if (status == 0) {
        output.used = sizeof TSV_PROFILE_HEADER - 1;
        memcpy(output.buffer, TSV_PROFILE_HEADER, output.used);
    }
    for (uint32_t user = 0; status == 0 && user < command->users; user++) {
        struct profile profile;
        char *row = output_room(&output, err);
        synth_profile(synth, user, &profile);
        if (row)
            output.used += profile_to_tsv(&profile, row, ROW_ROOM);
        else
            status = -1;
    }
    return output_close(&output, status, err);
}

static int write_durations(const struct synth_command *command, struct synth *synth,
                           struct err *err)
{
    struct output output;
    struct scrobble track;
    uint64_t cursor = 0;
    int status = output_open(&output, command->durations_path, err);
    while (status == 0 && synth_next_duration(synth, &cursor, &track)) {
        char *row = output_room(&output, err);
        if (row)
            output.used += duration_to_tsv(&track, row, ROW_ROOM);
        else
            status = -1;
    }
    return output_close(&output, status, err);
}

static int run(const struct synth_command *command, struct err *err)
{
    const struct synth_options options = {.seed = command->seed,
                                          .rows = command->rows,
                                          .users = (uint32_t)command->users,
                                          .start = command->start};
    struct synth *synth = synth_new(&options, err);
    if (!synth)
        return -1;
    struct synth_history *history = command->like ? synth_history_new(synth, err) : NULL;
    int status = command->like && !history ? -1 : write_log(command, synth, history, err);
    synth_history_free(history);
    if (status == 0 && command->profiles_path)
        status = write_profiles(command, synth, err);
    /* Last, because only the tracks that were played are in it. */
    if (status == 0 && command->durations_path)
        status = write_durations(command, synth, err);
    synth_free(synth);
    return status;
}

/* What was not said. */
static void set_defaults(struct synth_command *command)
{
    bool like = command->like != NULL;
    if (command->rows == NOT_GIVEN)
        command->rows = like ? 19150868 : 100000;
    if (command->users == NOT_GIVEN)
        command->users = like ? 992 : 100;
    if (command->start.ms == EVENT_TIME_NEVER.ms) /* 2005-02-14, 2010-01-01 */
        command->start.ms = like ? INT64_C(1108339200000) : INT64_C(1262304000000);
}

int cmd_synth(int argc, char **argv)
{
    struct synth_command command = {.rows = NOT_GIVEN,
                                    .users = NOT_GIVEN,
                                    .seed = 1,
                                    .start = EVENT_TIME_NEVER,
                                    .format = "tsv"};
    const struct option_row rows[] = {
        {"rows", "N", OPTION_COUNT, &command.rows, 0, 1e12, "scrobbles (default: 100000)"},
        {"like", "NAME", OPTION_TEXT, &command.like, 0, 0,
         "lastfm1k: as many rows, people and years, person by person, newest first"},
        {"users", "N", OPTION_COUNT, &command.users, 1, SYNTH_USERS_MAX, "people (default: 100)"},
        {"seed", "N", OPTION_COUNT, &command.seed, 0, 1e18,
         "the same seed makes the same log (default: 1)"},
        {"start", "DATE", OPTION_DATE, &command.start, 0, 0, "first day (default: 2010-01-01)"},
        {"format", "FORM", OPTION_TEXT, &command.format, 0, 0,
         "tsv: as Last.fm-1K; json: our own, one a line (default: tsv)"},
        {"out", "FILE", OPTION_TEXT, &command.out_path, 0, 0, "default: standard output"},
        {"profiles", "FILE", OPTION_TEXT, &command.profiles_path, 0, 0,
         "also write the people's profiles"},
        {"durations", "FILE", OPTION_TEXT, &command.durations_path, 0, 0,
         "also write the durations of about a fifth of the tracks played"},
        OPTION_ROW_QUIET(&command.quiet),
        OPTION_ROW_END,
    };
    const struct options options = {
        .command = "synth",
        .operands = "",
        .summary =
            "Invents a listening log with the shape of Last.fm-1K: session lengths, hours and\n"
            "habits of people who do not exist. Rows are in the order of time, over all people\n"
            "(Last.fm-1K itself has each person's newest first, as --like lastfm1k; readers take\n"
            "both).",
        .min_operands = 0,
        .max_operands = 0,
        .rows = rows,
    };
    int count = options_parse(&options, argc, argv);
    if (count < 0)
        return options_status(count);
    if (strcmp(command.format, "tsv") != 0 && strcmp(command.format, "json") != 0)
        return options_usage("synth", "--format: \"%s\" is neither tsv nor json", command.format);
    if (command.like && strcmp(command.like, "lastfm1k") != 0)
        return options_usage("synth", "--like: \"%s\" is not lastfm1k", command.like);
    set_defaults(&command);
    struct err err = {0};
    return run(&command, &err) < 0 ? options_fail("synth", &err) : 0;
}
