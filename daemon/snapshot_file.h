/* snapshot_file.h - the state of a partition as a file of this host (state.dir), so that the next
 * start reads only the changelog behind it. The records are those of the changelog; what they are
 * of, up to which offset, and whether they are all there, stands around them (schemas/state.md). A
 * file appears under its name whole or not at all. Blocking; any thread. */
#ifndef OUTRO_DAEMON_SNAPSHOT_FILE_H
#define OUTRO_DAEMON_SNAPSHOT_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "stream/changelog.h"
#include "stream/state_store.h"

#define CLUSTER_ID_MAX    63
#define SNAPSHOT_TEXT_MAX 255 /* bytes of each of the three */

/* What a snapshot is of: one of something else is not used. */
struct snapshot_of {
    const char *cluster, *group, *topic; /* of the changelog; borrowed */
    int32_t partition;
};

/* What it holds. */
struct snapshot_covers {
    int64_t changelog_end; /* offset of the first record of the changelog that is not in it */
    int64_t written_ms;    /* wall clock */
    struct changelog_meta meta;
};

/** Writes dir/TOPIC-PARTITION.snapshot beside and renames it, both on the disk when it returns.
 *  @param store committed state  @param stop gives up when it turns true  @return 0, or -1 ERR_IO
 * (the one before still stands), ERR_MEMORY */
int snapshot_file_write(const char *dir, const struct snapshot_of *of,
                        const struct snapshot_covers *covers, struct state_store *store,
                        const _Atomic bool *stop, struct err *err) MUST_CHECK;

/** Reads what a snapshot is of and covers, and leaves its records. @return 1; 0 when there is none;
 * -1 with err: ERR_IO, ERR_CHECK (damaged), ERR_INPUT (of another version, or of something else) */
int snapshot_file_head(const char *dir, const struct snapshot_of *of,
                       struct snapshot_covers *covers, struct err *err) MUST_CHECK;
/** Reads the records into a new store. @return users; -1 with err: as above, or ERR_MEMORY. The
 * store is then of no use: some records are in it, some are not */
int64_t snapshot_file_records(const char *dir, const struct snapshot_of *of,
                              struct state_store *store, struct err *err) MUST_CHECK;

#endif
