/* status.h - what the engine publishes and other threads read: a copy of its counters and where it
 * stands. The engine writes between batches under a lock held for one copy; readers copy out under
 * the same lock. Nobody reads the engine's own memory. */
#ifndef OUTRO_DAEMON_STATUS_H
#define OUTRO_DAEMON_STATUS_H

#include <stdbool.h>

#include "bundle/bundle.h"
#include "core/err.h"
#include "daemon/metrics.h"
#include "daemon/restorer.h"
#include "daemon/side_inputs.h"

struct snapshot {
    struct metrics metrics;
    struct partition_metrics *partition; /* owned by the holder of the snapshot */
    size_t partitions, capacity;
    char bundle_version[BUNDLE_VERSION_MAX + 1]; /* "" until one serves */
    bool assigned; /* the group has given us our share (which may be empty) */
    struct restore_progress restoring;
    struct side_progress side; /* zero without side inputs */
    bool stopping;
    int64_t beat_ms; /* monotonic clock when it was published */
};

struct status;

/** @return new, or NULL with ERR_MEMORY */
struct status *status_new(struct err *err) MUST_CHECK;
void status_free(struct status *status); /* NULL is fine */

/** Copies snapshot in. When memory is out the partition table stays as it was. Thread-safe. */
void status_publish(struct status *status, const struct snapshot *snapshot);
/** Copies the last one out, growing out->partition as needed; snapshot_release when done.
 * Thread-safe. */
void status_read(struct status *status, struct snapshot *out);
void snapshot_release(struct snapshot *snapshot);

/** Room for count partitions. @return 0, -1 ERR_MEMORY */
int snapshot_reserve(struct snapshot *snapshot, size_t count, struct err *err) MUST_CHECK;

#endif
