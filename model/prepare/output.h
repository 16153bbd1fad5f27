/* output.h - a file that is written beside its final name and renamed when it is whole, so that
 * nothing half-written ever stands under it; and a piece of such a file, made by one thread while
 * others make those before and behind it. Not synced to the disk: what a power cut takes shows in
 * the size. */
#ifndef OUTRO_PREPARE_OUTPUT_H
#define OUTRO_PREPARE_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"
#include "prepare/decimal.h"

struct output {
    char *data; /* what is not written yet: used of capacity bytes */
    size_t used, capacity;
    uint64_t written; /* bytes in the file */
    char *path;       /* final */
    int folder;       /* borrowed; path is relative to it */
    int fd;
    struct output *into;           /* of a piece: the file; NULL for a file */
    void (*await_turn)(void *ctx); /* of a piece: returns when all before it is in the file */
    void *turn_ctx;
    int error; /* errno of the first write that failed; said by output_commit */
};

/** Opens path + ".part" in an open folder. Caller's memory; output_abandon it whatever happens.
 *  @return 0, -1: ERR_IO, ERR_MEMORY */
int output_open(struct output *output, int folder, const char *path, struct err *err) MUST_CHECK;
/** Gives the file its name. @return 0, -1 with ERR_IO */
int output_commit(struct output *output, struct err *err) MUST_CHECK;
/** Removes what was not committed, and frees. May be called twice. */
void output_abandon(struct output *output);

/** A piece, which grows in memory up to some megabytes and then waits for its turn.
 *  @return 0, -1 with ERR_MEMORY */
int output_piece(struct output *piece, struct err *err) MUST_CHECK;
/** Sets a piece to the next stretch of a file; await_turn is called with ctx when it cannot grow.
 */
void output_piece_begin(struct output *piece, struct output *into, void (*await_turn)(void *ctx),
                        void *ctx);
/** Puts a piece into its file. Its turn has come. */
void output_piece_end(struct output *piece);

/** Makes room: writes what is in the buffer. A failure is kept and said by output_commit. */
void output_flush(struct output *output);
/** Bytes of any number into a file, past its buffer. */
void output_write(struct output *output, const char *data, size_t size);

/** Room for size bytes, at most 64 KiB, put there by the caller, who then adds them to used. */
static inline char *output_room(struct output *output, size_t size)
{
    if (output->capacity - output->used < size)
        output_flush(output);
    return output->data + output->used;
}

static inline void output_char(struct output *output, char c)
{
    *output_room(output, 1) = c;
    output->used++;
}

static inline void output_int(struct output *output, int64_t value)
{
    output->used += decimal_put_int(value, output_room(output, DECIMAL_MAX));
}

static inline void output_repr(struct output *output, double value)
{
    output->used += decimal_put_repr(value, output_room(output, DECIMAL_MAX));
}

/** @param text at most 64 KiB, as all names are */
void output_text(struct output *output, struct slice text);
/** In double quotes, those inside doubled. */
void output_quoted(struct output *output, struct slice text);

/** Makes a folder of an open one, with those above it; it may be there. @return 0, -1 with ERR_IO
 */
int output_folder(int folder, const char *path, struct err *err) MUST_CHECK;

#endif
