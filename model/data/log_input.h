/* log_input.h - the records of a log one by one, whatever they are packed in: lines, the elements
 * of a JSON array or values over several lines (json_cutter.h), pages (log_page.h), archives of
 * such files (log_archive.h), all of it compressed or not (byte_source.h). What the packing is, the
 * first block of a file tells:
 * - a zip, tar or tar in xz is an archive;
 * - `[` before an object or an end is an array;
 * - `{` whose first line ends in the middle of it is JSON over several lines, unless it breaks off
 *   inside a token, with another object below;
 * - all else is lines, and a line may be a page. */
#ifndef OUTRO_DATA_LOG_INPUT_H
#define OUTRO_DATA_LOG_INPUT_H

#include <stdbool.h>

#include "data/byte_source.h"

struct log_record {
    struct slice text; /* borrowed until the next call */
    struct slice user; /* whom its page or archive names, borrowed as text; size 0: nobody */
    const char *file;  /* path, or ARCHIVE:MEMBER; borrowed as text */
    uint64_t line;     /* from 1: where it begins, or where its page does */
    uint64_t element;  /* from 1: which one of its array or page; 0 when it is a line */
    bool is_first;     /* it is the first line of its file */
    bool is_history;   /* out of a page, an array or an archive: in no order that it arrived in */
    const char *bad;   /* why it is none that can be read (then text is empty), else NULL */
};

struct log_input;

/** @param path borrowed for the life of the input  @param table the caller knows that it is a
 * table: lines, whatever they look like  @return new, or NULL: ERR_IO, ERR_INPUT, ERR_MEMORY */
struct log_input *log_input_open(const char *path, bool table, struct err *err) MUST_CHECK;

/** The same over any bytes, called name (borrowed for the life of the input). */
struct log_input *log_input_over(struct byte_input bytes, const char *name, bool table,
                                 struct err *err) MUST_CHECK;

/** @return 1, 0 at the end, -1 with err: damaged, cut off, ERR_IO, ERR_MEMORY */
int log_input_next(struct log_input *input, struct log_record *out, struct err *err) MUST_CHECK;

/** The file as a whole: how much of it is read, how much it is, how it is called. */
const struct byte_source *log_input_source(const struct log_input *input);

void log_input_free(struct log_input *input); /* NULL is fine */

#endif
