/* crc32c.h - CRC-32C (Castagnoli, reflected 0x82f63b78), as Kafka and iSCSI use it. */
#ifndef OUTRO_CORE_CRC32C_H
#define OUTRO_CORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** Checksum of size bytes; chain calls by passing the last result as seed (0 at first). */
uint32_t crc32c(const void *data, size_t size, uint32_t seed);

#endif
