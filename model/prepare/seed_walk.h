/* seed_walk.h - one user's plays in ascending time, pair by pair, as the re-implemented system
 * reads them: each play is told of when the next has been read, with what was known before its
 * session. Pure. */
#ifndef OUTRO_PREPARE_SEED_WALK_H
#define OUTRO_PREPARE_SEED_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prepare/history.h"

#define SEED_GAP_MS INT64_C(1800000)

struct seed_walk {
    size_t next;        /* index of the play that was read last */
    int64_t start_s;    /* of the session */
    uint32_t session;   /* from 1 */
    int64_t previous_s; /* length of the session before, whole seconds; 0 in the first */
    double average_s;   /* of the sessions before, two decimals; 0 in the first */
    double length_s;    /* of the session so far: through the start of the next play, or the end of
                           its last track */
    double track_s;     /* duration of the play that is told of; 0 unknown */
    double times_played;
    bool ended; /* the session ends with the play that is told of */
    /* private */
    double total_s, last_length_s;
};

/** Before the first step. @param rows of one user, sorted, at least one */
void seed_walk_init(struct seed_walk *walk, const struct play_row *rows);
/** To the next pair: walk then tells of rows[walk->next - 1]. @return false when there is none */
bool seed_walk_step(struct seed_walk *walk, const struct history *history,
                    const struct play_row *rows, size_t count);

#endif
