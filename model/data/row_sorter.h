/* row_sorter.h - scrobbles in, the same scrobbles out in ascending event time, equal times in the
 * order they came. Rows are packed into memory up to a budget; beyond it, sorted runs go to one
 * unlinked temporary file (in $TMPDIR, else /tmp) and are merged while they are read back. What
 * fits the budget never touches the disk. Source: external merge sort, D. Knuth, TAOCP 3, 5.4. */
#ifndef OUTRO_DATA_ROW_SORTER_H
#define OUTRO_DATA_ROW_SORTER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/scrobble.h"

/* A smaller budget is taken for this. */
#define ROW_SORTER_MIN_BYTES (1024 * 1024)

struct row_sorter;

/** @param by_time false: no sorting, rows come out as they came in
 *  @param memory_bytes what rows, keys and buffers may take together  @return new, NULL when memory
 * is out */
struct row_sorter *row_sorter_new(bool by_time, size_t memory_bytes);

/** Copies the row in; its time is valid (event_time.h), its duration at most DURATION_MAX_MS.
 *  @return 0; -1: ERR_MEMORY, ERR_IO (the temporary file), ERR_INPUT (a text over 65,535 bytes) */
int row_sorter_add(struct row_sorter *sorter, const struct scrobble *row,
                   struct err *err) MUST_CHECK;

/** No more rows come; call once, then row_sorter_next gives the first. @return 0, -1 with err */
int row_sorter_finish(struct row_sorter *sorter, struct err *err) MUST_CHECK;

/** @param out its slices live until the next call  @return 1, 0 at the end, -1 with err */
int row_sorter_next(struct row_sorter *sorter, struct scrobble *out, struct err *err) MUST_CHECK;

/** Back to the first row. @return 0, -1 with err */
int row_sorter_rewind(struct row_sorter *sorter, struct err *err) MUST_CHECK;

/** Sorted runs in the temporary file; 0 when everything is in memory. */
size_t row_sorter_runs(const struct row_sorter *sorter);

void row_sorter_free(struct row_sorter *sorter); /* NULL is fine */

#endif
