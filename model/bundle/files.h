/* files.h - whole files of a directory that is held open, so that a reader sees one bundle although
 * its name is given to another meanwhile. Errors name the file, not the directory: callers put that
 * before it. */
#ifndef OUTRO_BUNDLE_FILES_H
#define OUTRO_BUNDLE_FILES_H

#include <stddef.h>

#include "core/err.h"

/** Reads a regular file. @param dir open directory  @param size_max more is refused  @param bytes
 * new, caller frees; one NUL behind them  @return 0, or -1: ERR_IO, ERR_INPUT (not a regular file,
 * too large), ERR_MEMORY */
int file_read(int dir, const char *name, size_t size_max, void **bytes, size_t *size,
              struct err *err) MUST_CHECK;

/** Writes a new file and brings it to the disk. @return 0, or -1 with ERR_IO (it may be there in
 * part) */
int file_write(int dir, const char *name, const void *bytes, size_t size,
               struct err *err) MUST_CHECK;

/** The same for a file that may be there: written beside path and renamed, so that the name means a
 * whole file at all times. @return 0, or -1 with ERR_IO, ERR_INPUT (path is too long); path is as
 * it was */
int file_replace(const char *path, const void *bytes, size_t size, struct err *err) MUST_CHECK;

#endif
