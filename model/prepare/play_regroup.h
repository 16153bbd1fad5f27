/* play_regroup.h - the parts of play_store.h that move rows: files of rows, and rows of many users
 * put in the order of their users. */
#ifndef OUTRO_PREPARE_PLAY_REGROUP_H
#define OUTRO_PREPARE_PLAY_REGROUP_H

#include "prepare/play_store.h"

/* Where a user's rows are, or will be. */
struct user_rows {
    uint64_t first, count; /* rows */
};

/** @param at in rows  @return 0, -1 with ERR_IO */
int play_rows_write(int fd, uint64_t at, const struct play_row *rows, size_t count,
                    struct err *err) MUST_CHECK;
int play_rows_read(int fd, uint64_t at, struct play_row *rows, size_t count,
                   struct err *err) MUST_CHECK;

/** Puts rows of users begin .. end - 1 where users says, each user's in the order they have.
 *  @param out begins with the first row of user begin  @return 0, -1 with ERR_MEMORY */
int play_rows_scatter(const struct play_row *rows, size_t count, const struct user_rows *users,
                      uint32_t begin, uint32_t end, struct play_row *out,
                      struct err *err) MUST_CHECK;

/** The rows of fd, whose users are all of user_count, by user in a new temporary file.
 *  @param memory_rows what may be in memory at once, but for a user who has more
 *  @return its descriptor, -1 with err */
int play_regroup_file(int fd, const struct user_rows *users, uint32_t user_count,
                      size_t memory_rows, struct err *err) MUST_CHECK;

#endif
