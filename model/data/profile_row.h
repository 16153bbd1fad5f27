/* profile_row.h - a row of a file of users' profiles for clustering (user_profile_cluster.csv of
 * the re-implemented system): a user and eleven numbers, separated by tabs or commas, no header.
 * The user is a number there, "4.0", and was user_000004; any other id is kept as it is. */
#ifndef OUTRO_DATA_PROFILE_ROW_H
#define OUTRO_DATA_PROFILE_ROW_H

#include "core/err.h"
#include "core/scrobble.h"

#define PROFILE_NUMBERS 11 /* in the order of enum user_column of cluster/user_column.h */

struct profile_row {
    char user_id[USER_ID_MAX + 1];
    double number[PROFILE_NUMBERS]; /* finite */
};

/** @return 0, or -1 with ERR_INPUT: what is wrong, without file and line */
int profile_row_parse(struct slice line, struct profile_row *out, struct err *err) MUST_CHECK;

#endif
