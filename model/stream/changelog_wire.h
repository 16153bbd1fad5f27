/* changelog_wire.h - numbers as bytes and back, little-endian: fixed widths and varints (seven bits
 * a byte, the least first, the high bit set on all but the last; signed ones folded, 0 -1 1 -2 ..).
 * Writing needs room; reading past the end, or a varint longer than it need be, spoils the reader
 * for good, so that one look at `bad` in the end suffices. Header only. */
#ifndef OUTRO_STREAM_CHANGELOG_WIRE_H
#define OUTRO_STREAM_CHANGELOG_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VARINT32_MAX 5 /* bytes */
#define VARINT64_MAX 10

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they lie");

static inline uint8_t *put_bytes(uint8_t *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

static inline uint8_t *put_fixed(uint8_t *at, uint64_t value, size_t size)
{
    return put_bytes(at, &value, size);
}

static inline uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static inline uint8_t *put_signed(uint8_t *at, int64_t value)
{
    return put_varint(at, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

struct wire_reader {
    const uint8_t *at, *end;
    bool bad;
};

static inline void take_bytes(struct wire_reader *in, void *out, size_t size)
{
    if ((size_t)(in->end - in->at) < size) {
        in->bad = true;
        memset(out, 0, size);
        return;
    }
    memcpy(out, in->at, size);
    in->at += size;
}

static inline uint64_t take_fixed(struct wire_reader *in, size_t size)
{
    uint64_t value = 0;
    take_bytes(in, &value, size);
    return value;
}

static inline uint64_t take_varint(struct wire_reader *in, uint64_t most)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if (value > most || (byte == 0 && shift > 0) || (shift == 63 && byte > 1))
            break;
        return value;
    }
    in->bad = true;
    return 0;
}

static inline uint32_t take_u32(struct wire_reader *in)
{
    return (uint32_t)take_varint(in, UINT32_MAX);
}

static inline int64_t take_signed(struct wire_reader *in)
{
    uint64_t folded = take_varint(in, UINT64_MAX);
    return (int64_t)(folded >> 1 ^ (0 - (folded & 1)));
}

#endif
