#include <inttypes.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "daemon/clocks.h"
#include "daemon/engine_parts.h"
#include "daemon/failpoint.h"
#include "daemon/rejected.h"
#include "data/record_json.h"

static int on_prediction(void *ctx, const struct prediction *prediction,
                         const struct prediction_detail *detail, struct err *err)
{
    struct engine *engine = ctx;
    char json[RECORD_JSON_MAX];
    (void)detail;
    size_t size = prediction_to_json(prediction, json, sizeof json);
    failpoint("before-produce");
    return producer_send(engine->producer, TOPIC_PREDICTIONS, prediction->user_id,
                         strlen(prediction->user_id), json, size, err);
}

static int on_session(void *ctx, const struct session *session, uint32_t partition,
                      uint32_t user_index, struct err *err)
{
    struct engine *engine = ctx;
    char json[RECORD_JSON_MAX];
    (void)partition;
    (void)user_index;
    size_t size = session_to_json(session, json, sizeof json);
    return producer_send(engine->producer, TOPIC_SESSIONS, session->user_id,
                         strlen(session->user_id), json, size, err);
}

struct pipeline_sink engine_sink(struct engine *engine)
{
    return (struct pipeline_sink){
        .ctx = engine, .prediction = on_prediction, .session = on_session};
}

static int set_aside(struct engine *engine, const rd_kafka_message_t *message,
                     enum reject_reason reason, const char *detail, struct err *err)
{
    struct metrics *metrics = &engine->snapshot.metrics;
    metrics->rejected[reason]++;
    metrics->outcome_late += reason == REJECT_LATE;
    metrics->outcome_rejected += reason != REJECT_LATE;
    if (logger_wants(engine->logger, LEVEL_DEBUG)) {
        logger_event(engine->logger, LEVEL_DEBUG, "rejected",
                     "partition %" PRId32 " offset %" PRId64 ": %s: %s", message->partition,
                     message->offset, reject_reason_name(reason), detail);
    }
    return rejected_send(engine->producer, message, reason, detail, err);
}

static int work(struct engine *engine, struct partition *partition,
                const rd_kafka_message_t *message, struct err *err)
{
    struct metrics *metrics = &engine->snapshot.metrics;
    struct scrobble scrobble;
    struct err detail;
    enum outcome outcome;
    enum reject_reason reason =
        intake_read(&engine->intake, (struct slice){message->key, message->key_len},
                    (struct slice){message->payload, message->len}, &scrobble, &detail);
    if (reason != REJECT_NONE) {
        return set_aside(engine, message, reason, detail.text, err);
    }
    if (pipeline_push(engine->pipeline, partition->store, &scrobble, &outcome, err) != 0) {
        return -1;
    }
    switch (outcome) {
    case OUTCOME_LATE:
        return set_aside(engine, message, REJECT_LATE,
                         "older than what the user's sessions are still open to", err);
    case OUTCOME_DUPLICATE:
        metrics->outcome_duplicate++;
        break;
    default:
        metrics->outcome_session++;
    }
    return 0;
}

static void take_message(struct engine *engine, const rd_kafka_message_t *message)
{
    struct metrics *metrics = &engine->snapshot.metrics;
    struct err err = {0};
    struct partition *partition = partition_set_find(&engine->partitions, message->partition);
    if (!partition || message->offset < partition->next_offset) {
        metrics->skipped++; /* of a partition that has left, or delivered again by the client */
        return;
    }
    if (partition->base_offset == OFFSET_NONE) {
        partition->base_offset = message->offset;
    }
    partition->touched = true;
    engine->txn_messages++;
    metrics->consumed++;
    metrics->consumed_bytes += message->len;
    if (work(engine, partition, message, &err) != 0) {
        err_prefix(&err, "partition %" PRId32 " offset %" PRId64, message->partition,
                   message->offset);
        engine_fail(engine, &err);
        return;
    }
    partition->next_offset = message->offset + 1;
    partition->at_end = false;
    partition->arrival_ms = engine->intake.now_ms;
}

/* Read to its end. Behind the last message there may be markers of transactions: they count as
 * read, too. */
static void take_end(struct partition *partition, int64_t offset)
{
    if (partition->base_offset == OFFSET_NONE) {
        partition->base_offset = offset;
    }
    if (offset > partition->next_offset) {
        partition->touched |= offset > partition->base_offset;
        partition->next_offset = offset;
    }
    if (!partition->at_end) { /* later ends come without a message before them */
        partition->arrival_stream_time = state_store_stream_time(partition->store);
    }
    partition->at_end = true;
}

/* Not a message but news about a partition or the client. */
static void take_news(struct engine *engine, const rd_kafka_message_t *news)
{
    struct partition *partition = partition_set_find(&engine->partitions, news->partition);
    struct err err;
    switch (news->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (partition) {
            take_end(partition, news->offset);
        }
        break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET: /* the operator's choice: kafka.auto.offset.reset =
                                                  error */
        err_set(&err, ERR_KAFKA,
                "partition %" PRId32 " has no messages at the committed offset: %s",
                news->partition, rd_kafka_message_errstr(news));
        engine_fail(engine, &err);
        break;
    case RD_KAFKA_RESP_ERR__FATAL: /* the client is dead for good: fenced, for one */
        err_set(&err, ERR_KAFKA, "consumer: %s", rd_kafka_message_errstr(news));
        engine_fail(engine, &err);
        break;
    default:
        if (consumer_gave_up(news)) {
            err_set(&err, ERR_KAFKA, "consumer: %s", rd_kafka_message_errstr(news));
            engine_fail(engine, &err); /* else it would be ready, and not one message would come */
            break;
        }
        engine->snapshot.metrics.client_errors++;
        logger_event(engine->logger, LEVEL_WARN, "kafka-error", "consumer: %s: %s",
                     rd_kafka_err2name(news->err), rd_kafka_message_errstr(news));
    }
}

/* How long the message lay at the broker; clocks of two machines may disagree. */
static void note_age(struct engine *engine, const rd_kafka_message_t *message)
{
    int64_t stamp_ms = rd_kafka_message_timestamp(message, NULL);
    int64_t age_ms = engine->intake.now_ms - stamp_ms;
    if (stamp_ms > 0) {
        histogram_add(&engine->snapshot.metrics.age, age_ms > 0 ? (double)age_ms / 1e3 : 0);
    }
}

bool engine_take_batch(struct engine *engine)
{
    int64_t began_us = monotonic_us();
    rd_kafka_message_t *message = NULL;
    size_t taken = 0;
    engine->intake.now_ms = wall_ms();
    engine->intake.max_future_ms =
        atomic_load_explicit(&engine->inbox->tuning.max_future_ms, memory_order_relaxed);
    while (taken < engine->batch_messages && !engine->failed &&
           (message = consumer_take(engine->consumer))) {
        if (message->err) {
            take_news(engine, message);
        } else {
            if (taken == 0) {
                note_age(engine, message);
            }
            take_message(engine, message);
        }
        taken++;
        rd_kafka_message_destroy(message);
    }
    if (taken > 0) {
        histogram_add(&engine->snapshot.metrics.turn, (double)(monotonic_us() - began_us) / 1e6);
    }
    return !message;
}

void engine_advance_idle(struct engine *engine)
{
    int64_t now_ms = wall_ms();
    int64_t idle_ms = atomic_load(&engine->inbox->tuning.idle_advance_ms);
    for (size_t i = 0; i < engine->partitions.slots && !engine->failed; i++) {
        struct partition *partition = &engine->partitions.slot[i];
        struct err err = {0};
        if (!partition->store) {
            continue;
        }
        struct event_time time = partition_idle_time(partition, now_ms, idle_ms);
        if (event_time_before(state_store_stream_time(partition->store), time)) {
            uint64_t closed = pipeline_counts(engine->pipeline)->sessions_closed;
            engine->snapshot.metrics.idle_advances++;
            if (pipeline_advance(engine->pipeline, partition->store, time, &err) != 0) {
                engine_fail(engine, &err);
            }
            engine_touch_idle(partition,
                              pipeline_counts(engine->pipeline)->sessions_closed != closed);
        }
    }
}
