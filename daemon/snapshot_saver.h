/* snapshot_saver.h - writes the state of partitions that have left into state.dir, in a thread of
 * its own: a rebalance does not wait for a disk. What cannot be written is said in the log; the
 * next owner then reads the changelog. Called from the engine's thread. */
#ifndef OUTRO_DAEMON_SNAPSHOT_SAVER_H
#define OUTRO_DAEMON_SNAPSHOT_SAVER_H

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/logger.h"
#include "daemon/snapshot_file.h"

struct snapshot_saver;

/** @param config read here only; its state.dir is not empty */
struct snapshot_saver *snapshot_saver_new(const struct config *config, struct logger *logger,
                                          struct err *err) MUST_CHECK;
/** Waits until all that was given is written, or monotonic deadline_ms: gives up the rest then.
 * NULL is fine. */
void snapshot_saver_free(struct snapshot_saver *saver, int64_t deadline_ms);
/** How many were written, and how many could not be. */
void snapshot_saver_counts(const struct snapshot_saver *saver, uint64_t *written, uint64_t *failed);

/** @param store taken: everything in it is committed  @param cluster its id, copied  @param covers
 * written_ms is filled in */
void snapshot_saver_give(struct snapshot_saver *saver, int32_t partition, const char *cluster,
                         const struct snapshot_covers *covers, struct state_store *store);

#endif
