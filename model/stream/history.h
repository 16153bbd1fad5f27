/* history.h - a user's finished sessions: folding one into the running statistics, the ring and the
 * sketches, and reading the ring back. Pure. Formulas: model/PREDICTOR.md. */
#ifndef OUTRO_STREAM_HISTORY_H
#define OUTRO_STREAM_HISTORY_H

#include "nn/predictor.h"
#include "stream/user_state.h"

/* One finished session as the ring keeps it. */
struct past_session {
    uint32_t start_s;   /* epoch seconds */
    uint32_t length_ms; /* saturating */
    uint8_t tail;       /* code of the duration of the last track, which the length counts */
    double gap_s;       /* from the last start of the session before */
};

/** What the ring will say of user->previous (which there must be) once it is folded. */
struct past_session history_previous(const struct user_layout *layout,
                                     const struct user_state *user);

/** Sessions in the ring: at most W and at most `most`, the latest. @return how many; out[0] is the
 * oldest of them */
size_t history_ring(const struct user_layout *layout, const struct user_state *user, size_t most,
                    struct past_session *out);

/** What the step ring will say of a session. @param pace history's pace before that session */
struct step_entry step_entry_of(const struct session_sums *session, double pace);

/** The 13 raw step inputs of a finished session, from what the rings keep of it. */
void step_inputs(const struct past_session *session, const struct step_entry *entry,
                 float out[STEP_INPUTS]);

/** Updates running statistics by one finished session. */
void history_stats_fold(struct history_stats *stats, const struct session_sums *session);

/** Folds user->previous, if there is one, for good: statistics, rings, sketches. Leaves previous as
 * it is. */
void history_fold_previous(const struct user_layout *layout, struct user_state *user);

/** Hour of the day of epoch milliseconds, fractional, 0 .. 24; and whether it is a Saturday or
 * Sunday. UTC. */
double hour_of_day(int64_t ms);
bool is_weekend(int64_t ms);

#endif
