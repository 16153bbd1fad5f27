/* checkpoint.h - the file that a training is resumed from: written beside its name, brought to the
 * disk and renamed, so that whoever is killed at any time leaves a whole one. */
#ifndef OUTRO_CLI_CHECKPOINT_H
#define OUTRO_CLI_CHECKPOINT_H

#include <stddef.h>

#include "core/err.h"

/** @return 0, or -1 with ERR_IO; then the file of before still stands */
int checkpoint_write(const char *path, const void *bytes, size_t size, struct err *err) MUST_CHECK;
/** @param bytes new, caller frees  @return 0, or -1 with ERR_IO, ERR_MEMORY */
int checkpoint_read(const char *path, void **bytes, size_t *size, struct err *err) MUST_CHECK;

#endif
