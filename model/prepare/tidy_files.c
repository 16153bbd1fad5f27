#include "prepare/tidy_files.h"

#include <stdlib.h>

#include "prepare/tidy_tables.h"
#include "prepare/tidy_user.h"
#include "prepare/user_pass.h"

static const char *const TRACKS[] = {"tracks.tsv", "artists.tsv", "countries.tsv", NULL};
static const char *const USERS[] = {"users.tsv", NULL};
static const char *const SESSIONS[] = {"sessions.tsv", NULL};
static const char *const SCROBBLES[] = {"scrobbles.tsv", NULL};

enum { STAGE_TRACKS, STAGE_USERS, STAGE_SESSIONS, STAGE_SCROBBLES };

const struct prepare_stage TIDY_STAGES[] = {
    [STAGE_TRACKS] = {"tracks", TRACKS},
    [STAGE_USERS] = {"users", USERS},
    [STAGE_SESSIONS] = {"sessions", SESSIONS},
    [STAGE_SCROBBLES] = {"scrobbles", SCROBBLES},
    {NULL, NULL},
};

/* Which file of the users each stage is. */
static const struct {
    unsigned stage;
    enum tidy_file file;
} OF_USER[TIDY_FILES] = {
    {STAGE_SESSIONS, TIDY_SESSIONS}, {STAGE_SCROBBLES, TIDY_SCROBBLES}, {STAGE_USERS, TIDY_USERS}};

static int write_tracks(const struct tidy_tables *tables, int folder, struct err *err)
{
    if (tidy_write_tracks(tables, folder, err) < 0 || tidy_write_artists(tables, folder, err) < 0)
        return -1;
    return tidy_write_countries(tables, folder, err);
}

/* The open files of a pass and its writers. */
struct user_files {
    struct output output[TIDY_FILES];
    unsigned wanted; /* bit i: file i */
    void **writers;
    size_t threads;
};

static int open_files(struct user_files *files, const struct tidy_tables *tables,
                      const struct split *split, const struct prepare_options *options,
                      struct err *err)
{
    for (size_t i = 0; i < TIDY_FILES; i++) {
        enum tidy_file file = OF_USER[i].file;
        const char *path = TIDY_STAGES[OF_USER[i].stage].paths[0];
        if (!(options->stages & 1u << OF_USER[i].stage))
            continue;
        files->wanted |= 1u << file;
        if (output_open(&files->output[file], options->folder, path, err) < 0)
            return -1;
        tidy_put_literal(&files->output[file], TIDY_HEADERS[file]);
        output_flush(&files->output[file]);
    }
    files->writers = calloc(files->threads, sizeof *files->writers);
    if (!files->writers)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t t = 0; t < files->threads; t++)
        if (!(files->writers[t] =
                  tidy_writer_new(tables, split, &options->filter, files->wanted, err)))
            return -1;
    return 0;
}

static int close_files(struct user_files *files, int status, struct err *err)
{
    for (int i = 0; i < TIDY_FILES; i++) {
        if (!(files->wanted & 1u << i))
            continue;
        if (status == 0)
            status = output_commit(&files->output[i], err);
        output_abandon(&files->output[i]);
    }
    for (size_t t = 0; files->writers && t < files->threads; t++)
        tidy_writer_free(files->writers[t]);
    free((void *)files->writers);
    return status;
}

static void add_counts(struct prepare_counts *counts, const struct tidy_counts *more)
{
    counts->users += more->users;
    counts->sessions += more->sessions;
    counts->scrobbles += more->scrobbles;
    counts->duplicates += more->duplicates;
    counts->left_out += more->left_out;
}

static int write_users(const struct tidy_tables *tables, const struct split *split,
                       const struct prepare_options *options, struct prepare_counts *counts,
                       struct err *err)
{
    struct user_files files = {.threads = options->threads};
    int status = open_files(&files, tables, split, options, err);
    if (status == 0) {
        struct user_pass pass = {.history = tables->history,
                                 .threads = files.threads,
                                 .writers = files.writers,
                                 .write = tidy_writer_user,
                                 .progress = options->progress,
                                 .progress_ctx = options->progress_ctx};
        for (int i = 0; i < TIDY_FILES; i++)
            pass.files[i] = files.wanted & 1u << i ? &files.output[i] : NULL;
        status = user_pass_run(&pass, err);
        for (size_t t = 0; status == 0 && t < files.threads; t++)
            add_counts(counts, tidy_writer_counts(files.writers[t]));
    }
    return close_files(&files, status, err);
}

int tidy_write(const struct history *history, const struct split *split,
               const struct prepare_options *options, struct prepare_counts *counts,
               struct err *err)
{
    struct tidy_tables tables;
    if (tidy_tables_make(&tables, history, options->profiles, err) < 0)
        return -1;
    int status = 0;
    if (options->stages & 1u << STAGE_TRACKS)
        status = write_tracks(&tables, options->folder, err);
    if (status == 0)
        status = prepare_stage_done(options, STAGE_TRACKS, err);
    if (status == 0 && options->stages & ~(1u << STAGE_TRACKS))
        status = write_users(&tables, split, options, counts, err);
    for (unsigned stage = STAGE_USERS; status == 0 && TIDY_STAGES[stage].name; stage++)
        status = prepare_stage_done(options, stage, err);
    tidy_tables_clear(&tables);
    return status;
}
