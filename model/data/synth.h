/* synth.h - invented listening histories of any size, from a seed, with the shape of Last.fm-1K:
 * some 22 tracks a session, session lengths Weibull-like (pooled k about .8, scale spread
 * log-normally between users), hours and weekdays per user, Zipf-like artists. Scrobbles come in
 * event-time order across users; same options, same bytes. Times are whole seconds. About a fifth
 * of the tracks carry their duration. */
#ifndef OUTRO_DATA_SYNTH_H
#define OUTRO_DATA_SYNTH_H

#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"
#include "data/profiles.h"
#include "data/synth_names.h"

#define SYNTH_USERS_MAX 10000000

struct synth_options {
    uint64_t seed;
    uint64_t rows;                   /* scrobbles to make */
    uint32_t users;                  /* who make them: 1 .. SYNTH_USERS_MAX */
    struct event_time start;         /* of the first day */
    uint32_t sessions_per_day_milli; /* mean sessions a user and day, in thousandths; 0 = 1500 */
};

struct synth;

/** @return new, or NULL: ERR_USAGE (so many rows for so few users that their lives end after 2099),
 * ERR_MEMORY (about 250 bytes a user) */
struct synth *synth_new(const struct synth_options *options, struct err *err) MUST_CHECK;
/** Next scrobble; slices live until the next call. @return 1, 0 when `rows` are made */
int synth_next(struct synth *synth, struct scrobble *out) MUST_CHECK;
/* A scrobble before it is written out. */
struct synth_play {
    uint32_t user, time_s; /* epoch seconds */
    struct synth_track track;
};
/** synth_next in two steps. @return 1, 0 when `rows` are made */
int synth_next_play(struct synth *synth, struct synth_play *out) MUST_CHECK;
/** @param out its slices live until the next call of either */
void synth_open_play(struct synth *synth, const struct synth_play *play, struct scrobble *out);

/** What the profile file says of a user, 0 .. users - 1; most know little of themselves. */
void synth_profile(const struct synth *synth, uint32_t user, struct profile *out);
/** The tracks made so far whose duration is known, one a call: artist, track and duration_ms of out
 * are set, and live until the next call. @param cursor 0 at first, then as it was left  @return 1,
 * 0 when there are no more */
int synth_next_duration(struct synth *synth, uint64_t *cursor, struct scrobble *out) MUST_CHECK;
void synth_free(struct synth *synth); /* NULL is fine */

#endif
