#include <inttypes.h>
#include <stdlib.h>

#include "daemon/clocks.h"
#include "daemon/engine_parts.h"

int engine_reserve_offsets(struct engine *engine, struct err *err)
{
    size_t count = engine->partitions.live;
    if (count > engine->offset_capacity) {
        struct consumer_offset *grown = realloc(engine->offset, count * sizeof *grown);
        if (!grown) {
            return err_set(err, ERR_MEMORY, "out of memory");
        }
        engine->offset = grown;
        engine->offset_capacity = count;
    }
    return 0;
}

static bool anything_new(const struct engine *engine)
{
    for (size_t i = 0; i < engine->partitions.slots; i++) {
        const struct partition *partition = &engine->partitions.slot[i];
        if (partition->store &&
            (partition->touched || partition->next_offset > partition->committed_offset)) {
            return true;
        }
    }
    return false;
}

/* Offsets of the closed epoch (or of this moment) past what the broker has: a commit that was
 * waited for may have overtaken the epoch. @return how many */
static size_t collect_offsets(struct engine *engine, bool closed)
{
    size_t count = 0;
    for (size_t i = 0; i < engine->partitions.slots; i++) {
        const struct partition *partition = &engine->partitions.slot[i];
        int64_t offset = closed ? partition->closing_offset : partition->next_offset;
        if (partition->store && offset > partition->committed_offset) {
            engine->offset[count++] = (struct consumer_offset){(int32_t)i, offset};
        }
    }
    return count;
}

void engine_commit_begin(struct engine *engine)
{
    struct err err = {0};
    if (engine->exactly_once) {
        engine_txn_commit(engine, INT64_MAX, &err); /* it has dealt with what stood in the way */
        return;
    }
    if (engine->commit_flying || engine->ledger.closing || !anything_new(engine)) {
        return;
    }
    /* predictions that wait in the micro-batch belong to messages before the offsets */
    engine_flush(engine);
    if (engine->failed) {
        return;
    }
    if (engine_fill_backlog(engine, &err) != 0) {
        engine_fail(engine, &err);
        return;
    }
    engine->commit_began_us = monotonic_us();
    ledger_close(&engine->ledger);
    for (size_t i = 0; i < engine->partitions.slots; i++) {
        engine->partitions.slot[i].closing_offset = engine->partitions.slot[i].next_offset;
    }
    engine_commit_settled(engine);
}

static void commit_failed(struct engine *engine, const char *reason)
{
    engine->snapshot.metrics.commit_failures++;
    logger_event(engine->logger, LEVEL_WARN, "commit-failed", "%s; the next commit covers it",
                 reason);
}

void engine_commit_settled(struct engine *engine)
{
    struct err err = {0};
    if (engine->commit_flying || !ledger_settled(&engine->ledger)) {
        return;
    }
    if (engine_send_backlog(engine, &err) != 0) {
        engine_fail(engine, &err);
        return;
    }
    if (!ledger_state_settled(&engine->ledger)) {
        return;
    }
    size_t count = engine_reserve_offsets(engine, &err) == 0 ? collect_offsets(engine, true) : 0;
    if (count == 0) {
        ledger_reopen(&engine->ledger);
    } else if (consumer_commit(engine->consumer, engine->offset, count, &err) == 0) {
        engine->commit_flying = true;
    } else {
        ledger_reopen(&engine->ledger);
        commit_failed(engine, err.text);
    }
}

static void note_committed(struct engine *engine, const struct consumer_offset *offset,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct partition *partition = partition_set_find(&engine->partitions, offset[i].partition);
        if (partition && offset[i].offset > partition->committed_offset) {
            partition->committed_offset = offset[i].offset;
        }
    }
    engine->snapshot.metrics.commits++;
    histogram_add(&engine->snapshot.metrics.commit,
                  (double)(monotonic_us() - engine->commit_began_us) / 1e6);
}

static void on_committed(void *ctx, const struct consumer_offset *offset, size_t count,
                         const char *reason)
{
    struct engine *engine = ctx;
    engine->commit_flying = false;
    ledger_reopen(&engine->ledger);
    if (reason) {
        commit_failed(engine, reason);
    } else {
        note_committed(engine, offset, count);
    }
}

int engine_commit_all(struct engine *engine, int64_t deadline_ms, struct err *err)
{
    if (engine->exactly_once) {
        return engine_txn_commit(engine, deadline_ms, err);
    }
    engine_flush(engine);
    if (engine->failed) {
        return err_set(err, engine->failure.code, "%s", engine->failure.text);
    }
    engine->commit_began_us = monotonic_us();
    /* first the output, then the state that it leads to, then the offsets */
    if (engine_reserve_offsets(engine, err) != 0 ||
        producer_settle(engine->producer, deadline_ms, err) != 0 ||
        engine_fill_backlog(engine, err) != 0 || engine_send_backlog(engine, err) != 0 ||
        producer_settle(engine->producer, deadline_ms, err) != 0) {
        return -1;
    }
    const struct err *refused = producer_failure(engine->producer);
    if (refused) {
        return err_set(err, refused->code, "%s", refused->text);
    }
    size_t count = collect_offsets(engine, false);
    if (count == 0) {
        return 0;
    }
    int64_t left_ms = deadline_ms - monotonic_ms();
    if (consumer_commit_wait(engine->consumer, engine->offset, count,
                             left_ms > 0 ? (int)left_ms : 0, err) != 0) {
        engine->snapshot.metrics.commit_failures++;
        return -1;
    }
    note_committed(engine, engine->offset, count);
    return 0;
}

static int on_arrived(void *ctx, const int32_t *partition, size_t count)
{
    struct engine *engine = ctx;
    struct err err = {0};
    for (size_t i = 0; i < count; i++) {
        /* it joins the others when its state is there */
        if (restorer_ask(engine->restorer, partition[i], &err) != 0) {
            return -1;
        }
        logger_event(engine->logger, LEVEL_DEBUG, "partition-arrived", "partition %" PRId32,
                     partition[i]);
    }
    return 0;
}

static void on_leaving(void *ctx, const int32_t *partition, size_t count, bool lost)
{
    struct engine *engine = ctx;
    struct err err = {0};
    bool committed = false;
    if (lost && engine->exactly_once) { /* another may have them already */
        engine_txn_abort(engine, "partitions were lost");
    } else {
        engine_flush(engine); /* what waits refers to the state that goes */
    }
    if (!lost && !engine->failed) {
        int64_t budget_ms = atomic_load(&engine->inbox->tuning.revoke_timeout_ms);
        committed = engine_commit_all(engine, monotonic_ms() + budget_ms, &err) == 0;
        if (!committed) {
            logger_event(engine->logger, LEVEL_WARN, "revoke-uncommitted",
                         "%s; the next owner of the partitions does it again", err.text);
        }
    }
    if (engine->failed) {
        pipeline_discard(engine->pipeline); /* the flush may have stopped in the middle */
    }
    for (size_t i = 0; i < count; i++) {
        restorer_cancel(engine->restorer, partition[i]);
        engine_let_go(engine, partition[i], committed && !engine->failed);
    }
}

static void on_failed(void *ctx, const char *reason)
{
    struct err err;
    err_set(&err, ERR_KAFKA, "consumer: %s", reason);
    engine_fail(ctx, &err);
}

struct consumer_owner engine_owner(struct engine *engine)
{
    return (struct consumer_owner){.ctx = engine,
                                   .arrived = on_arrived,
                                   .leaving = on_leaving,
                                   .committed = on_committed,
                                   .failed = on_failed};
}
