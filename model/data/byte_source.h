/* byte_source.h - the bytes of a file, or of standard input ("-"), in large page-aligned blocks;
 * gzip and zstd are told by content and decoded (byte_decoder.h) in a thread of the source's own,
 * a few blocks ahead of the caller. A plain file is read in the caller's thread, straight into the
 * block: no copy, no map.
 *
 * Who looks for lines takes the tail of a block that is not used up yet along into the next:
 *
 *     struct slice block;                          // in front: the tail that was kept
 *     size_t keep = 0;
 *     while ((status = byte_source_next(source, keep, &block, err)) > 0)
 *         keep = block.size - used(block);
 *     // keep bytes are left at the end of the last block
 *
 * A block stays as it is for as many calls as was asked for when the source was opened, so that
 * other threads may work on it meanwhile. Calls themselves come from one thread. */
#ifndef OUTRO_DATA_BYTE_SOURCE_H
#define OUTRO_DATA_BYTE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"
#include "data/byte_decoder.h"

#define BYTE_SOURCE_BLOCK_BYTES ((size_t)1 << 20)
#define BYTE_SOURCE_KEEP_MAX    ((size_t)4 << 20) /* of a block, into the next */

struct byte_source;

/* Sees the bytes of a file as they are read, compressed or not, in whichever thread reads. */
struct byte_watch {
    void (*seen)(void *ctx, const void *bytes, size_t size);
    void *ctx;
};

/** @param path borrowed for the life of the source  @param blocks for how many calls a block stays:
 * 1 = until the next  @param watch copied; NULL: nobody watches  @return new, or NULL: ERR_IO,
 * ERR_INPUT (damaged at once), ERR_MEMORY */
struct byte_source *byte_source_open(const char *path, size_t blocks,
                                     const struct byte_watch *watch, struct err *err) MUST_CHECK;

/** The same over any input, in the caller's thread alone; each block stays until the next call.
 * @param name for messages, borrowed for the life of the source */
struct byte_source *byte_source_over(struct byte_input input, const char *name,
                                     struct err *err) MUST_CHECK;

/** Next block: the last `keep` bytes of the one before, then 1 .. BYTE_SOURCE_BLOCK_BYTES new ones.
 * @param keep at most that block's size and BYTE_SOURCE_KEEP_MAX  @param block borrowed
 * @return 1; 0 at the end, block untouched and the last one still there; -1 with err: ERR_IO,
 * ERR_INPUT (damaged or truncated) */
int byte_source_next(struct byte_source *source, size_t keep, struct slice *block,
                     struct err *err) MUST_CHECK;

/** Bytes of the file (compressed, if it is) read so far. */
uint64_t byte_source_offset(const struct byte_source *source);
/** Size of the file in bytes; 0 when that is not known (a pipe). */
uint64_t byte_source_size(const struct byte_source *source);
/** How the input is called in messages: its path, or "standard input". Borrowed. */
const char *byte_source_name(const struct byte_source *source);

void byte_source_free(struct byte_source *source); /* NULL is fine; blocks are gone */

#endif
