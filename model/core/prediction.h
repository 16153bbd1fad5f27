/* prediction.h - how long a running session will last, said right after a scrobble of it
 * (schemas/prediction.json). A value. Quantiles are of the *total* length in seconds, sorted, never
 * below the elapsed time. */
#ifndef OUTRO_CORE_PREDICTION_H
#define OUTRO_CORE_PREDICTION_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/event_time.h"
#include "core/scrobble.h"

#define QUANTILES       3 /* levels .1 .5 .9 */
#define QUANTILE_MEDIAN 1

struct prediction {
    char user_id[USER_ID_MAX + 1];
    struct event_time time; /* of the scrobble */
    uint32_t session;       /* number of the session, from 1 */
    struct event_time session_start;
    uint32_t scrobble;                  /* number of the scrobble in the session, from 1 */
    int64_t elapsed_ms;                 /* last start so far - session start */
    int64_t previous_session_length_ms; /* 0 in the first session */
    int64_t average_session_length_cs;  /* hundredths of a second, rounded half away from zero; 0 in
                                           the first session */
    double total_s[QUANTILES];          /* p10, p50, p90; the outer two NAN under a net that
                                           gives a single value */
    int32_t cluster;                    /* of the bundle, that the user is in; -1: none */
    const char *model;                  /* borrowed: the version of the bundle that said so */
};

/** Are there outer quantiles, or the median alone? */
static inline bool prediction_has_interval(const struct prediction *prediction)
{
    return !isnan(prediction->total_s[0]);
}

#endif
