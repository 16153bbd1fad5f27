#include "stream/past_lengths.h"

#include <stdlib.h>
#include <string.h>

#include "core/array.h"

/* Where a length belongs: behind those that are not longer. */
static size_t place_of(const struct past_lengths *past, int64_t ms)
{
    size_t low = 0, high = past->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (past->ms[middle] <= ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int past_lengths_add(struct past_lengths *past, int64_t ms, struct err *err)
{
    void *grown = array_grow(past->ms, &past->capacity, past->count + 1, sizeof *past->ms);
    if (!grown)
        return err_set(err, ERR_MEMORY, "out of memory for %zu lengths", past->count + 1);
    past->ms = grown;
    size_t at = place_of(past, ms);
    memmove(past->ms + at + 1, past->ms + at, (past->count - at) * sizeof *past->ms);
    past->ms[at] = ms;
    past->count++;
    past->sum_s += (double)ms / 1000.0;
    return 0;
}

void past_lengths_release(struct past_lengths *past)
{
    free(past->ms);
    *past = (struct past_lengths){0};
}

double past_lengths_mean_s(const struct past_lengths *past)
{
    return past->sum_s / (double)past->count;
}

double past_lengths_median_s(const struct past_lengths *past)
{
    return ((double)past->ms[(past->count - 1) / 2] + (double)past->ms[past->count / 2]) / 2000.0;
}
