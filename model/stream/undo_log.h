/* undo_log.h - what a transaction changed, in order, and the bytes that were there before: enough
 * to walk back. The memory is kept from one transaction to the next. */
#ifndef OUTRO_STREAM_UNDO_LOG_H
#define OUTRO_STREAM_UNDO_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event_time.h"

enum change_kind {
    CHANGE_NEW,     /* a user appeared; at: slots the store had before */
    CHANGE_OPEN,    /* the open part; at: where its bytes are, as in the next two */
    CHANGE_HISTORY, /* the history part */
    CHANGE_GONE     /* the user was removed; the whole record */
};

struct change {
    enum change_kind kind;
    uint32_t user; /* index of the slot */
    size_t at;
};

struct undo_log {
    bool running;
    struct change *change; /* (capacity) */
    size_t count, capacity;
    char *bytes; /* (byte_capacity) */
    size_t byte_count, byte_capacity;
    struct event_time stream_time; /* at the beginning, as the next */
    size_t open_sessions;
};

void undo_log_release(struct undo_log *log);
/** Another change, with room for size bytes of what was there before. @return the change, borrowed
 * until the next; NULL when memory is out, nothing added */
struct change *undo_log_add(struct undo_log *log, enum change_kind kind, uint32_t user,
                            size_t size);
/** Forgets all changes, keeps the memory. */
void undo_log_end(struct undo_log *log);
size_t undo_log_bytes(const struct undo_log *log);

#endif
