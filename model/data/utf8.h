/* utf8.h - is it UTF-8? Well-formed as Unicode's table 3-7 says: no overlong forms, no surrogates,
 * nothing above U+10FFFF. Header only. */
#ifndef OUTRO_DATA_UTF8_H
#define OUTRO_DATA_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool utf8_is_tail(const char *p)
{
    return ((unsigned char)*p & 0xc0) == 0x80;
}

/** Bytes of the non-ASCII sequence at p (2 to 4), or 0 if it is ASCII, malformed or cut off by end.
 */
static inline size_t utf8_sequence(const char *p, const char *end)
{
    size_t left = (size_t)(end - p);
    unsigned char first = left ? (unsigned char)p[0] : 0;
    if (first < 0xc2) // ASCII, a stray tail, or an overlong C0/C1
        return 0;
    if (first < 0xe0)
        return left >= 2 && utf8_is_tail(p + 1) ? 2 : 0;
    if (left < 3 || !utf8_is_tail(p + 1) || !utf8_is_tail(p + 2))
        return 0;
    unsigned char second = (unsigned char)p[1];
    if (first < 0xf0) {
        bool overlong = first == 0xe0 && second < 0xa0;
        bool surrogate = first == 0xed && second >= 0xa0;
        return overlong || surrogate ? 0 : 3;
    }
    if (first > 0xf4 || left < 4 || !utf8_is_tail(p + 3))
        return 0;
    bool overlong = first == 0xf0 && second < 0x90;
    bool too_high = first == 0xf4 && second >= 0x90;
    return overlong || too_high ? 0 : 4;
}

/** Bytes at the front that are well-formed; size when all are. ASCII goes by words, four and one at
 * a time. */
static inline size_t utf8_valid_prefix(const char *data, size_t size)
{
    const char *p = data;
    const char *end = data + size;
    while (p < end) {
        const uint64_t high = UINT64_C(0x8080808080808080);
        uint64_t word[4];
        if (end - p >= (ptrdiff_t)sizeof word) {
            memcpy(word, p, sizeof word);
            if (!((word[0] | word[1] | word[2] | word[3]) & high)) {
                p += sizeof word;
                continue;
            }
        }
        if (end - p >= (ptrdiff_t)sizeof *word) {
            memcpy(word, p, sizeof *word);
            if (!(word[0] & high)) {
                p += sizeof *word;
                continue;
            }
        }
        if ((unsigned char)*p < 0x80) {
            p++;
            continue;
        }
        size_t length = utf8_sequence(p, end);
        if (!length)
            break;
        p += length;
    }
    return (size_t)(p - data);
}

#endif
