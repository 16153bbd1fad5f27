/* byte_decoder.h - bytes as they were before they were compressed. Plain, gzip (several members one
 * behind the other) and zstd (several frames) are told by content. What ends too early or is
 * damaged is an error, never a shorter file. Sources: RFC 1952 by zlib, RFC 8878 by libzstd. */
#ifndef OUTRO_DATA_BYTE_DECODER_H
#define OUTRO_DATA_BYTE_DECODER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

/* Where bytes come from: a file, a member of an archive, memory. */
struct byte_input {
    void *ctx; /* borrowed */
    /** Puts up to room bytes, at least one, at into. @return 1, 0 at the end, -1 with err */
    int (*read)(void *ctx, char *into, size_t room, size_t *got, struct err *err);
};

struct byte_decoder;

/** Reads the head of the input, to see what it is. @param name what the input is called in
 * messages, borrowed for the life of the decoder  @return new, or NULL: ERR_INPUT (bzip2, which is
 * not read), ERR_MEMORY, or what the input said */
struct byte_decoder *byte_decoder_new(struct byte_input input, const char *name,
                                      struct err *err) MUST_CHECK;

/** Whether there is something to decode. */
bool byte_decoder_is_compressed(const struct byte_decoder *decoder);

/** Fills into with room bytes; with fewer only at the end. @return 0, or -1 with err: ERR_INPUT
 * (damaged or truncated), or what the input said */
int byte_decoder_read(struct byte_decoder *decoder, char *into, size_t room, size_t *got,
                      struct err *err) MUST_CHECK;

void byte_decoder_free(struct byte_decoder *decoder); /* NULL is fine */

#endif
