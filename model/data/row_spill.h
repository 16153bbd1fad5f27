/* row_spill.h - sorted runs of packed rows in one unlinked temporary file, and their merge.
 * The file is in $TMPDIR, else /tmp, and is gone when the process ends, however it ends. Equal
 * times come in the order of the runs, and within a run in its order. */
#ifndef OUTRO_DATA_ROW_SPILL_H
#define OUTRO_DATA_ROW_SPILL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "data/packed_row.h"

struct row_spill;

/** @param by_time false: the runs come out one behind the other  @return new, or NULL: ERR_IO,
 * ERR_MEMORY */
struct row_spill *row_spill_open(bool by_time, struct err *err) MUST_CHECK;

/** Appends a row to the run being written. @return 0; -1: ERR_IO, as when the disk is full */
int row_spill_write(struct row_spill *spill, const struct packed_row *row,
                    struct err *err) MUST_CHECK;
/** Ends the run being written. @return 0, -1 with err */
int row_spill_end_run(struct row_spill *spill, struct err *err) MUST_CHECK;

/** Ends the writing, once. @param memory_bytes for all read buffers together  @return 0, -1 with
 * err */
int row_spill_finish(struct row_spill *spill, size_t memory_bytes, struct err *err) MUST_CHECK;
/** To the first row of all; needed before the first row_spill_next. @return 0, -1 with err */
int row_spill_rewind(struct row_spill *spill, struct err *err) MUST_CHECK;
/** @param row borrowed until the next call  @return 1, 0 at the end, -1 with err */
int row_spill_next(struct row_spill *spill, const struct packed_row **row,
                   struct err *err) MUST_CHECK;

size_t row_spill_runs(const struct row_spill *spill);
void row_spill_free(struct row_spill *spill); /* NULL is fine */

#endif
