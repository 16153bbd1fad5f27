#include <inttypes.h>
#include <stdlib.h>

#include "daemon/clocks.h"
#include "daemon/engine_parts.h"
#include "daemon/failpoint.h"

/* One attempt of a call; in between the engine looks at its deadline. Seeks and ends are quick when
 * brokers answer at all. */
#define CALL_MS 1000
/* At an end that something forced: what is left to take back the open transaction. */
#define LAST_ABORT_MS INT64_C(3000)
/* Stream time moved by the clock alone is written that often at least. */
#define IDLE_KEEP_MS INT64_C(60000)

static enum txn call_init(struct engine *engine, struct err *err)
{
    return producer_txn_init(engine->producer, CALL_MS, err);
}

static enum txn call_offsets(struct engine *engine, struct err *err)
{
    return producer_txn_offsets(engine->producer, engine->consumer, engine->offset,
                                engine->offset_count, CALL_MS, err);
}

static enum txn call_commit(struct engine *engine, struct err *err)
{
    return producer_txn_commit(engine->producer, CALL_MS, err);
}

static enum txn call_abort(struct engine *engine, struct err *err)
{
    return producer_txn_abort(engine->producer, CALL_MS, err);
}

/* The same call again and again, under the watchdog's eyes, until it says something else than
 * again. */
static enum txn persist(struct engine *engine, enum txn (*call)(struct engine *, struct err *),
                        const char *name, int64_t deadline_ms, struct err *err)
{
    enum txn result;
    watch_begin(&engine->inbox->watch, name);
    while ((result = call(engine, err)) == TXN_AGAIN) {
        int64_t stop_ms = atomic_load(&engine->inbox->stop)
                              ? atomic_load(&engine->inbox->stop_deadline_ms)
                              : INT64_MAX;
        if (monotonic_ms() >= (stop_ms < deadline_ms ? stop_ms : deadline_ms)) {
            err_prefix(err, "not in time");
            result = TXN_FAILED;
            break;
        }
    }
    watch_end(&engine->inbox->watch);
    return result;
}

static void begin(struct engine *engine)
{
    struct err err = {0};
    if (producer_txn_begin(engine->producer, &err) != TXN_DONE) {
        engine_fail(engine, &err);
        return;
    }
    engine->in_transaction = true;
    engine->txn_messages = 0;
    for (size_t i = 0; i < engine->partitions.slots; i++) {
        struct partition *partition = &engine->partitions.slot[i];
        if (partition->store) {
            state_store_begin(partition->store);
        }
    }
}

bool engine_txn_open(struct engine *engine)
{
    struct err err = {0};
    if (engine->in_transaction) {
        return true;
    }
    watch_begin(&engine->inbox->watch, "init_transactions");
    enum txn result = call_init(engine, &err);
    watch_end(&engine->inbox->watch);
    if (result == TXN_AGAIN) {
        return false; /* brokers are away; the next second tries again */
    }
    if (result != TXN_DONE) {
        engine_fail(engine, &err);
        return false;
    }
    logger_event(engine->logger, LEVEL_INFO, "transactions-ready", "transactional.id %s",
                 producer_txn_id(engine->producer));
    begin(engine);
    return engine->in_transaction;
}

static size_t collect_touched(struct engine *engine)
{
    size_t count = 0;
    for (size_t i = 0; i < engine->partitions.slots; i++) {
        const struct partition *partition = &engine->partitions.slot[i];
        if (partition->store && partition->touched) {
            engine->offset[count++] = (struct consumer_offset){(int32_t)i, partition->next_offset};
        }
    }
    return count;
}

/* Closes the transaction for good or tells what stands in the way. */
static enum txn end_transaction(struct engine *engine, int64_t deadline_ms, struct err *err)
{
    if (producer_txn_broken(engine->producer)) {
        err_set(err, ERR_KAFKA, "the transaction was lost before it was committed");
        return TXN_ABORT;
    }
    for (size_t i = 0; i < engine->partitions.slots; i++) {
        struct partition *partition = &engine->partitions.slot[i];
        if (partition->store && partition->touched &&
            engine_keep_state(engine, (int32_t)i, partition, err) != 0) {
            return TXN_FAILED;
        }
    }
    failpoint("after-produce");
    enum txn result =
        persist(engine, call_offsets, "send_offsets_to_transaction", deadline_ms, err);
    if (result != TXN_DONE) {
        return result;
    }
    failpoint("after-send-offsets");
    failpoint_soon("inside-commit");
    return persist(engine, call_commit, "commit_transaction", deadline_ms, err);
}

/* What was done since begin is the past. */
static void settle(struct engine *engine)
{
    engine->in_transaction = false;
    engine->snapshot.metrics.commits++;
    for (size_t i = 0; i < engine->partitions.slots; i++) {
        struct partition *partition = &engine->partitions.slot[i];
        if (!partition->store) {
            continue;
        }
        state_store_commit(partition->store);
        if (partition->touched) {
            partition->base_offset = partition->committed_offset = partition->next_offset;
            partition->base_stream_time = state_store_stream_time(partition->store);
            partition->touched = false;
        }
    }
}

/* A request to end a transaction that was lost on its way may still arrive: under the new epoch it
 * counts for nothing. */
static void renew_if_disturbed(struct engine *engine, int64_t deadline_ms)
{
    struct err err = {0};
    if (!producer_txn_disturbed(engine->producer)) {
        return;
    }
    logger_event(engine->logger, LEVEL_WARN, "producer-renewed",
                 "a request failed or a connection was lost; the next transaction gets a new "
                 "producer epoch");
    engine->snapshot.metrics.producer_renewals++;
    if (producer_txn_renew(engine->producer, &err) != 0 ||
        persist(engine, call_init, "init_transactions", deadline_ms, &err) != TXN_DONE) {
        engine_fail(engine, &err);
    }
}

static bool anything_touched(const struct engine *engine)
{
    for (size_t i = 0; i < engine->partitions.slots; i++) {
        if (engine->partitions.slot[i].store && engine->partitions.slot[i].touched) {
            return true;
        }
    }
    return false;
}

int engine_txn_commit(struct engine *engine, int64_t deadline_ms, struct err *err)
{
    if (!engine->in_transaction || !anything_touched(engine)) {
        return 0;
    }
    int64_t began_us = monotonic_us();
    engine_flush(engine);
    if (engine->failed) {
        return err_set(err, engine->failure.code, "%s", engine->failure.text);
    }
    if (engine_reserve_offsets(engine, err) != 0) {
        engine_fail(engine, err);
        return -1;
    }
    engine->offset_count = collect_touched(engine);
    switch (end_transaction(engine, deadline_ms, err)) {
    case TXN_DONE:
        failpoint("after-commit");
        settle(engine);
        histogram_add(&engine->snapshot.metrics.commit, (double)(monotonic_us() - began_us) / 1e6);
        renew_if_disturbed(engine, deadline_ms);
        if (!engine->failed) {
            begin(engine);
        }
        return 0;
    case TXN_ABORT:
        engine->snapshot.metrics.commit_failures++;
        engine_txn_abort(engine, err->text);
        return -1;
    default:
        engine->snapshot.metrics.commit_failures++;
        engine_fail(engine, err);
        return -1;
    }
}

/* State, offsets and clocks of all partitions as at begin. @return how many are to be read again,
 * in engine->offset */
static size_t roll_back(struct engine *engine)
{
    size_t count = 0;
    pipeline_discard(engine->pipeline);
    for (size_t i = 0; i < engine->partitions.slots; i++) {
        struct partition *partition = &engine->partitions.slot[i];
        if (!partition->store) {
            continue;
        }
        state_store_abort(partition->store);
        if (partition->next_offset != partition->base_offset) {
            engine->offset[count++] = (struct consumer_offset){(int32_t)i, partition->base_offset};
            partition->next_offset = partition->base_offset;
            partition->at_end = false;
        }
        partition->touched = false;
    }
    return count;
}

static void seek_back(struct engine *engine, size_t count)
{
    struct err err = {0};
    watch_begin(&engine->inbox->watch, "seek to the committed offsets");
    int rc = -1;
    for (int attempt = 0; rc != 0 && attempt < 5; attempt++) {
        rc = consumer_seek(engine->consumer, engine->offset, count, CALL_MS * 2, &err);
    }
    watch_end(&engine->inbox->watch);
    if (rc != 0) {
        engine_fail(engine, &err);
    }
}

void engine_txn_abort(struct engine *engine, const char *reason)
{
    struct err err = {0};
    if (!engine->in_transaction || engine->failed) {
        return;
    }
    logger_event(engine->logger, LEVEL_WARN, "transaction-aborted",
                 "%s; what it took is read again", reason);
    engine->snapshot.metrics.aborts++;
    if (engine_reserve_offsets(engine, &err) != 0 ||
        persist(engine, call_abort, "abort_transaction", INT64_MAX, &err) != TXN_DONE) {
        engine_fail(engine, &err);
        return;
    }
    engine->in_transaction = false;
    size_t count = roll_back(engine);
    const struct err *refused = producer_failure(engine->producer);
    if (refused) {
        engine_fail(engine, refused);
        return;
    }
    if (count > 0) {
        seek_back(engine, count);
    }
    if (!engine->failed) {
        renew_if_disturbed(engine, INT64_MAX);
    }
    if (!engine->failed) {
        begin(engine);
    }
}

void engine_txn_check(struct engine *engine)
{
    struct err err = {0};
    if (!engine->in_transaction || engine->failed) {
        return;
    }
    if (producer_txn_broken(engine->producer)) {
        engine_txn_abort(engine, "a record of it was not kept");
    } else if (engine->txn_messages >= engine->txn_messages_max ||
               producer_txn_bytes(engine->producer) >= engine->txn_bytes_max) {
        engine_txn_commit(engine, INT64_MAX, &err); /* it has dealt with what stood in the way */
    }
}

void engine_txn_leave(struct engine *engine)
{
    struct err err = {0};
    if (engine->in_transaction) {
        (void)persist(engine, call_abort, "abort_transaction", monotonic_ms() + LAST_ABORT_MS,
                      &err);
        engine->in_transaction = false;
    }
}

void engine_touch_idle(struct partition *partition, bool closed)
{
    struct event_time time = state_store_stream_time(partition->store);
    partition->touched |=
        closed ||
        event_time_before(event_time_add_ms(partition->base_stream_time, IDLE_KEEP_MS), time);
}
