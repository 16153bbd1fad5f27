/* clocks.h - the two clocks of a daemon: the wall, to compare with event times, and the monotonic
 * one, for intervals and deadlines. Only daemon/ reads clocks. Header only. */
#ifndef OUTRO_DAEMON_CLOCKS_H
#define OUTRO_DAEMON_CLOCKS_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

static inline int64_t monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

static inline int64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#endif
