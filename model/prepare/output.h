/* output.h - a file that is written beside its final name and renamed when it is whole, so that
 * nothing half-written ever stands under it. Writes in large pieces. */
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
    int error; /* errno of the first write that failed; said by output_commit */
};

/** Opens path + ".part" in an open folder. Caller's memory; output_abandon it whatever happens.
 *  @return 0, -1: ERR_IO, ERR_MEMORY */
int output_open(struct output *output, int folder, const char *path, struct err *err) MUST_CHECK;
/** Brings the file to the disk and gives it its name. @return 0, -1 with ERR_IO */
int output_commit(struct output *output, struct err *err) MUST_CHECK;
/** Removes what was not committed, and frees. May be called twice. */
void output_abandon(struct output *output);

/** Writes what is in the buffer. A failure is kept and said by output_commit. */
void output_flush(struct output *output);
/** Bytes of any number, past the buffer. */
void output_write(struct output *output, const char *data, size_t size);

/** Room for size (at most 64 KiB) bytes, put there by the caller, who then adds them to used. */
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

void output_text(struct output *output, struct slice text);
/** In double quotes, those inside doubled. */
void output_quoted(struct output *output, struct slice text);

/** Makes a folder of an open one, with those above it; it may be there. @return 0, -1 with ERR_IO
 */
int output_folder(int folder, const char *path, struct err *err) MUST_CHECK;

#endif
