#include "prepare/seed_files.h"

#include <stdlib.h>

#include "prepare/seed_tables.h"
#include "prepare/seed_user.h"
#include "prepare/user_pass.h"

static const char *const TRACKS[] = {"tracks.csv", "unique_users.txt", NULL};
static const char *const VOCABULARIES[] = {"country_vocab.csv", "artist_vocab.csv",
                                           "tracks_vocab.csv", NULL};
static const char *const USERS[] = {"users", NULL};
static const char *const SUMMARY[] = {"summary/train", "summary/test", "summary/validate", NULL};
static const char *const FINAL[] = {"final/train", "final/test", "final/validate", NULL};
static const char *const PROFILES[] = {"user_profile_cluster.csv", NULL};

enum { STAGE_TRACKS, STAGE_VOCABULARIES, STAGE_USERS, STAGE_SUMMARY, STAGE_FINAL, STAGE_PROFILES };

const struct prepare_stage SEED_STAGES[] = {
    [STAGE_TRACKS] = {"tracks", TRACKS},
    [STAGE_VOCABULARIES] = {"vocabularies", VOCABULARIES},
    [STAGE_USERS] = {"users", USERS},
    [STAGE_SUMMARY] = {"summary", SUMMARY},
    [STAGE_FINAL] = {"final", FINAL},
    [STAGE_PROFILES] = {"profiles", PROFILES},
    {NULL, NULL},
};

static int make_folders(const struct prepare_options *options, struct err *err)
{
    for (unsigned i = STAGE_USERS; i <= STAGE_FINAL; i++)
        for (const char *const *path = SEED_STAGES[i].paths; *path; path++)
            if (options->stages & 1u << i && output_folder(options->folder, *path, err) < 0)
                return -1;
    return 0;
}

/* Which files of a user are wanted. */
static unsigned user_stages(unsigned stages)
{
    static const unsigned OF_USER[] = {[STAGE_USERS] = SEED_USERS,
                                       [STAGE_SUMMARY] = SEED_SUMMARY,
                                       [STAGE_FINAL] = SEED_FINAL,
                                       [STAGE_PROFILES] = SEED_PROFILES};
    unsigned wanted = 0;
    for (unsigned i = STAGE_USERS; i <= STAGE_PROFILES; i++)
        if (stages & 1u << i)
            wanted |= OF_USER[i];
    return wanted;
}

static void add_counts(struct prepare_counts *counts, const struct prepare_counts *more)
{
    counts->users += more->users;
    counts->sessions += more->sessions;
    counts->scrobbles += more->scrobbles;
}

/* All users by all writers, into the file of profiles where it is wanted. */
static int run_pass(const struct history *history, const struct prepare_options *options,
                    void **writers, struct output *profiles, struct prepare_counts *counts,
                    struct err *err)
{
    const struct user_pass pass = {.history = history,
                                   .threads = options->threads,
                                   .writers = writers,
                                   .write = seed_writer_user,
                                   .files = {profiles},
                                   .progress = options->progress,
                                   .progress_ctx = options->progress_ctx};
    if (user_pass_run(&pass, err) < 0)
        return -1;
    for (size_t t = 0; t < options->threads; t++)
        add_counts(counts, seed_writer_counts(writers[t]));
    return 0;
}

static int write_users(const struct seed_tables *tables, const struct split *split,
                       const struct prepare_options *options, struct prepare_counts *counts,
                       struct err *err)
{
    unsigned stages = user_stages(options->stages);
    bool has_profiles = stages & SEED_PROFILES;
    struct output profiles = {.fd = -1};
    int status = 0;
    void **writers = calloc(options->threads, sizeof *writers);
    if (!writers)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t t = 0; t < options->threads && status == 0; t++) {
        writers[t] = seed_writer_new(tables, split, &options->filter, stages, options->folder, err);
        status = writers[t] ? 0 : -1;
    }
    if (status == 0 && has_profiles)
        status = output_open(&profiles, options->folder, PROFILES[0], err);
    if (status == 0)
        status = run_pass(tables->history, options, writers, has_profiles ? &profiles : NULL,
                          counts, err);
    if (status == 0 && has_profiles)
        status = output_commit(&profiles, err);
    output_abandon(&profiles);
    for (size_t t = 0; t < options->threads; t++)
        seed_writer_free(writers[t]);
    free((void *)writers);
    return status;
}

int seed_write(const struct history *history, const struct split *split,
               const struct prepare_options *options, struct prepare_counts *counts,
               struct err *err)
{
    struct seed_tables tables;
    if (make_folders(options, err) < 0 ||
        seed_tables_make(&tables, history, options->profiles, err) < 0)
        return -1;
    int status = 0;
    if (options->stages & 1u << STAGE_TRACKS)
        status = seed_write_tracks(&tables, options->folder, err);
    if (status == 0)
        status = prepare_stage_done(options, STAGE_TRACKS, err);
    if (status == 0 && options->stages & 1u << STAGE_VOCABULARIES)
        status = seed_write_vocabularies(&tables, options->folder, err);
    if (status == 0)
        status = prepare_stage_done(options, STAGE_VOCABULARIES, err);
    if (status == 0 && user_stages(options->stages))
        status = write_users(&tables, split, options, counts, err);
    for (unsigned stage = STAGE_USERS; status == 0 && SEED_STAGES[stage].name; stage++)
        status = prepare_stage_done(options, stage, err);
    seed_tables_clear(&tables);
    return status;
}
