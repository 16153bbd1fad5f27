/* field_marks.h - where the fields and lines of a table end: tabs, line ends and NULs (which no
 * line may hold), as bits, 64 bytes at a time. Header only. */
#ifndef OUTRO_PREPARE_FIELD_MARKS_H
#define OUTRO_PREPARE_FIELD_MARKS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { FIELD_MARKS_BYTES = 64 };

/** Bit i: byte i is one. @param size at most FIELD_MARKS_BYTES */
static inline uint64_t field_marks_some(const char *text, size_t size)
{
    uint64_t marks = 0;
    for (size_t i = 0; i < size; i++)
        marks |= (uint64_t)(text[i] == '\t' || text[i] == '\n' || text[i] == '\0') << i;
    return marks;
}

/** As field_marks_some, of FIELD_MARKS_BYTES bytes. */
static inline uint64_t field_marks(const char *text)
{
#ifdef __SSE2__
    uint64_t marks = 0;
    for (size_t i = 0; i < FIELD_MARKS_BYTES; i += sizeof(__m128i)) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
        __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t')),
                                                  _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'))),
                                     _mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
        marks |= (uint64_t)(uint32_t)_mm_movemask_epi8(found) << i;
    }
    return marks;
#else
    return field_marks_some(text, FIELD_MARKS_BYTES);
#endif
}

#endif
