/* play_store.h - who played what when, in fixed-size rows: filled in the order of the input, then
 * read back one user at a time. Rows beyond the memory budget go to one unlinked temporary file (in
 * $TMPDIR, else /tmp). A log that comes grouped by user is read back where it lies; any other is
 * first regrouped, over the same file, by ranges of users that fit the budget. Read back by many
 * threads at once; filled by one. Source: distribution sort, D. Knuth, TAOCP 3, 5.4. */
#ifndef OUTRO_PREPARE_PLAY_STORE_H
#define OUTRO_PREPARE_PLAY_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct play_row {
    int64_t time_ms;
    uint32_t variant;     /* of the names as they were written: catalog.h */
    uint32_t duration_ms; /* that the row itself says; 0 = it says none */
    uint32_t user;        /* dense, by first appearance */
} __attribute__((packed, aligned(4)));

struct play_store;

/** @param memory_bytes budget of the rows in memory; 0: 384 MiB  @return NULL with ERR_MEMORY */
struct play_store *play_store_new(size_t memory_bytes, struct err *err) MUST_CHECK;
void play_store_free(struct play_store *store); /* NULL is fine */

/** @return 0, -1: ERR_MEMORY, ERR_IO (the temporary file) */
int play_store_add(struct play_store *store, const struct play_row *row,
                   struct err *err) MUST_CHECK;
/** No more rows come; once. @return 0, -1 with err */
int play_store_finish(struct play_store *store, struct err *err) MUST_CHECK;

uint32_t play_store_users(const struct play_store *store);
/** Rows of a user. */
uint64_t play_store_count(const struct play_store *store, uint32_t user);
/** A user's rows in the order of the input. @param out play_store_count() of them
 *  @return 0, -1 with ERR_IO */
int play_store_load(const struct play_store *store, uint32_t user, struct play_row *out,
                    struct err *err) MUST_CHECK;

/** Sorts rows of one user by time, equal times in the order they have. @param scratch count rows */
void play_rows_sort(struct play_row *rows, struct play_row *scratch, size_t count);

#endif
