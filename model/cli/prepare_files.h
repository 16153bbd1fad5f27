/* prepare_files.h - what lies in a folder of `outro prepare`, by size: its files, and the folders
 * of files a user as one. */
#ifndef OUTRO_CLI_PREPARE_FILES_H
#define OUTRO_CLI_PREPARE_FILES_H

#include <jansson.h>

#include "prepare/prepare.h"

/** [{"path", "files", "size_bytes"}, ...] of a stage's paths. @return new; NULL with ERR_IO,
 * ERR_MEMORY */
json_t *prepare_files_of(int folder, const struct prepare_stage *stage, struct err *err) MUST_CHECK;

/** Whether all is there still as prepare_files_of said it. */
bool prepare_files_are(int folder, const json_t *paths);

/** @return 0, or -1 with ERR_INPUT when a file of any stage is there: nobody knows of what */
int prepare_files_refuse(int folder, struct err *err) MUST_CHECK;

#endif
