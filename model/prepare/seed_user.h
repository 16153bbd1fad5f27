/* seed_user.h - the files of the re-implemented system that one user gives: the denormalised plays,
 * summary and final rows by part of the split, and the user's row of user_profile_cluster.csv. Its
 * arithmetic to the last bit: seconds as doubles, 0.001 times the milliseconds of a track. */
#ifndef OUTRO_PREPARE_SEED_USER_H
#define OUTRO_PREPARE_SEED_USER_H

#include "core/err.h"
#include "prepare/output.h"
#include "prepare/prepare.h"
#include "prepare/seed_tables.h"
#include "prepare/split.h"

enum seed_stage {
    SEED_USERS = 1 << 0,   /* users/USER/part-00000.csv */
    SEED_SUMMARY = 1 << 1, /* summary/PART/USER.csv */
    SEED_FINAL = 1 << 2,   /* final/PART/USER.csv */
    SEED_PROFILES = 1 << 3 /* user_profile_cluster.csv */
};

/* What one thread needs to write users. */
struct seed_writer;

/** @param tables, split borrowed  @param stages of enum seed_stage, or-ed
 *  @return NULL with ERR_MEMORY */
struct seed_writer *seed_writer_new(const struct seed_tables *tables, const struct split *split,
                                    const struct prepare_filter *filter, unsigned stages,
                                    int folder, struct err *err) MUST_CHECK;
void seed_writer_free(struct seed_writer *writer);

/** All of one user's files. @param profiles takes the user's row, if SEED_PROFILES is among the
 * stages  @return 0, -1 with err */
int seed_writer_user(void *writer, uint32_t user, struct output *profiles,
                     struct err *err) MUST_CHECK;

/** Of all users that this writer wrote. */
const struct prepare_counts *seed_writer_counts(const struct seed_writer *writer);

#endif
