/* past_lengths.h - a user's finished lengths so far: what baselines say of the next. Zero to begin.
 */
#ifndef OUTRO_STREAM_PAST_LENGTHS_H
#define OUTRO_STREAM_PAST_LENGTHS_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct past_lengths {
    int64_t *ms; /* (count) owned, ascending */
    size_t count, capacity;
    double sum_s;
};

/** @return 0, -1 with ERR_MEMORY */
int past_lengths_add(struct past_lengths *past, int64_t ms, struct err *err) MUST_CHECK;
void past_lengths_release(struct past_lengths *past);

/** Both of at least one length, seconds. */
double past_lengths_mean_s(const struct past_lengths *past);
double past_lengths_median_s(const struct past_lengths *past);

#endif
