/* json_scan.h - the inner loop of reading JSON strings: how far they are plain ASCII. Header only,
 * so that it is inlined. Two versions that a test holds against each other: SSE2 (every x86-64) and
 * eight bytes in a word (everywhere else). Neither reads a byte at or past end. */
#ifndef OUTRO_DATA_JSON_SCAN_H
#define OUTRO_DATA_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/** What may stand between the quotes of a JSON string as it is and is ASCII. */
static inline bool json_is_plain(char byte)
{
    unsigned char u = (unsigned char)byte;
    return u >= 0x20 && u < 0x80 && u != '"' && u != '\\';
}

static inline const char *json_scan_bytes(const char *p, const char *end)
{
    while (p < end && json_is_plain(*p))
        p++;
    return p;
}

/* Non-zero exactly when a byte of the word is not plain. Source: Bit Twiddling Hacks, S. E.
 * Anderson: "hasless". */
static inline uint64_t json_word_has_special(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    uint64_t quote = word ^ (ones * '"');
    uint64_t backslash = word ^ (ones * '\\');
    uint64_t hits = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                    ((word - ones * 0x20) & ~word) | word;
    return hits & tops;
}

/** The first byte of [p, end) that is not plain, or end. */
static inline const char *json_scan_plain_words(const char *p, const char *end)
{
    uint64_t word;
    while (end - p >= (ptrdiff_t)sizeof word) {
        memcpy(&word, p, sizeof word);
        if (json_word_has_special(word))
            break;
        p += sizeof word;
    }
    return json_scan_bytes(p, end);
}

#ifdef __SSE2__
/** The first byte of [p, end) that is not plain, or end. */
static inline const char *json_scan_plain(const char *p, const char *end)
{
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    while (end - p >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        // Signed: below the space are the control characters and everything that is not ASCII.
        __m128i hits = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
            _mm_cmplt_epi8(bytes, space));
        int mask = _mm_movemask_epi8(hits);
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
        p += 16;
    }
    return json_scan_plain_words(p, end);
}
#else
static inline const char *json_scan_plain(const char *p, const char *end)
{
    return json_scan_plain_words(p, end);
}
#endif

#endif
