/* user_columns.h - a user as the columns that people are grouped by, from what the state keeps of
 * them: the same numbers for whoever clusters a log and for the daemon that assigns the same users
 * later. Pure. */
#ifndef OUTRO_STREAM_USER_COLUMNS_H
#define OUTRO_STREAM_USER_COLUMNS_H

#include <stdbool.h>

#include "cluster/user_column.h"
#include "data/profiles.h"
#include "stream/user_state.h"

/** Whether user_columns() knows this one. Not: ids of vocabularies (country, top artist, top track)
 * and rows, which nobody keeps. */
bool user_columns_has(enum user_column column);

/** Finished sessions are those folded into the history, `previous`, and `current` once it is
 * closed. Lengths are seconds, exact to the millisecond.
 *
 *     total_sessions           finished sessions
 *     average_session_length   of all of them; 0 without one
 *     max, median              of the last W folded ones (the ring, where lengths saturate at 49
 *                              days), `previous`, and `current` once closed; the median of an even
 *                              number is the mean of the middle two; 0 without one
 *     gender, age, registered  as the profile says; -1, 0, 0 where it does not
 *
 * @param profile NULL: none  @param out by column; NAN where user_columns_has() says no  */
void user_columns(const struct user_layout *layout, const struct user_state *user,
                  const struct profile *profile, double out[USER_COLUMNS]);

/** Finished sessions, as above. */
uint32_t user_finished_sessions(const struct user_state *user);

#endif
