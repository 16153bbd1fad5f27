#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clocks.h"
#include "daemon/engine_parts.h"
#include "stream/changelog.h"

/* How many users of a partition are looked at each second for having been silent. */
#define EVICT_SLOTS 4096

/* Whom a change is written for. */
struct keeper {
    struct engine *engine;
    const struct user_layout *layout;
    int32_t partition;
};

static int reserve_value(struct engine *engine, const struct user_layout *layout, struct err *err)
{
    if (!engine->value && !(engine->value = malloc(changelog_value_max(layout)))) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    return 0;
}

static int send_record(struct keeper *keeper, enum changelog_kind kind, struct slice user_id,
                       const void *value, size_t size, struct err *err)
{
    char key[CHANGELOG_KEY_MAX];
    size_t key_size = changelog_key(kind, user_id, key);
    struct metrics *metrics = &keeper->engine->snapshot.metrics;
    metrics->state_records++;
    metrics->state_record_bytes += key_size + size;
    if (!keeper->engine->exactly_once) {
        struct backlog_record record = {keeper->partition, (uint32_t)key_size, (uint32_t)size, key,
                                        value};
        return backlog_add(&keeper->engine->backlog, &record, err);
    }
    return producer_send_state(keeper->engine->producer, keeper->partition, key, key_size, value,
                               size, err);
}

static int on_change(void *ctx, const struct user_state *user, bool history, struct err *err)
{
    struct keeper *keeper = ctx;
    void *value = keeper->engine->value;
    struct slice user_id = {user->user_id, user->user_id_size};
    if (send_record(keeper, CHANGELOG_OPEN, user_id, value,
                    changelog_encode_open(keeper->layout, user, value), err) != 0) {
        return -1;
    }
    return history ? send_record(keeper, CHANGELOG_HISTORY, user_id, value,
                                 changelog_encode_history(keeper->layout, user, value), err)
                   : 0;
}

int engine_keep_state(struct engine *engine, int32_t id, const struct partition *partition,
                      struct err *err)
{
    struct keeper keeper = {engine, state_store_layout(partition->store), id};
    struct changelog_meta meta = {partition->next_offset,
                                  state_store_stream_time(partition->store)};
    if (reserve_value(engine, keeper.layout, err) != 0 ||
        state_store_changes(partition->store, on_change, &keeper, err) != 0) {
        return -1;
    }
    return send_record(&keeper, CHANGELOG_META, (struct slice){NULL, 0}, engine->value,
                       changelog_encode_meta(&meta, engine->value), err);
}

/* A tombstone for each of the user's records. */
static int on_gone(void *ctx, const struct user_state *user, struct err *err)
{
    struct keeper *keeper = ctx;
    struct slice user_id = {user->user_id, user->user_id_size};
    keeper->engine->snapshot.metrics.evicted++;
    return send_record(keeper, CHANGELOG_OPEN, user_id, NULL, 0, err) == 0
               ? send_record(keeper, CHANGELOG_HISTORY, user_id, NULL, 0, err)
               : -1;
}

void engine_evict(struct engine *engine)
{
    struct err err = {0};
    for (size_t i = 0; i < engine->partitions.slots && !engine->failed; i++) {
        struct partition *partition = &engine->partitions.slot[i];
        if (!partition->store || !state_store_in_transaction(partition->store)) {
            continue;
        }
        struct keeper keeper = {engine, NULL, (int32_t)i};
        uint64_t before = engine->snapshot.metrics.evicted;
        if (state_store_evict(partition->store, EVICT_SLOTS, on_gone, &keeper, &err) != 0) {
            engine_fail(engine, &err);
        }
        partition->touched |= engine->snapshot.metrics.evicted != before;
    }
}

int engine_fill_backlog(struct engine *engine, struct err *err)
{
    for (size_t i = 0; i < engine->partitions.slots; i++) {
        struct partition *partition = &engine->partitions.slot[i];
        if (!partition->store || !partition->touched) {
            continue;
        }
        if (engine_keep_state(engine, (int32_t)i, partition, err) != 0) {
            return -1;
        }
        partition->touched = false;
        partition->base_stream_time = state_store_stream_time(partition->store);
        state_store_commit(partition->store);
        state_store_begin(partition->store);
    }
    return 0;
}

int engine_send_backlog(struct engine *engine, struct err *err)
{
    struct backlog_record record;
    size_t cursor = 0;
    while (backlog_next(&engine->backlog, &cursor, &record)) {
        /* a partition that has left is another's to write */
        if (partition_set_find(&engine->partitions, record.partition) &&
            producer_send_state(engine->producer, record.partition, record.key, record.key_size,
                                record.value, record.value_size, err) != 0) {
            return -1;
        }
    }
    backlog_clear(&engine->backlog);
    return 0;
}

static void install(struct engine *engine, struct restored *restored)
{
    struct metrics *metrics = &engine->snapshot.metrics;
    struct err err = {0};
    if (!restored->store) {
        engine_fail(engine, &restored->err);
        return;
    }
    logger_event(engine->logger, LEVEL_INFO, "partition-restored",
                 "partition %" PRId32 " at offset %" PRId64
                 ": %zu users from a snapshot of %" PRId64 " and %" PRId64 " records, %" PRId64
                 " bytes, in %" PRId64 " ms",
                 restored->partition, restored->offset, state_store_users(restored->store),
                 restored->snapshot_users, restored->records, restored->bytes, restored->took_ms);
    metrics->restored_partitions++;
    metrics->snapshots_used += restored->snapshot_users > 0;
    metrics->snapshots_ignored += restored->snapshot_ignored;
    metrics->restored_records += (uint64_t)restored->records;
    metrics->restored_bytes += (uint64_t)restored->bytes;
    histogram_add(&metrics->restore, (double)restored->took_ms / 1e3);
    if (partition_set_install(&engine->partitions, restored->partition, restored->store,
                              restored->offset, &err) != 0) {
        engine_fail(engine, &err);
        return;
    }
    struct partition *partition = partition_set_find(&engine->partitions, restored->partition);
    partition->changelog_end = restored->changelog_end;
    memcpy(engine->cluster, restored->cluster, sizeof engine->cluster);
    partition->arrival_ms = wall_ms(); /* it has not been silent before our eyes */
    if (engine->in_transaction || !engine->exactly_once) {
        state_store_begin(partition->store);
    }
    consumer_release(engine->consumer, restored->partition);
}

void engine_install_restored(struct engine *engine)
{
    struct restored restored;
    while (!engine->failed && restorer_take(engine->restorer, &restored)) {
        install(engine, &restored);
    }
}

void engine_let_go(struct engine *engine, int32_t id, bool committed)
{
    const struct partition *partition = partition_set_find(&engine->partitions, id);
    if (!partition || !committed || !engine->saver || partition->next_offset == OFFSET_NONE ||
        state_store_users(partition->store) == 0) {
        partition_set_remove(&engine->partitions, id);
        return;
    }
    producer_poll(engine->producer, 0); /* what was committed has been acknowledged: hear it */
    int64_t end = producer_state_end(engine->producer, id);
    struct snapshot_covers covers = {
        .changelog_end = end > partition->changelog_end ? end : partition->changelog_end,
        .meta = {partition->committed_offset, partition->base_stream_time}};
    snapshot_saver_give(engine->saver, id, engine->cluster, &covers,
                        partition_set_take(&engine->partitions, id));
}
