#include "daemon/backlog.h"

#include <stdlib.h>
#include <string.h>

#include "core/array.h"

struct head {
    int32_t partition;
    uint32_t key_size, value_size;
};

void backlog_release(struct backlog *backlog)
{
    free(backlog->data);
    memset(backlog, 0, sizeof *backlog);
}

static int reserve(struct backlog *backlog, size_t more, struct err *err)
{
    size_t needed = backlog->size + more;
    char *grown = array_grow(backlog->data, &backlog->capacity, needed, 1);
    if (!grown) {
        return err_set(err, ERR_MEMORY, "out of memory for %zu bytes of state", needed);
    }
    backlog->data = grown;
    return 0;
}

int backlog_add(struct backlog *backlog, const struct backlog_record *record, struct err *err)
{
    struct head head = {record->partition, record->key_size, record->value_size};
    if (reserve(backlog, sizeof head + head.key_size + head.value_size, err) != 0) {
        return -1;
    }
    char *at = backlog->data + backlog->size;
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, record->key, head.key_size);
    if (head.value_size > 0) {
        memcpy(at + sizeof head + head.key_size, record->value, head.value_size);
    }
    backlog->size += sizeof head + head.key_size + head.value_size;
    return 0;
}

bool backlog_next(const struct backlog *backlog, size_t *cursor, struct backlog_record *record)
{
    struct head head;
    if (*cursor >= backlog->size) {
        return false;
    }
    const char *at = backlog->data + *cursor;
    memcpy(&head, at, sizeof head);
    record->partition = head.partition;
    record->key_size = head.key_size;
    record->value_size = head.value_size;
    record->key = at + sizeof head;
    record->value = head.value_size > 0 ? record->key + head.key_size : NULL;
    *cursor += sizeof head + head.key_size + head.value_size;
    return true;
}

void backlog_clear(struct backlog *backlog)
{
    backlog->size = 0;
}
