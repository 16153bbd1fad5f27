/* words.h - names as words of a vocabulary: stripped and lower-cased as Python's str.strip and
 * str.lower do it (Unicode white space; full case mapping with the final sigma), which is what
 * pandas, Polars and the re-implemented system say of them. core/names.h compares names by a
 * cheaper mapping; the two differ only in letters such as the dotted I. Source of the mapping:
 * libunistring. */
#ifndef OUTRO_PREPARE_WORDS_H
#define OUTRO_PREPARE_WORDS_H

#include <stddef.h>

#include "core/err.h"
#include "core/scrobble.h"

/* A buffer that grows, for one thread. */
struct word_buffer {
    char *data; /* from malloc, caller frees */
    size_t capacity;
};

/** The word of name. @param name valid UTF-8  @param out borrowed from buffer until the next call
 *  @return 0, -1 with ERR_MEMORY */
int word_of(struct slice name, struct word_buffer *buffer, struct slice *out,
            struct err *err) MUST_CHECK;

#endif
