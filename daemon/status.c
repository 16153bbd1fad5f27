#include "daemon/status.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct status {
    pthread_mutex_t lock;
    struct snapshot last;
};

struct status *status_new(struct err *err)
{
    struct status *status = calloc(1, sizeof *status);
    if (!status) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&status->lock, NULL);
    return status;
}

void status_free(struct status *status)
{
    if (status) {
        pthread_mutex_destroy(&status->lock);
        snapshot_release(&status->last);
        free(status);
    }
}

int snapshot_reserve(struct snapshot *snapshot, size_t count, struct err *err)
{
    if (count > snapshot->capacity) {
        struct partition_metrics *grown = realloc(snapshot->partition, count * sizeof *grown);
        if (!grown) {
            return err_set(err, ERR_MEMORY, "out of memory");
        }
        snapshot->partition = grown;
        snapshot->capacity = count;
    }
    return 0;
}

static void copy(struct snapshot *to, const struct snapshot *from)
{
    struct partition_metrics *table = to->partition;
    size_t count = to->partitions, capacity = to->capacity;
    if (snapshot_reserve(to, from->partitions, NULL) == 0) {
        table = to->partition;
        capacity = to->capacity;
        count = from->partitions;
        if (count > 0) {
            memcpy(table, from->partition, count * sizeof *table);
        }
    }
    *to = *from;
    to->partition = table;
    to->partitions = count;
    to->capacity = capacity;
}

void status_publish(struct status *status, const struct snapshot *snapshot)
{
    pthread_mutex_lock(&status->lock);
    copy(&status->last, snapshot);
    pthread_mutex_unlock(&status->lock);
}

void status_read(struct status *status, struct snapshot *out)
{
    pthread_mutex_lock(&status->lock);
    copy(out, &status->last);
    pthread_mutex_unlock(&status->lock);
}

void snapshot_release(struct snapshot *snapshot)
{
    free(snapshot->partition);
    memset(snapshot, 0, sizeof *snapshot);
}
