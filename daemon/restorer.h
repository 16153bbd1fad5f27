/* restorer.h - reads partitions' state back from the changelog, in threads of their own with
 * clients of their own, so that the engine goes on with the partitions it has. For each: the
 * committed offset of the input; then the end of the changelog, transactions still open included;
 * then everything committed up to there, into a new store; then the meta record's offset against
 * the committed one. A transaction that a dead writer left open is waited for as long as brokers
 * let it live, then it is an error. Called from the engine's thread. */
#ifndef OUTRO_DAEMON_RESTORER_H
#define OUTRO_DAEMON_RESTORER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/logger.h"
#include "daemon/snapshot_file.h"
#include "stream/params.h"
#include "stream/state_store.h"

struct restorer;

/* What became of one partition. */
struct restored {
    int32_t partition;
    struct state_store *store; /* the taker owns it; NULL: it failed, err says why */
    int64_t offset;         /* of the next scrobble; OFFSET_NONE when nothing was ever committed */
    int64_t records, bytes; /* read from the changelog */
    int64_t changelog_end;  /* offset up to which that is */
    int64_t snapshot_users; /* of a snapshot in state.dir, the changelog read from its end on; 0:
                               none */
    bool snapshot_ignored;  /* there was one that could not be used */
    char cluster[CLUSTER_ID_MAX + 1]; /* its id; "" unknown, asked for only with a state.dir */
    int64_t took_ms;
    struct err err;
};

/* How far the partitions that are being restored have come. */
struct restore_progress {
    size_t partitions; /* not yet handed over */
    size_t stalled;    /* of these, waiting for a transaction that somebody left open */
    int64_t read, all; /* offsets of the changelog, of those whose end is known */
};

/** @param config read here only  @param params copied  @param bell eventfd that rings when a
 * partition is done */
struct restorer *restorer_new(const struct config *config, const struct stream_params *params,
                              struct logger *logger, int bell, struct err *err) MUST_CHECK;
/** Gives up what is under way. NULL is fine. */
void restorer_free(struct restorer *restorer);

/** @return 0, -1 ERR_MEMORY */
int restorer_ask(struct restorer *restorer, int32_t partition, struct err *err) MUST_CHECK;
/** The partition has left: what was read of it is dropped. One that was not asked for is fine. */
void restorer_cancel(struct restorer *restorer, int32_t partition);
/** One that is done. @return false when there is none */
bool restorer_take(struct restorer *restorer, struct restored *restored) MUST_CHECK;
void restorer_progress(struct restorer *restorer, struct restore_progress *progress);

#endif
