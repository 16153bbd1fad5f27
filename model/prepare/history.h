/* history.h - a whole log in memory-bounded form: who its users are, what they played (catalog.h),
 * and when (play_store.h). Reads files; one temporary one for a log that is larger than the budget.
 */
#ifndef OUTRO_PREPARE_HISTORY_H
#define OUTRO_PREPARE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "data/byte_source.h"
#include "data/durations.h"
#include "data/profiles.h"
#include "prepare/catalog.h"
#include "prepare/play_store.h"
#include "prepare/row_reader.h"

struct history_options {
    enum log_form form;  /* LOG_FORM_ANY: as each record says */
    const char *user;    /* borrowed, may be NULL: whose records are that name nobody */
    bool strict;         /* a bad row is an error instead of being counted */
    size_t memory_bytes; /* budget of the rows; 0: play_store.h's */
    const struct durations *durations; /* borrowed, may be NULL */
    const struct profiles *profiles;   /* borrowed, may be NULL */
    /* Called about every 100,000 rows, may be NULL; bytes of the (compressed) input read so far,
     * and its size (0 when unknown). */
    void (*progress)(void *ctx, uint64_t rows, uint64_t users, uint64_t bytes,
                     uint64_t total_bytes);
    void *progress_ctx;
    struct byte_watch watch; /* of the bytes of the file; seen may be NULL */
    /* Called for every bad row, may be NULL. */
    void (*reject)(void *ctx, uint64_t line, const char *reason);
    void *reject_ctx;
};

enum { HISTORY_REJECTS = 20 };

struct history_reject {
    uint64_t line;
    struct err reason; /* with the file and the record before it where the line does not tell all */
};

struct history_user {
    const char *id;                /* NUL-terminated */
    const struct profile *profile; /* NULL: nothing is known of them */
};

struct history {
    struct catalog catalog;
    struct play_store *plays;
    struct key_index user_index;
    struct history_user *users; /* by number: first appearance */
    size_t user_capacity;
    struct arena ids;
    uint32_t *duration_ms;                          /* of a variant; 0 unknown */
    uint64_t rows, rejected, skipped;               /* skipped: records of what is no listen */
    struct history_reject rejects[HISTORY_REJECTS]; /* the first ones */
};

/** Reads path ("-": standard input) whole. Caller's memory; history_clear it whatever happens.
 *  @return 0, -1: ERR_IO, ERR_INPUT (strict, or no row in it), ERR_MEMORY */
int history_read(struct history *history, const char *path, const struct history_options *options,
                 struct err *err) MUST_CHECK;
void history_clear(struct history *history);

static inline uint32_t history_users(const struct history *history)
{
    return history->user_index.count;
}

/** Duration of a row's track: what it says itself, else what is known of it; 0 unknown. */
static inline int64_t history_duration_ms(const struct history *history, const struct play_row *row)
{
    return row->duration_ms ? row->duration_ms : history->duration_ms[row->variant];
}

#endif
