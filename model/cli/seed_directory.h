/* seed_directory.h - a prepared directory in the form of the re-implemented system, read whole:
 * summary/{train,test,validate}/USER.csv; and who is in which cluster. */
#ifndef OUTRO_CLI_SEED_DIRECTORY_H
#define OUTRO_CLI_SEED_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"
#include "seed/seed_rows.h"

/* What users are called, and the number that their rows have. */
struct seed_user_name {
    char id[USER_ID_MAX + 1];
    uint32_t number;
};

/* Zero to begin. */
struct seed_names {
    struct seed_user_name *user; /* (users) owned */
    size_t users, capacity;
};

int seed_names_add(struct seed_names *names, const char *id, uint32_t number,
                   struct err *err) MUST_CHECK;
void seed_names_release(struct seed_names *names);

/** Reads a directory that `outro prepare --seed-compat` wrote; test and validate may be absent.
 * Users come in the order of their files' names.  @return 0, or -1: ERR_IO, ERR_MEMORY, ERR_INPUT
 * with file, line and reason; release both either way */
int seed_directory_read(const char *path, struct seed_data *data, struct seed_names *names,
                        struct err *err) MUST_CHECK;

/** Reads who is in which cluster: the file of `outro cluster` (bundle/cluster_file.h), or lines
 * `USER tab CLUSTER`, of which the first is a header if it has no number. Users that names does not
 * have are passed over.
 *  @return 0, or -1: ERR_IO, ERR_MEMORY, ERR_INPUT with file, line and reason */
int seed_clusters_read(const char *path, const struct seed_names *names,
                       struct seed_members *members, struct err *err) MUST_CHECK;

#endif
