#include "stream/undo_log.h"

#include <stdlib.h>

#include "core/array.h"

void undo_log_release(struct undo_log *log)
{
    free(log->change);
    free(log->bytes);
    *log = (struct undo_log){0};
}

static int grow_bytes(struct undo_log *log, size_t size)
{
    char *bytes = array_grow(log->bytes, &log->byte_capacity, log->byte_count + size, 1);
    if (!bytes)
        return -1;
    log->bytes = bytes;
    return 0;
}

struct change *undo_log_add(struct undo_log *log, enum change_kind kind, uint32_t user, size_t size)
{
    void *changes = array_grow(log->change, &log->capacity, log->count + 1, sizeof *log->change);
    if (!changes)
        return NULL;
    log->change = changes;
    if (log->byte_capacity - log->byte_count < size && grow_bytes(log, size) < 0)
        return NULL;
    struct change *change = &log->change[log->count++];
    *change = (struct change){kind, user, log->byte_count};
    log->byte_count += size;
    return change;
}

void undo_log_end(struct undo_log *log)
{
    log->running = false;
    log->count = log->byte_count = 0;
}

size_t undo_log_bytes(const struct undo_log *log)
{
    return log->capacity * sizeof *log->change + log->byte_capacity;
}
