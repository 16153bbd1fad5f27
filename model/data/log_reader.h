/* log_reader.h - the scrobbles of a log of any readable form, in the order they stand, and what is
 * wrong with the others. Who wants them in event-time order opens a log (log.h). */
#ifndef OUTRO_DATA_LOG_READER_H
#define OUTRO_DATA_LOG_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"
#include "data/byte_source.h"
#include "data/log_format.h"

struct log_counts {
    uint64_t rows;     /* good rows */
    uint64_t rejected; /* bad rows, counted and set aside */
    uint64_t skipped; /* records of what is no listen: still playing, an episode, played for 0 ms */
};

struct log_row {
    bool is_good;
    struct scrobble scrobble; /* of a good row; its slices live until the next call */
    struct err reason;        /* of a bad one: why */
    const char *file;         /* path, or ARCHIVE:MEMBER; borrowed until the next call */
    uint64_t line;            /* from 1 */
    bool as_arrived; /* it stands where it arrived: a line of JSON. Else it is out of a table, an
                      * array, a page or an archive: a history in any order */
};

struct log_reader;

/** @param path borrowed for the life of the reader  @param user borrowed for the life of the
 * reader, may be NULL: whose a record is that names nobody, and neither does its page or archive; 1
 * .. USER_ID_MAX bytes  @param strict a bad row is an error
 * @return new, or NULL: ERR_IO, ERR_INPUT, ERR_MEMORY */
struct log_reader *log_reader_open(const char *path, enum log_form form, const char *user,
                                   bool strict, struct err *err) MUST_CHECK;

/** The same over any bytes, called name (borrowed for the life of the reader). */
struct log_reader *log_reader_over(struct byte_input bytes, const char *name, enum log_form form,
                                   const char *user, bool strict, struct err *err) MUST_CHECK;

/** Next row, good or bad. @return 1; 0 at the end; -1 with err: ERR_IO, ERR_MEMORY, ERR_INPUT
 * (strict; damaged or cut off; it names no user and neither did the caller; thousands of rows, or
 * all of them, and none of them good) */
int log_reader_next(struct log_reader *reader, struct log_row *row, struct err *err) MUST_CHECK;

/** Of the rows so far. */
struct log_counts log_reader_counts(const struct log_reader *reader);

/** The file as a whole: how much of it is read, how much it is, how it is called. */
const struct byte_source *log_reader_source(const struct log_reader *reader);

void log_reader_free(struct log_reader *reader); /* NULL is fine */

#endif
