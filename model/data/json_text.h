/* json_text.h - JSON text written straight into a buffer: strings, integers, and decimals with a
 * fixed unit. Each function writes at p and returns the place behind what it wrote; the caller has
 * made sure of the room (JSON_ESCAPED_MAX bytes for each byte of a string, JSON_NUMBER_MAX for a
 * number). Header only: the hot path of every published record. */
#ifndef OUTRO_DATA_JSON_TEXT_H
#define OUTRO_DATA_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/scrobble.h"
#include "data/json_scan.h"

#define JSON_ESCAPED_MAX 6 /* bytes that one byte of a string can become: \u0001 */
#define JSON_NUMBER_MAX  24

/** Writes a string literal as it stands; its size is known when compiling. */
#define json_put_literal(p, literal)                                                               \
    ((char *)memcpy((p), "" literal, sizeof(literal) - 1) + (sizeof(literal) - 1))

static inline char *json_put_escape(char *p, char byte)
{
    static const char hex[] = "0123456789abcdef";
    *p++ = '\\';
    switch (byte) {
    case '"':
    case '\\':
        *p++ = byte;
        break;
    case '\n':
        *p++ = 'n';
        break;
    case '\r':
        *p++ = 'r';
        break;
    case '\t':
        *p++ = 't';
        break;
    default:
        p = json_put_literal(p, "u00");
        *p++ = hex[(unsigned char)byte >> 4];
        *p++ = hex[byte & 15];
    }
    return p;
}

/** The text in quotes; valid UTF-8 passes as it is. */
static inline char *json_put_string(char *p, struct slice text)
{
    const char *from = text.data;
    const char *end = text.data + text.size;
    *p++ = '"';
    while (from < end) {
        const char *stop = json_scan_plain(from, end);
        size_t plain = (size_t)(stop - from);
        memcpy(p, from, plain);
        p += plain;
        from = stop;
        while (from < end && !json_is_plain(*from)) {
            if ((unsigned char)*from >= 0x80)
                *p++ = *from++;
            else
                p = json_put_escape(p, *from++);
        }
    }
    *p++ = '"';
    return p;
}

static inline char *json_put_unsigned(char *p, uint64_t value)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    char digits[20];
    char *first = digits + sizeof digits;
    while (value >= 100) {
        first -= 2;
        memcpy(first, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        first -= 2;
        memcpy(first, pairs + 2 * value, 2);
    } else {
        *--first = (char)('0' + value);
    }
    size_t size = (size_t)(digits + sizeof digits - first);
    memcpy(p, first, size);
    return p + size;
}

static inline char *json_put_integer(char *p, int64_t value)
{
    if (value >= 0)
        return json_put_unsigned(p, (uint64_t)value);
    *p++ = '-';
    return json_put_unsigned(p, UINT64_C(0) - (uint64_t)value);
}

/** value / unit as the shortest exact decimal. @param unit 100 or 1000 */
static inline char *json_put_decimal(char *p, int64_t value, unsigned unit)
{
    uint64_t size = value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
    if (value < 0)
        *p++ = '-';
    p = json_put_unsigned(p, size / unit);
    unsigned rest = (unsigned)(size % unit);
    if (rest)
        *p++ = '.';
    while (rest) {
        unit /= 10;
        *p++ = (char)('0' + rest / unit);
        rest %= unit;
    }
    return p;
}

#endif
