/* hash.h - 64-bit hashes of bytes for tables and sketches. Not for adversaries, never stored across
 * versions of the state format. Header has the mixers; hash.c the byte hash (multiply-fold over
 * 8-byte words). */
#ifndef OUTRO_CORE_HASH_H
#define OUTRO_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

/** The finaliser of splitmix64: a bijection that spreads every bit of x over the result. */
static inline uint64_t hash_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/** Hash of size bytes; chain calls by passing the last result as seed. */
uint64_t hash_bytes(const void *data, size_t size, uint64_t seed);

#endif
