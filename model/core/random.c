#include "core/random.h"

#include <assert.h>

#include "core/hash.h"

#define GOLDEN_RATIO UINT64_C(0x9e3779b97f4a7c15)

static uint64_t rotate_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

void random_init(struct random *random, uint64_t seed, uint64_t stream)
{
    /* Mixed twice, so that neither near seeds nor near streams give near states. */
    uint64_t x = hash_mix(seed + GOLDEN_RATIO) ^ hash_mix(hash_mix(stream + 1) + GOLDEN_RATIO);
    for (int i = 0; i < 4; i++) {
        x += GOLDEN_RATIO;
        random->state[i] = hash_mix(x);
    }
    random->state[0] |= 1; /* never all zero */
}

uint64_t random_bits(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double random_uniform(struct random *random)
{
    return (double)(random_bits(random) >> 11) * 0x1p-53;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    assert(bound > 0);
    /* The lowest 2^64 mod bound values would make small results likelier: draw again. */
    uint64_t reject = (0 - bound) % bound;
    uint64_t x;
    do
        x = random_bits(random);
    while (x < reject);
    return x % bound;
}

void random_shuffle(struct random *random, uint32_t *values, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)random_below(random, i);
        uint32_t swap = values[i - 1];
        values[i - 1] = values[j];
        values[j] = swap;
    }
}
