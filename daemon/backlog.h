/* backlog.h - changelog records of a closed epoch, encoded when it was closed and kept until
 * everything else of it is acknowledged: at least once, state must never get ahead of the output
 * that was made on the way to it. One block of bytes that grows to what a commit needs. Engine
 * thread only. */
#ifndef OUTRO_DAEMON_BACKLOG_H
#define OUTRO_DAEMON_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct backlog {
    char *data; /* owned: a head, key, value each */
    size_t size, capacity;
};

struct backlog_record {
    int32_t partition;
    uint32_t key_size, value_size;
    const char *key;   /* borrowed from the backlog until it changes */
    const void *value; /* the same; NULL and no size: a tombstone */
};

void backlog_release(struct backlog *backlog);
/** Copies one record in. @return 0, -1 ERR_MEMORY */
int backlog_add(struct backlog *backlog, const struct backlog_record *record,
                struct err *err) MUST_CHECK;
/** The record at *cursor (0 for the first), which moves on. @return false at the end */
bool backlog_next(const struct backlog *backlog, size_t *cursor,
                  struct backlog_record *record) MUST_CHECK;
/** Forgets all records, keeps the block. */
void backlog_clear(struct backlog *backlog);

#endif
