#include "core/crc32c.h"

#include <string.h>

/* Four bits at a time, for processors without an instruction for it. */
static const uint32_t nibble[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t by_table(const unsigned char *p, size_t size, uint32_t crc)
{
    while (size-- > 0) {
        crc ^= *p++;
        crc = (crc >> 4) ^ nibble[crc & 15];
        crc = (crc >> 4) ^ nibble[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_instruction(const unsigned char *p,
                                                                 size_t size, uint32_t crc)
{
    uint64_t wide = crc;
    for (; size >= sizeof wide; p += sizeof wide, size -= sizeof wide) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    while (size-- > 0)
        crc = __builtin_ia32_crc32qi(crc, *p++);
    return crc;
}

static uint32_t update(const unsigned char *p, size_t size, uint32_t crc)
{
    if (__builtin_cpu_supports("sse4.2"))
        return by_instruction(p, size, crc);
    return by_table(p, size, crc);
}

#else

static uint32_t update(const unsigned char *p, size_t size, uint32_t crc)
{
    return by_table(p, size, crc);
}

#endif

uint32_t crc32c(const void *data, size_t size, uint32_t seed)
{
    return ~update(data, size, ~seed);
}
