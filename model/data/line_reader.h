/* line_reader.h - the lines of a file, plain, gzip or zstd, or of standard input ("-"), on
 * byte_source.h. LF and CRLF, a missing last newline and a byte order mark are understood. */
#ifndef OUTRO_DATA_LINE_READER_H
#define OUTRO_DATA_LINE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"
#include "data/byte_source.h"

/* A longer line is skipped and said to be too long: it is no row and no page of any log that we
 * read. */
#define LINE_MAX_BYTES ((int)BYTE_SOURCE_KEEP_MAX)

struct line {
    struct slice text; /* without its end; borrowed until the next call; may hold any byte but LF */
    uint64_t number;   /* from 1 */
    bool too_long;     /* more than LINE_MAX_BYTES: text is empty */
};

struct line_reader;

/** @param path borrowed for the life of the reader @return new reader, or NULL: ERR_IO, ERR_INPUT
 * (damaged at once), ERR_MEMORY */
struct line_reader *line_reader_open(const char *path, struct err *err) MUST_CHECK;

/** Over a source whose first block the caller has looked at already (size 0: there is none).
 * @param source borrowed for the life of the reader, no longer the caller's to read from */
struct line_reader *line_reader_over(struct byte_source *source, struct slice first,
                                     struct err *err) MUST_CHECK;

/** Next line. @return 1, 0 at the end, -1 with err: ERR_IO, ERR_INPUT (damaged or truncated gzip or
 * zstd) */
int line_reader_next(struct line_reader *reader, struct line *out, struct err *err) MUST_CHECK;

/** Bytes of the file (compressed, if it is) taken so far. */
uint64_t line_reader_offset(const struct line_reader *reader);
/** Size of the file in bytes; 0 when that is not known (a pipe). */
uint64_t line_reader_size(const struct line_reader *reader);
/** How the input is called in messages: its path, or "standard input". Borrowed. */
const char *line_reader_name(const struct line_reader *reader);

void line_reader_free(struct line_reader *reader); /* NULL is fine */

/** Splits a line at its tabs. @param fields filled up to max @return how many fields there are,
 * also when more than max */
size_t line_split(struct slice line, struct slice *fields, size_t max);

/** A field as one finite number. @return false when it is not that and nothing else */
bool line_real(struct slice field, double *out);

/** How much of a bad text a message may show: its printable ASCII front, at most 40 bytes; for
 * "%.*s". */
int line_printable(struct slice text);

#endif
