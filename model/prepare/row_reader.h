/* row_reader.h - the rows of a table (Last.fm-1K), parsed in a thread of its own some blocks ahead
 * of the caller, without a copy and without an allocation a row: a batch of rows points into its
 * block. Lines that are no plain row go through data/log_format.h, which alone refuses. */
#ifndef OUTRO_PREPARE_ROW_READER_H
#define OUTRO_PREPARE_ROW_READER_H

#include <stdbool.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/scrobble.h"
#include "data/byte_source.h"
#include "data/log_format.h"
#include "prepare/key_index.h"

enum { ROW_READER_BATCHES = 8 };

/* Small, since a block has thousands of them, which go from one thread's cache to another's: the
 * texts lie behind `text` one after the other, the user's id first. */
struct parsed_row {
    const char *text;
    int64_t time_ms;
    uint64_t key_high; /* of catalog_key() */
    uint32_t key_low;
    uint32_t duration_ms; /* 0: unknown */
    uint16_t user_size, mbid_at, mbid_size, artist_at, artist_size, track_at, track_size;
};

struct rejected_row {
    uint64_t line;
    const char *reason; /* in the batch's texts */
};

struct row_batch {
    struct parsed_row *rows;
    size_t count, capacity;
    struct rejected_row *rejects; /* (rejected) bad lines */
    size_t rejected, reject_capacity;
    uint64_t skipped;   /* records of what is no listen */
    uint64_t offset;    /* bytes of the file read so far */
    struct arena texts; /* of rows that do not point into the block, and reasons */
};

struct row_reader;

/** Takes the source's blocks from now on. @param source opened for ROW_READER_BATCHES calls,
 * borrowed; the caller leaves it alone  @param first its first block, already taken
 *  @param parser copied; its scratch is used by the thread  @return new, or NULL: ERR_MEMORY,
 * ERR_IO (no thread) */
struct row_reader *row_reader_new(struct byte_source *source, struct slice first,
                                  const struct log_parser *parser, struct err *err) MUST_CHECK;

/** The next batch, in the order of the file; borrowed until the next call. @return 1, 0 at the end,
 * -1 with err */
int row_reader_next(struct row_reader *reader, const struct row_batch **batch,
                    struct err *err) MUST_CHECK;

/** Stops the thread, wherever it is. NULL is fine. */
void row_reader_free(struct row_reader *reader);

static inline struct index_key parsed_row_key(const struct parsed_row *row)
{
    return (struct index_key){row->key_high, row->key_low};
}

static inline struct slice parsed_row_user(const struct parsed_row *row)
{
    return (struct slice){row->text, row->user_size};
}

/** Of the artist; may be empty. */
static inline struct slice parsed_row_mbid(const struct parsed_row *row)
{
    return (struct slice){row->text + row->mbid_at, row->mbid_size};
}

static inline struct slice parsed_row_artist(const struct parsed_row *row)
{
    return (struct slice){row->text + row->artist_at, row->artist_size};
}

static inline struct slice parsed_row_track(const struct parsed_row *row)
{
    return (struct slice){row->text + row->track_at, row->track_size};
}

/** Whether a file that begins so is a table for certain: a row or a header first. */
bool row_reader_reads(struct slice first, const struct log_parser *parser);

#endif
