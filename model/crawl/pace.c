#include "crawl/pace.h"

#include <assert.h>

void pace_init(struct pace *pace, double rate_per_s, int64_t now_ms)
{
    assert(rate_per_s > 0);
    *pace = (struct pace){.tokens_per_ms = rate_per_s / 1000,
                          .tokens_max = rate_per_s > 10 ? rate_per_s / 10 : 1,
                          .tokens = 1,
                          .filled_ms = now_ms,
                          .hold_ms = now_ms};
}

int64_t pace_wait_ms(struct pace *pace, int64_t now_ms)
{
    if (now_ms > pace->filled_ms) {
        pace->tokens += (double)(now_ms - pace->filled_ms) * pace->tokens_per_ms;
        if (pace->tokens > pace->tokens_max)
            pace->tokens = pace->tokens_max;
        pace->filled_ms = now_ms;
    }
    int64_t wait_ms = pace->hold_ms > now_ms ? pace->hold_ms - now_ms : 0;
    if (pace->tokens < 1) {
        /* Rounded up, so that waiting as long as this says is always enough. */
        int64_t token_ms = 1 + (int64_t)((1 - pace->tokens) / pace->tokens_per_ms);
        wait_ms = token_ms > wait_ms ? token_ms : wait_ms;
    }
    return wait_ms;
}

void pace_take(struct pace *pace)
{
    assert(pace->tokens >= 1);
    pace->tokens -= 1;
}

void pace_hold(struct pace *pace, int64_t until_ms)
{
    if (until_ms > pace->hold_ms)
        pace->hold_ms = until_ms;
}

int64_t backoff_ms(unsigned failures, int64_t base_ms, struct random *random)
{
    assert(failures > 0 && base_ms >= 0);
    int64_t limit_ms = base_ms < BACKOFF_MAX_MS ? base_ms : BACKOFF_MAX_MS;
    while (--failures > 0 && limit_ms < BACKOFF_MAX_MS)
        limit_ms = 2 * limit_ms < BACKOFF_MAX_MS ? 2 * limit_ms : BACKOFF_MAX_MS;
    return (int64_t)random_below(random, (uint64_t)limit_ms + 1);
}
