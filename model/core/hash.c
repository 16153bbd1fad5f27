#include "core/hash.h"

#include <string.h>

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The 1 to 7 bytes at p as a number, least significant first, without the call that copying so many
 * would be: what overlaps is the same in both halves. */
static inline uint64_t short_word(const unsigned char *p, size_t size)
{
    if (size >= 4) {
        uint32_t low, high;
        memcpy(&low, p, sizeof low);
        memcpy(&high, p + size - sizeof high, sizeof high);
        return low | (uint64_t)high << 8 * (size - sizeof high);
    }
    size_t middle = size / 2, last = size - 1;
    return p[0] | (uint64_t)p[middle] << 8 * middle | (uint64_t)p[last] << 8 * last;
}

uint64_t hash_bytes(const void *data, size_t size, uint64_t seed)
{
    const unsigned char *p = data;
    uint64_t h = seed ^ UINT64_C(0x9e3779b97f4a7c15) ^ size;
    while (size >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = fold(h ^ word, UINT64_C(0xd6e8feb86659fd93));
        p += 8;
        size -= 8;
    }
    if (size > 0)
        h = fold(h ^ short_word(p, size), UINT64_C(0xa0761d6478bd642f));
    return hash_mix(h);
}
