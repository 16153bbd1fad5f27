#include "stream/pool.h"

#include <stdlib.h>

#include "nn/train_set.h"

struct weighted {
    int64_t ms;
    double weight;
};

static int by_length(const void *a, const void *b)
{
    int64_t x = ((const struct weighted *)a)->ms, y = ((const struct weighted *)b)->ms;
    return (x > y) - (x < y);
}

int pool_make(const struct session_lengths *lengths, int64_t *pool_ms, struct err *err)
{
    size_t total = 0, users = 0;
    for (size_t u = 0; u < lengths->users; u++) {
        size_t training = train_sessions(lengths->user[u].count);
        total += training;
        users += training > 0;
    }
    if (users == 0)
        return err_set(err, ERR_INPUT,
                       "no user has two finished sessions: nothing to learn lengths from");
    struct weighted *values = malloc(total * sizeof *values);
    if (!values)
        return err_set(err, ERR_MEMORY, "out of memory for %zu training lengths", total);
    size_t n = 0;
    for (size_t u = 0; u < lengths->users; u++) {
        size_t training = train_sessions(lengths->user[u].count);
        for (size_t k = 0; k < training; k++)
            values[n++] = (struct weighted){lengths->user[u].ms[k], 1.0 / (double)training};
    }
    qsort(values, total, sizeof *values, by_length);
    double cumulated = values[0].weight;
    size_t at = 0;
    for (int i = 0; i < POOL_VALUES; i++) {
        double target = (i + .5) / POOL_VALUES * (double)users;
        while (cumulated < target && at + 1 < total)
            cumulated += values[++at].weight;
        int64_t ms = values[at].ms;
        pool_ms[i] = ms > UINT32_MAX ? UINT32_MAX : ms; /* what the ring can hold */
    }
    free(values);
    return 0;
}
