/* partitioner.h - where a Java producer (and kcat -X partitioner=murmur2_random) puts a key: the
 * partition that an offline replay must use to see what a daemon saw. Source: MurmurHash2, A.
 * Appleby; Kafka's DefaultPartitioner. */
#ifndef OUTRO_CORE_PARTITIONER_H
#define OUTRO_CORE_PARTITIONER_H

#include <stddef.h>
#include <stdint.h>

/** MurmurHash2 with the seed Kafka uses (0x9747b28c). */
uint32_t murmur2(const void *key, size_t size);

/** Partition of key among count (> 0): (murmur2 & 0x7fffffff) % count. */
static inline uint32_t partition_of(const void *key, size_t size, uint32_t count)
{
    return (murmur2(key, size) & 0x7fffffffu) % count;
}

#endif
