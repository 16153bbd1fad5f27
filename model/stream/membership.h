/* membership.h - which cluster of a bundle a user is in. It lasts: it is part of the user's record,
 * decided when a session opens (or when another bundle takes over) and never in between, so that
 * replay, restart and daemon agree on every move.
 *
 * - someone whom the bundle lists: the listed cluster
 * - someone else: none (the global net) until they have finished params.cluster_min_sessions, then
 *   the nearest by the columns that the record keeps (user_columns.h)
 * - from there on looked at again every params.cluster_recheck_sessions; who is listed, from the
 *   sessions on that they had when the list was made. Who has come nearer to another cluster by a
 *   tenth of the distance moves. Without that margin, people at a border would change nets to and
 *   fro */
#ifndef OUTRO_STREAM_MEMBERSHIP_H
#define OUTRO_STREAM_MEMBERSHIP_H

#include <stdbool.h>

#include "bundle/bundle.h"
#include "stream/params.h"
#include "stream/user_state.h"

#define CLUSTER_MARGIN .1 /* of the distance to the own cluster */

/** Whether people can be placed by that column: their records keep it. */
bool membership_keeps(enum user_column column);

/** Decides, and writes it into the record; call it with the session that opened already in
 * user->current.
 *  @param clusters of the bundle that serves  @param opened whether the session opened just now
 *  @return whether the user moved: to another cluster of the same bundle, or to the nearest as one
 * who was in none and is not listed */
bool membership_update(const struct stream_params *params, const struct user_layout *layout,
                       const struct bundle_clusters *clusters, struct user_state *user,
                       bool opened);

#endif
