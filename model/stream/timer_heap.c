#include "stream/timer_heap.h"

#include <assert.h>
#include <stdlib.h>

#include "core/array.h"

void timer_heap_release(struct timer_heap *heap)
{
    free(heap->timer);
    *heap = (struct timer_heap){0};
}

int timer_heap_reserve(struct timer_heap *heap)
{
    void *timers = array_grow(heap->timer, &heap->capacity, heap->count + 1, sizeof *heap->timer);
    if (!timers)
        return -1;
    heap->timer = timers;
    return 0;
}

void timer_heap_push(struct timer_heap *heap, struct timer timer)
{
    assert(heap->count < heap->capacity);
    size_t at = heap->count++;
    while (at > 0 && heap->timer[(at - 1) / 2].due_ms > timer.due_ms) {
        heap->timer[at] = heap->timer[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->timer[at] = timer;
}

bool timer_heap_pop(struct timer_heap *heap, int64_t ms, struct timer *out)
{
    if (heap->count == 0 || heap->timer[0].due_ms >= ms)
        return false;
    *out = heap->timer[0];
    struct timer last = heap->timer[--heap->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && heap->timer[child + 1].due_ms < heap->timer[child].due_ms)
            child++;
        if (heap->timer[child].due_ms >= last.due_ms)
            break;
        heap->timer[at] = heap->timer[child];
        at = child;
    }
    heap->timer[at] = last;
    return true;
}
