/* log.h - a listening history of any readable form, in event-time order across users, in bounded
 * memory. Forms, recognised by content (log_format.h): the Last.fm-1K table; JSON of our own, of
 * ListenBrainz, Last.fm and Spotify, as lines, arrays, pages or archives (log_input.h); plain, gzip
 * or zstd; "-" is standard input. Ties keep the order of the input. Logs that do not fit the memory
 * budget are sorted in runs that are spilled to unlinked temporary files and merged. */
#ifndef OUTRO_DATA_LOG_H
#define OUTRO_DATA_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "core/scrobble.h"
#include "data/durations.h"
#include "data/log_reader.h"

enum log_order {
    LOG_BY_TIME,   /* ascending event time across users, ties in input order */
    LOG_AS_ARRIVED /* JSON lines in the order they stand: what a topic held. All other forms are
                    * histories, in no order that anything arrived in: by time all the same */
};

struct log_options {
    enum log_order order;
    enum log_form
        form;         /* LOG_FORM_ANY: as each record says; else what is of another is a bad row */
    const char *user; /* borrowed, may be NULL: 1 .. USER_ID_MAX bytes, whose a record is that names
                       * nobody, and neither does its page or archive */
    bool strict;      /* a bad row is an error instead of being counted */
    size_t memory_bytes; /* budget of the sort; 0 = 1 GiB */
    const struct durations
        *durations;   /* borrowed, may be NULL: fills duration_ms where a row has none */
    FILE *complaints; /* borrowed, may be NULL: the first 20 bad rows, with file, line and reason */
    /* Called about every 100,000 rows while reading, may be NULL; bytes of the (compressed) input
     * read so far, and its size (0 when unknown). */
    void (*progress)(void *ctx, uint64_t rows, uint64_t bytes, uint64_t total_bytes);
    void *progress_ctx;
};

struct log;

/** Opens, reads and sorts. @return new log, or NULL: ERR_IO, ERR_INPUT (strict; no recognisable
 * form; damaged or cut off; it names no user and neither do the options), ERR_MEMORY */
struct log *log_open(const char *path, const struct log_options *options,
                     struct err *err) MUST_CHECK;

/** Next scrobble in order; its slices live until the next call. @return 1, 0 at the end, -1 with
 * err */
int log_next(struct log *log, struct scrobble *out, struct err *err) MUST_CHECK;

/** Back to the first scrobble; cheap (nothing is read or sorted again). @return 0, -1 with err */
int log_rewind(struct log *log, struct err *err) MUST_CHECK;

struct log_counts log_counts(const struct log *log);

void log_free(struct log *log); /* NULL is fine */

#endif
