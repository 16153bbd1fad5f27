/* isolated.h - runs work in a child process, so that a library that breaks over a damaged file
 * breaks there: the command says so in one sentence and ends as it should. */
#ifndef OUTRO_CLI_ISOLATED_H
#define OUTRO_CLI_ISOLATED_H

#include <stddef.h>

#include "core/err.h"

/* @param bytes new, what the work made  @return 0, or -1 with err */
typedef int isolated_work(void *context, unsigned char **bytes, size_t *size, struct err *err);

/** Runs work in a child that has these seconds of processor time and no standard streams, and
 * hands over what it made. @param bytes new, caller frees  @return 0; or -1: with the error of the
 * work; ERR_INPUT when the child was ended by a signal or the limit; ERR_IO, ERR_MEMORY */
int isolated_run(isolated_work *work, void *context, unsigned seconds, unsigned char **bytes,
                 size_t *size, struct err *err) MUST_CHECK;

#endif
