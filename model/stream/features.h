/* features.h - what the model sees, computed in double from a user's state (model/PREDICTOR.md).
 * Pure. FEATURE_TABLE (feature_table.h) has name, unit and formula of each. */
#ifndef OUTRO_STREAM_FEATURES_H
#define OUTRO_STREAM_FEATURES_H

#include "nn/predictor.h"
#include "stream/history.h"
#include "stream/sessionizer.h"

#define START_PACE 10 /* which start feature `pace` is */

/** The 14 start features of user->current.
 *  @param stats the history with user->previous folded in  @param past (count) oldest first,
 * previous included */
void features_start(const struct user_state *user, const struct history_stats *stats,
                    const struct past_session *past, size_t count, double out[START_FEATURES]);

/** The 16 live features after the latest scrobble of user->current.
 *  @param memory of that scrobble  @param play that scrobble  @param pace the start feature
 *  @param kernel_s, running_s remaining seconds of the two KMs */
void features_live(const struct user_state *user, const struct play *play,
                   const struct play_memory *memory, double pace, const double kernel_s[QUANTILES],
                   const double running_s[QUANTILES], double out[LIVE_FEATURES]);

#endif
