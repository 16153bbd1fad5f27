/* row_parse.h - the lines of one block as rows. Pure. */
#ifndef OUTRO_PREPARE_ROW_PARSE_H
#define OUTRO_PREPARE_ROW_PARSE_H

#include "prepare/row_reader.h"

struct row_parse {
    struct log_parser parser;
    uint64_t line;   /* lines so far */
    bool skipping;   /* within a line that is too long */
    uint32_t *marks; /* (mark_count) where the block's fields and lines end; the owner frees them */
    size_t mark_count, mark_capacity;
};

/** Parses whole lines at the front of block into batch, and the last one without its end if it is
 * the end of the file.  @param used bytes that are done with  @return 0, -1 with ERR_MEMORY */
int row_parse_block(struct row_parse *parse, struct slice block, bool at_end,
                    struct row_batch *batch, size_t *used, struct err *err) MUST_CHECK;

#endif
