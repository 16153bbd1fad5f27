#include "core/hash.h"

#include <string.h>

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
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
    if (size > 0) {
        uint64_t word = 0;
        memcpy(&word, p, size);
        h = fold(h ^ word, UINT64_C(0xa0761d6478bd642f));
    }
    return hash_mix(h);
}
