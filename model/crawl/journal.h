/* journal.h - what a crawl has learned so far: a file of records (record.h) that only grows. Each
 * is one write, so whoever is killed loses at most the line that was being written: it is cut off
 * when the journal is opened again. The last record of a track stands. One process at a time. */
#ifndef OUTRO_CRAWL_JOURNAL_H
#define OUTRO_CRAWL_JOURNAL_H

#include <stdint.h>

#include "core/err.h"
#include "crawl/record.h"

#define JOURNAL_NAME "crawl.journal"

struct journal;

struct journal_counts {
    uint64_t records;
    uint64_t damaged;    /* lines left out: their tracks are asked for again */
    uint64_t torn_bytes; /* of a last line without its end, cut off */
};

/** Opens the journal of a folder, or makes it, and shows every record that it has.
 *  @param dir open directory, borrowed  @param on_record the record is borrowed; offset is for
 * journal_read
 *  @return new journal, or NULL: ERR_IO, ERR_INPUT (the file is something else, or another crawl
 * has it open), ERR_MEMORY */
struct journal *
journal_open(int dir, void (*on_record)(void *ctx, const struct record *record, uint64_t offset),
             void *ctx, struct journal_counts *counts, struct err *err) MUST_CHECK;

/** Adds a record. After an error the file ends with the last whole record. @return 0, -1 ERR_IO */
int journal_append(struct journal *journal, const struct record *record, uint64_t *offset,
                   struct err *err) MUST_CHECK;

/** A record again. @param out to be released by record_release @return 0, -1 ERR_IO */
int journal_read(struct journal *journal, uint64_t offset, struct record *out,
                 struct err *err) MUST_CHECK;

/** Brings all of it to the disk. @return 0, -1 ERR_IO */
int journal_sync(struct journal *journal, struct err *err) MUST_CHECK;

void journal_close(struct journal *journal); /* NULL is fine */

#endif
