/* tidy_sessions.h - one user's plays cut into sessions, without the duplicates. Pure. */
#ifndef OUTRO_PREPARE_TIDY_SESSIONS_H
#define OUTRO_PREPARE_TIDY_SESSIONS_H

#include "core/err.h"
#include "prepare/play_store.h"
#include "prepare/tidy_tables.h"

#define TIDY_GAP_MS INT64_C(1800000)

struct tidy_session {
    size_t first, count; /* rows */
    int64_t start_ms, end_ms;
};

struct tidy_sessions {
    struct tidy_session *all; /* (count) from malloc, caller frees */
    size_t count, capacity;
};

/** A row's track lasts so long; 0 unknown. */
static inline int64_t tidy_duration_ms(const struct tidy_tables *tables, const struct play_row *row)
{
    return row->duration_ms ? row->duration_ms : tables->names[row->variant].duration_ms;
}

/** Takes out the rows that are there already. @param rows sorted by time  @return rows left */
size_t tidy_drop_duplicates(const struct tidy_tables *tables, struct play_row *rows, size_t count);

/** @param rows sorted, at least one  @return 0, -1 with ERR_MEMORY */
int tidy_sessions_cut(struct tidy_sessions *sessions, const struct tidy_tables *tables,
                      const struct play_row *rows, size_t count, struct err *err) MUST_CHECK;

#endif
