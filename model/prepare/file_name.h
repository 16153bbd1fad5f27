/* file_name.h - a user's id as the name of a file: any byte that a path could be misled by is
 * written as %XX, so that an id from a log never leaves its folder. Pure. */
#ifndef OUTRO_PREPARE_FILE_NAME_H
#define OUTRO_PREPARE_FILE_NAME_H

#include "core/scrobble.h"

#define FILE_NAME_MAX (3 * USER_ID_MAX + 1)

/** @param id NUL-terminated, at most USER_ID_MAX bytes  @param out NUL-terminated */
void file_name_of(const char *id, char out[FILE_NAME_MAX]);

#endif
