/* prepare_rejected.h - rejected.tsv: every bad row of the log, its line and the reason; there if
 * there is one. */
#ifndef OUTRO_CLI_PREPARE_REJECTED_H
#define OUTRO_CLI_PREPARE_REJECTED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "prepare/output.h"

struct prepare_rejected {
    int folder;           /* borrowed, open; the rest begins as zero */
    bool begun;           /* a row came */
    struct output output; /* once it did */
    int status;           /* -1 with err: it cannot be written */
    struct err err;
};

/** For struct history_options. */
void prepare_rejected_put(void *rejected, uint64_t line, const char *reason);

/** Gives the file its name if all of the log was read, else removes it. @param status of reading:
 * 0, or -1 with err  @return 0, -1 with err */
int prepare_rejected_end(struct prepare_rejected *rejected, int status, struct err *err) MUST_CHECK;

#endif
