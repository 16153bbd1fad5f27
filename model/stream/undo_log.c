#include "stream/undo_log.h"

#include <stdlib.h>

#define BYTES_LEAST ((size_t)64 << 10)

void undo_log_release(struct undo_log *log)
{
    free(log->change);
    free(log->bytes);
    *log = (struct undo_log){0};
}

static int grow_bytes(struct undo_log *log, size_t size)
{
    size_t capacity = log->byte_capacity ? log->byte_capacity : BYTES_LEAST;
    while (capacity - log->byte_count < size)
        capacity *= 2;
    char *bytes = realloc(log->bytes, capacity);
    if (!bytes)
        return -1;
    log->bytes = bytes;
    log->byte_capacity = capacity;
    return 0;
}

struct change *undo_log_add(struct undo_log *log, enum change_kind kind, uint32_t user, size_t size)
{
    if (log->count == log->capacity) {
        size_t capacity = log->capacity ? log->capacity * 2 : 256;
        struct change *change = realloc(log->change, capacity * sizeof *change);
        if (!change)
            return NULL;
        log->change = change;
        log->capacity = capacity;
    }
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
