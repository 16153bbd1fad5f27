#include "prepare/seed_files.h"

#include "prepare/seed_tables.h"
#include "prepare/seed_user.h"

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

static int write_users(const struct seed_tables *tables, const struct split *split,
                       const struct prepare_options *options, struct err *err)
{
    unsigned stages = user_stages(options->stages);
    uint32_t users = history_users(tables->history);
    struct output profiles = {.fd = -1};
    int status = 0;
    struct seed_writer *writer =
        seed_writer_new(tables, split, &options->filter, stages, options->folder, err);
    if (!writer)
        return -1;
    if (stages & SEED_PROFILES)
        status = output_open(&profiles, options->folder, PROFILES[0], err);
    for (uint32_t user = 0; user < users && status == 0; user++) {
        status = seed_writer_user(writer, user, &profiles, err);
        if (options->progress)
            options->progress(options->progress_ctx, user + 1, users);
    }
    if (stages & SEED_PROFILES) {
        if (status == 0)
            status = output_commit(&profiles, err);
        output_abandon(&profiles);
    }
    seed_writer_free(writer);
    return status;
}

int seed_write(const struct history *history, const struct split *split,
               const struct prepare_options *options, struct err *err)
{
    struct seed_tables tables;
    if (make_folders(options, err) < 0 ||
        seed_tables_make(&tables, history, options->profiles, err) < 0)
        return -1;
    int status = 0;
    if (options->stages & 1u << STAGE_TRACKS)
        status = seed_write_tracks(&tables, options->folder, err);
    if (status == 0 && options->stages & 1u << STAGE_VOCABULARIES)
        status = seed_write_vocabularies(&tables, options->folder, err);
    if (status == 0 && user_stages(options->stages))
        status = write_users(&tables, split, options, err);
    seed_tables_clear(&tables);
    return status;
}
