/* temp_file.h - a temporary file without a name: in $TMPDIR, else /tmp, and gone when the process
 * ends, however it ends. */
#ifndef OUTRO_DATA_TEMP_FILE_H
#define OUTRO_DATA_TEMP_FILE_H

#include "core/err.h"

/** The folder of temporary files; borrowed from the environment. */
const char *temp_file_folder(void);

/** @return descriptor, open for reading and writing, or -1 with ERR_IO */
int temp_file_open(struct err *err) MUST_CHECK;

#endif
