/* event_time.h - when something happened, as the event itself says: UTC milliseconds since 1970.
 * A type of its own, so that it cannot be subtracted from a wall clock by accident. Header only. */
#ifndef OUTRO_CORE_EVENT_TIME_H
#define OUTRO_CORE_EVENT_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct event_time {
    int64_t ms;
};

#define EVENT_TIME_NEVER ((struct event_time){INT64_MIN})

/* What is taken for a time at all: 1970-01-01 to 2099-12-31T23:59:59.999Z. The upper end keeps
 * seconds in 32 bits. */
#define EVENT_TIME_END_MS INT64_C(4102444800000)

static inline bool event_time_valid(struct event_time t)
{
    return t.ms >= 0 && t.ms < EVENT_TIME_END_MS;
}

static inline int64_t event_time_diff_ms(struct event_time later, struct event_time earlier)
{
    return later.ms - earlier.ms;
}

static inline struct event_time event_time_add_ms(struct event_time t, int64_t ms)
{
    return (struct event_time){t.ms + ms};
}

static inline bool event_time_before(struct event_time a, struct event_time b)
{
    return a.ms < b.ms;
}

static inline struct event_time event_time_max(struct event_time a, struct event_time b)
{
    return a.ms > b.ms ? a : b;
}

#endif
