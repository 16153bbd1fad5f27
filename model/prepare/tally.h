/* tally.h - how often each of many numbers came, and in which order they first did. */
#ifndef OUTRO_PREPARE_TALLY_H
#define OUTRO_PREPARE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct tally {
    uint32_t *counts; /* by number */
    uint32_t *seen;   /* (seen_count) in the order they first came */
    size_t seen_count, seen_capacity;
};

/** For numbers below `numbers`. Caller's memory. @return 0, -1 with ERR_MEMORY */
int tally_init(struct tally *tally, uint32_t numbers, struct err *err) MUST_CHECK;
void tally_clear(struct tally *tally);

/** Back to nothing; costs what was seen. */
void tally_forget(struct tally *tally);
/** @return false when memory is out */
bool tally_add(struct tally *tally, uint32_t number) MUST_CHECK;
/** Brings a number's count near before it is added to. */
static inline void tally_prefetch(const struct tally *tally, uint32_t number)
{
    __builtin_prefetch(&tally->counts[number], 1);
}

/** The number that came most, the first of equals. Something was added. */
uint32_t tally_top(const struct tally *tally);

#endif
