/* timer_heap.h - timers of open sessions, the earliest first: a binary heap. Stale ones are never
 * taken out; whoever takes one looks at its session again. */
#ifndef OUTRO_STREAM_TIMER_HEAP_H
#define OUTRO_STREAM_TIMER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t due_ms;
    uint32_t user, session;
};

struct timer_heap {
    struct timer *timer; /* (capacity) */
    size_t count, capacity;
};

void timer_heap_release(struct timer_heap *heap);
/** Room for one more. @return 0, -1 when memory is out */
int timer_heap_reserve(struct timer_heap *heap);
/** Needs room. */
void timer_heap_push(struct timer_heap *heap, struct timer timer);
/** Takes the earliest, if it is due before (strictly) ms. @return true with *out */
bool timer_heap_pop(struct timer_heap *heap, int64_t ms, struct timer *out);

#endif
