/* bench_clock.h - how the net's benchmarks time: processor time of this thread, so that others on
 * the machine do not count; a call is repeated for about 5 ms a round, short enough to fall between
 * their slices now and then, and the fastest of many rounds counts. Header only. */
#ifndef OUTRO_BENCH_CLOCK_H
#define OUTRO_BENCH_CLOCK_H

#include <math.h>
#include <stddef.h>
#include <time.h>

#define BENCH_ROUNDS   30
#define BENCH_ROUND_NS 5e6

static inline double bench_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/** @return nanoseconds a call */
static inline double bench_measure(void (*run)(void *ctx), void *ctx)
{
    run(ctx); /* warm */
    double begin = bench_now_ns();
    run(ctx);
    size_t repeats = (size_t)(BENCH_ROUND_NS / (bench_now_ns() - begin)) + 1;
    double best = (double)INFINITY;
    for (int round = 0; round < BENCH_ROUNDS; round++) {
        begin = bench_now_ns();
        for (size_t i = 0; i < repeats; i++)
            run(ctx);
        best = fmin(best, (bench_now_ns() - begin) / (double)repeats);
    }
    return best;
}

#endif
