/* random.h - a seeded generator for initial weights, shuffles and dropout: the same seed gives the
 * same bits anywhere. Not for secrets. Source: xoshiro256**, D. Blackman and S. Vigna, 2018; seeded
 * by splitmix64. */
#ifndef OUTRO_CORE_RANDOM_H
#define OUTRO_CORE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state[4];
};

/** Caller's memory. Streams of one seed are independent of each other: give each consumer a number
 * of its own. */
void random_init(struct random *random, uint64_t seed, uint64_t stream);

/** 64 random bits. */
uint64_t random_bits(struct random *random);

/** Uniform in [0, 1), 53 bits. */
double random_uniform(struct random *random);

/** Uniform in 0 .. bound - 1, without bias. @param bound > 0 */
uint64_t random_below(struct random *random, uint64_t bound);

/** Fisher-Yates over count values. */
void random_shuffle(struct random *random, uint32_t *values, size_t count);

#endif
