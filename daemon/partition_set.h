/* partition_set.h - the partitions assigned to this instance: state, and how far each has been read
 * and committed. A partition arrives with the state that the restorer made from the changelog.
 * Engine thread only. */
#ifndef OUTRO_DAEMON_PARTITION_SET_H
#define OUTRO_DAEMON_PARTITION_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "stream/state_store.h"

#define OFFSET_NONE INT64_C(-1)

struct partition {
    struct state_store *store; /* owned; NULL: not assigned */
    int64_t next_offset;       /* of the next message to process; OFFSET_NONE until one was seen */
    int64_t closing_offset;    /* next_offset when the closing epoch was closed */
    int64_t committed_offset;  /* last confirmed by the broker */
    int64_t changelog_end;     /* offset up to which the restored state has the changelog */
    int64_t base_offset;       /* where the open transaction began: an abort goes back there */
    bool touched;              /* it has something to commit in the open transaction */
    struct event_time base_stream_time;    /* stream time that is kept in topic.state */
    int64_t end_offset;                    /* as the client knows it; OFFSET_NONE unknown */
    bool at_end;                           /* read to its end */
    int64_t arrival_ms;                    /* wall clock of the last message */
    struct event_time arrival_stream_time; /* stream time right after it */
};

struct partition_set {
    struct partition *slot; /* by partition id */
    size_t slots;
    size_t live;
};

void partition_set_release(struct partition_set *set);

/** A partition with the state it had when everything before offset was processed, in place of what
 * it was. @param store taken, also on failure  @param offset OFFSET_NONE when nothing ever was
 *  @return 0, -1 ERR_MEMORY */
int partition_set_install(struct partition_set *set, int32_t id, struct state_store *store,
                          int64_t offset, struct err *err) MUST_CHECK;
/** Takes a partition out. @return its state, the caller's now; NULL when it is not there */
struct state_store *partition_set_take(struct partition_set *set, int32_t id);
/** Frees its state; a partition that is not there is fine. */
void partition_set_remove(struct partition_set *set, int32_t id);

/** Borrowed until the next install; NULL when not assigned. */
static inline struct partition *partition_set_find(struct partition_set *set, int32_t id)
{
    bool there = id >= 0 && (size_t)id < set->slots && set->slot[id].store;
    return there ? &set->slot[id] : NULL;
}

/** What the wall clock makes of a silent partition's stream time: the stream time at its last
 * message plus the wall time since, so that the replay of an old log is not hurt. @return
 * EVENT_TIME_NEVER while there is nothing to move */
struct event_time partition_idle_time(const struct partition *partition, int64_t now_ms,
                                      int64_t idle_ms);

/** Messages still to come; 0 when unknown. Markers of transactions are no messages: at the end
 * there is none left. */
int64_t partition_lag(const struct partition *partition);

#endif
