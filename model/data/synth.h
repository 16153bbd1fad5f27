/* synth.h - invented listening histories of any size, from a seed, with the shape of Last.fm-1K: about 24 tracks a session,
 * session lengths Weibull (k .83 within a user, scale spread log-normally between users), hours and weekdays per user,
 * Zipf-like artists. Scrobbles come in event-time order across users; same options, same bytes. */
#ifndef OUTRO_DATA_SYNTH_H
#define OUTRO_DATA_SYNTH_H

#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"

struct synth_options {
    uint64_t seed;
    uint64_t rows;            /* scrobbles to make */
    uint32_t users;           /* who make them */
    struct event_time start;  /* of the first day */
    uint32_t sessions_per_day_milli; /* mean sessions a user and day, in thousandths; 0 = 1500 */
};

struct synth;

struct synth *synth_new(const struct synth_options *options, struct err *err) MUST_CHECK;
/** Next scrobble; slices live until the next call. @return 1, 0 when `rows` are made */
int synth_next(struct synth *synth, struct scrobble *out) MUST_CHECK;
void synth_free(struct synth *synth);

#endif
