/* watch.h - what the engine is waiting for. Calls that may block for as long as a broker is away
 * are wrapped in watch_begin and watch_end; the admin loop looks at it, turns /live red, and in the
 * end leaves the process with a reason rather than let it hang. One writer, one reader. Header
 * only. */
#ifndef OUTRO_DAEMON_WATCH_H
#define OUTRO_DAEMON_WATCH_H

#include <stdatomic.h>
#include <stdint.h>

#include "daemon/clocks.h"

struct watch {
    _Atomic int64_t since_ms;    /* monotonic; 0: waiting for nothing */
    _Atomic(const char *) doing; /* static text */
};

/** @param doing what the operator reads, static */
static inline void watch_begin(struct watch *watch, const char *doing)
{
    atomic_store(&watch->doing, doing);
    atomic_store(&watch->since_ms, monotonic_ms());
}

static inline void watch_end(struct watch *watch)
{
    atomic_store(&watch->since_ms, 0);
}

/** How long it has been waiting; 0 when it is not. @param doing what for */
static inline int64_t watch_waited_ms(struct watch *watch, const char **doing)
{
    int64_t since_ms = atomic_load(&watch->since_ms);
    *doing = atomic_load(&watch->doing);
    return since_ms ? monotonic_ms() - since_ms : 0;
}

#endif
