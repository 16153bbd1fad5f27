/* pace.h - how fast a crawl may ask, and how long it waits before it asks again. Times are
 * milliseconds of one monotonic clock, given by the caller. Pure.
 * Source: token bucket; exponential backoff with full jitter (M. Brooker, AWS Architecture Blog,
 * 2015). */
#ifndef OUTRO_CRAWL_PACE_H
#define OUTRO_CRAWL_PACE_H

#include <stdint.h>

#include "core/random.h"

#define BACKOFF_MAX_MS (60 * 1000)

/* A bucket of a tenth of a second's tokens, of one at least: at 5 a second requests are 200 ms
 * apart. */
struct pace {
    double tokens_per_ms, tokens, tokens_max;
    int64_t filled_ms; /* when tokens was last brought up to date */
    int64_t hold_ms;   /* nothing before that time */
};

/** Caller's memory. @param rate_per_s > 0 */
void pace_init(struct pace *pace, double rate_per_s, int64_t now_ms);

/** How long until a request may go; 0: now. */
int64_t pace_wait_ms(struct pace *pace, int64_t now_ms);

/** A request goes; pace_wait_ms has said 0 at the same time. */
void pace_take(struct pace *pace);

/** Nothing goes before until_ms. */
void pace_hold(struct pace *pace, int64_t until_ms);

/** Uniform in 0 .. min(BACKOFF_MAX_MS, base_ms * 2^(failures - 1)). @param failures so far, > 0 */
int64_t backoff_ms(unsigned failures, int64_t base_ms, struct random *random);

#endif
