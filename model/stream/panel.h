/* panel.h - the start features that a net may have beside those of all nets: what panel models of
 * listening use (model/PREDICTOR.md). From the same state: the running total and the ring. Pure. */
#ifndef OUTRO_STREAM_PANEL_H
#define OUTRO_STREAM_PANEL_H

#include "bundle/feature_names.h"
#include "data/holidays.h"
#include "stream/history.h"

/** Parts of the day, by a session's start hour: 5 to 12, 12 to 17, 17 to 22, else. UTC.
 *  @return 0 .. 3 */
int band_of(double hour);

/** The features of user->current that are in panel, in their order; only those are computed.
 *  @param stats the history with user->previous folded in  @param past (count) oldest first,
 * previous included  @param holidays needed for PANEL_HOLIDAY alone  @param out as many as panel
 * has
 */
void panel_features(uint32_t panel, const struct user_state *user,
                    const struct history_stats *stats, const struct past_session *past,
                    size_t count, const struct holidays *holidays, double *out);

#endif
