/* sessionizer.h - groups one user's scrobbles into sessions by event time, and says of each where
 * it belongs. Pure: no clock, no I/O, no allocation. Source: session windows, Akidau et al., The
 * Dataflow Model, VLDB 2015; the rule in order is that of the re-implemented system: diff from
 * start to start, d the duration of the earlier track (0 unknown), gap 1,800 s by default, strict:
 *
 * - diff <= d: the session goes on
 * - diff - d > gap: it ended at the earlier start + d, and the next one opens
 * - else: it goes on
 *
 * A session is due to close when stream time has moved more than the gap past both its end and the
 * stream time at which its last scrobble arrived, so that a bulk upload of an offline day is cut
 * into its true sessions. A scrobble older than the user's last one, with the latest session open:
 *
 * - inside it: counted, times unchanged
 * - before its start by no more than the gap: moves the start back
 * - within the gap of the session before: changes that one (if not later than allowed)
 *
 * and with the latest session closed, a scrobble of any time:
 *
 * - past its end by more than the gap: opens the next
 * - within the gap of it: reopens it (if not later than allowed)
 *
 * Otherwise it is late. Sessions never overlap: what is not behind the last scrobble of the session
 * before belongs to that one, or is late. One that bridges two sessions does not merge them: it
 * moves the later one's start back, so two published sessions can be closer than the gap. */
#ifndef OUTRO_STREAM_SESSIONIZER_H
#define OUTRO_STREAM_SESSIONIZER_H

#include "core/session.h"
#include "stream/history.h"
#include "stream/user_state.h"

enum placement {
    PLACE_OPENS,     /* closes what is open and opens the next session */
    PLACE_CONTINUES, /* in order, in the open session */
    PLACE_INSIDE,    /* behind the open session's last scrobble */
    PLACE_BEFORE,    /* before the open session's start */
    PLACE_REOPENS,   /* the latest session, which was closed, goes on */
    PLACE_PREVIOUS,  /* changes the session before the open one */
    PLACE_DUPLICATE,
    PLACE_LATE
};

/** The rule in order: whether a play opens the next session. @param diff_ms from the start of the
 * play before to this one's, >= 0  @param duration_ms d, of the play before; 0 unknown */
bool session_rule_opens(int64_t diff_ms, int64_t duration_ms, int64_t gap_ms);

/* One scrobble as the sessionizer needs it. */
struct play {
    struct event_time time;
    int64_t duration_ms;    /* 0 unknown */
    uint32_t track, artist; /* hashes of the compared names; a track's covers its artist */
};

/** Where play belongs. @param stream_time of the partition, this scrobble included */
enum placement sessionizer_place(const struct stream_params *params, const struct user_state *user,
                                 const struct play *play, struct event_time stream_time);

/** Makes room for the next session: folds the one before the latest into the history, moves the
 * latest there (it must be closed) and starts an empty one at play. Its first scrobble is counted
 * by sessionizer_count as every other. */
void sessionizer_open(const struct user_layout *layout, struct user_state *user,
                      const struct play *play);

/* What the sketches knew of a scrobble's track and artist before it. */
struct play_memory {
    struct sketch_counts track, artist;
};

/** Counts play in a session (the open one, or the previous one for PLACE_PREVIOUS): sums, times,
 * sketches, fingerprint. */
struct play_memory sessionizer_count(const struct user_layout *layout, struct user_state *user,
                                     struct session_sums *session, const struct play *play,
                                     struct event_time stream_time);

/** Stream time past which (strictly) the open session is due to close. */
struct event_time sessionizer_due(const struct stream_params *params,
                                  const struct session_sums *session);

/** Whether a user is forgotten: no session open, and nothing heard for params->ttl_ms of stream
 * time. It depends on nothing else, so that it makes no difference when the memory is taken back.
 */
bool sessionizer_forgets(const struct stream_params *params, const struct user_state *user,
                         struct event_time stream_time);

/** The record that is published of a session. */
void sessionizer_record(const struct user_state *user, const struct session_sums *session,
                        struct session *out);

#endif
