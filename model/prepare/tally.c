#include "prepare/tally.h"

#include <stdlib.h>

#include "core/array.h"
#include "core/big_alloc.h"

int tally_init(struct tally *tally, uint32_t numbers, struct err *err)
{
    *tally = (struct tally){.counts = big_zeros((numbers + (size_t)1) * sizeof *tally->counts)};
    return tally->counts ? 0 : err_set(err, ERR_MEMORY, "out of memory for %u counts", numbers);
}

void tally_clear(struct tally *tally)
{
    free(tally->counts);
    free(tally->seen);
}

void tally_forget(struct tally *tally)
{
    for (size_t i = 0; i < tally->seen_count; i++)
        tally->counts[tally->seen[i]] = 0;
    tally->seen_count = 0;
}

bool tally_add(struct tally *tally, uint32_t number)
{
    if (tally->counts[number] == 0) {
        uint32_t *seen =
            array_grow(tally->seen, &tally->seen_capacity, tally->seen_count + 1, sizeof *seen);
        if (!seen)
            return false;
        tally->seen = seen;
        seen[tally->seen_count++] = number;
    }
    tally->counts[number]++;
    return true;
}

uint32_t tally_top(const struct tally *tally)
{
    uint32_t top = tally->seen[0];
    for (size_t i = 1; i < tally->seen_count; i++)
        if (tally->counts[tally->seen[i]] > tally->counts[top])
            top = tally->seen[i];
    return top;
}
