/* tidy_user.h - the tidy form's rows of one user: sessions.tsv, scrobbles.tsv, users.tsv. Sessions
 * are those of `outro replay`: the same rule, and duplicates (the same time and track as one of the
 * user's last 32) dropped. */
#ifndef OUTRO_PREPARE_TIDY_USER_H
#define OUTRO_PREPARE_TIDY_USER_H

#include "core/err.h"
#include "prepare/output.h"
#include "prepare/prepare.h"
#include "prepare/split.h"
#include "prepare/tidy_tables.h"

enum tidy_file { TIDY_SESSIONS, TIDY_SCROBBLES, TIDY_USERS, TIDY_FILES };

/** The header of a file, its line end included. */
extern const char *const TIDY_HEADERS[TIDY_FILES];

struct tidy_counts {
    uint64_t users, sessions, scrobbles, duplicates; /* written; dropped */
    uint64_t left_out;                               /* users that the filter left out */
};

/* What one thread needs to write users. */
struct tidy_writer;

/** @param wanted bit i: the rows of file i  @return NULL with ERR_MEMORY */
struct tidy_writer *tidy_writer_new(const struct tidy_tables *tables, const struct split *split,
                                    const struct prepare_filter *filter, unsigned wanted,
                                    struct err *err) MUST_CHECK;
void tidy_writer_free(struct tidy_writer *writer);

/** One user's rows. @param files (TIDY_FILES) those that are wanted  @return 0, -1 with err */
int tidy_writer_user(void *writer, uint32_t user, struct output *files, struct err *err) MUST_CHECK;

/** Of all users that this writer wrote. */
const struct tidy_counts *tidy_writer_counts(const struct tidy_writer *writer);

#endif
