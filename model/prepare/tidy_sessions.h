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

/* A play with all that the tables say of it. */
struct tidy_play {
    int64_t time_ms;
    uint32_t track_id, artist_id; /* artist_id 0: none */
    uint32_t duration_ms;         /* 0 unknown */
};

/** Looks up each row's names, and leaves out what is there already: the same track at the same time
 * among the last RECENT. @param rows sorted by time  @param out count of them  @return how many */
size_t tidy_plays_open(const struct tidy_tables *tables, const struct play_row *rows, size_t count,
                       struct tidy_play *out);

/** @param plays sorted, at least one  @return 0, -1 with ERR_MEMORY */
int tidy_sessions_cut(struct tidy_sessions *sessions, const struct tidy_play *plays, size_t count,
                      struct err *err) MUST_CHECK;

#endif
