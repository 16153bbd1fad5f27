#include "daemon/producer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "daemon/clocks.h"
#include "daemon/kafka_conf.h"
#include "daemon/producer_parts.h"

static void fail(struct producer *producer, const char *topic, const char *reason)
{
    if (!producer->failed && !producer->closing) {
        producer->failed = true;
        err_set(&producer->failure, ERR_KAFKA, "topic %s refuses a record: %s", topic, reason);
    }
}

/* Room in the queue comes with acknowledgements. */
static void wait_for_room(struct producer *producer)
{
    producer->metrics->produce_waits++;
    if (!producer->waiting++) {
        watch_begin(producer->watch, "room in the producer's queue");
    }
    rd_kafka_poll(producer->rk, 100);
}

static void room_found(struct producer *producer)
{
    if (producer->waiting) {
        producer->waiting = 0;
        watch_end(producer->watch);
    }
}

/* One record into the queue, under the epoch it is counted in; waits for room. Headers are taken on
 * success alone. */
static rd_kafka_resp_err_t enqueue(struct producer *producer, enum producer_topic topic,
                                   unsigned epoch, const void *key, size_t key_size,
                                   const void *value, size_t value_size,
                                   rd_kafka_headers_t *headers)
{
    for (;;) { /* librdkafka copies and does not write to key and value; its prototypes predate
                  const */
        rd_kafka_resp_err_t code;
        code = rd_kafka_producev(producer->rk, RD_KAFKA_V_RKT(producer->topic[topic]),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_KEY((void *)(uintptr_t)key, key_size),
                                 RD_KAFKA_V_VALUE((void *)(uintptr_t)value, value_size),
                                 RD_KAFKA_V_HEADERS(headers),
                                 RD_KAFKA_V_OPAQUE((void *)(uintptr_t)epoch), RD_KAFKA_V_END);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            return code;
        }
        wait_for_room(producer);
    }
}

/* A rejected message larger than the broker takes: its head is kept, and how long it was. Takes
 * headers.
 * @return whether it is in the queue */
static bool enqueue_head(struct producer *producer, unsigned epoch, const void *key,
                         size_t key_size, const void *value, size_t value_size,
                         rd_kafka_headers_t *headers)
{
    char size[24];
    snprintf(size, sizeof size, "%zu", value_size);
    rd_kafka_header_add(headers, "truncated.from", -1, size, -1);
    if (value_size <= TRUNCATED_BYTES ||
        enqueue(producer, TOPIC_REJECTED, epoch, key, key_size, value, TRUNCATED_BYTES, headers) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_headers_destroy(headers);
        return false;
    }
    producer->metrics->truncated++;
    return true;
}

/* The broker refused a record for good: a rejected message that is too large can still be kept in
 * part. */
static bool rescue(struct producer *producer, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    return message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE &&
           message->rkt == producer->topic[TOPIC_REJECTED] &&
           rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           enqueue_head(producer, (unsigned)(uintptr_t)message->_private, message->key,
                        message->key_len, message->payload, message->len,
                        rd_kafka_headers_copy(headers));
}

/* Without memory, or without an offset (an acknowledgement that was lost and asked for again has
 * none), the end stays behind: what is read twice from the changelog does no harm. */
static void note_state_end(struct producer *producer, const rd_kafka_message_t *message)
{
    size_t at = (size_t)message->partition, before = producer->state_ends;
    void *grown =
        array_grow(producer->state_end, &producer->state_ends, at + 1, sizeof *producer->state_end);
    if (!grown) {
        return;
    }
    producer->state_end = grown;
    for (size_t i = before; i < producer->state_ends; i++) {
        producer->state_end[i] = -1;
    }
    if (message->offset >= producer->state_end[at]) {
        producer->state_end[at] = message->offset + 1;
    }
}

int64_t producer_state_end(const struct producer *producer, int32_t partition)
{
    return (size_t)partition < producer->state_ends ? producer->state_end[partition] : -1;
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct producer *producer = opaque;
    (void)rk;
    if (message->err && !producer->transactional && rescue(producer, message)) {
        return; /* still in flight, in its epoch */
    }
    ledger_acknowledged(producer->ledger, (unsigned)(uintptr_t)message->_private);
    if (message->err && producer->transactional) {
        producer_txn_lost(producer, message);
        return;
    }
    if (message->err) {
        fail(producer, rd_kafka_topic_name(message->rkt), rd_kafka_err2str(message->err));
        return;
    }
    if (message->rkt == producer->topic[TOPIC_STATE]) {
        note_state_end(producer, message);
    }
    if (producer->metrics->acknowledged++ % 64 == 0) {
        histogram_add(&producer->metrics->delivery,
                      (double)rd_kafka_message_latency(message) / 1e6);
    }
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct producer *producer = opaque;
    (void)rk;
    producer->metrics->client_errors++;
    producer->disturbed |=
        code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        if (!producer->failed && !producer->closing) {
            producer->failed = true;
            producer_txn_fatal(producer, &producer->failure);
        }
        return;
    }
    logger_event(producer->log.logger, LEVEL_WARN, "kafka-error", "producer: %s: %s",
                 rd_kafka_err2name((rd_kafka_resp_err_t)code), reason);
}

static size_t queue_max(rd_kafka_conf_t *conf)
{
    char text[32] = "";
    size_t size = sizeof text;
    if (rd_kafka_conf_get(conf, "queue.buffering.max.messages", text, &size) != RD_KAFKA_CONF_OK) {
        return 100000;
    }
    unsigned long value = strtoul(text, NULL, 10);
    return value ? value : 1000000; /* 0: unlimited */
}

static int on_statistics(rd_kafka_t *rk, char *json, size_t size, void *opaque)
{
    (void)rk;
    producer_txn_statistics(opaque, json, size);
    return 0; /* librdkafka frees the text */
}

static int open_topics(struct producer *producer, struct err *err)
{
    for (int i = 0; i < PRODUCER_TOPICS; i++) {
        producer->topic[i] = rd_kafka_topic_new(producer->rk, producer->names[i], NULL);
        if (!producer->topic[i]) {
            return err_set(err, ERR_KAFKA, "topic %s: %s", producer->names[i],
                           rd_kafka_err2str(rd_kafka_last_error()));
        }
    }
    return 0;
}

int producer_open(struct producer *producer, struct err *err)
{
    static const uint64_t one = 1; /* an eventfd takes 8 bytes; librdkafka keeps a copy */
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(producer->conf);
    producer->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (!producer->rk) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, ERR_KAFKA, "producer: %s", reason);
    }
    if (open_topics(producer, err) != 0) {
        return -1;
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_get_main(producer->rk);
    rd_kafka_queue_io_event_enable(queue, producer->bell, &one, sizeof one);
    rd_kafka_queue_destroy(queue);
    return 0;
}

void producer_shut(struct producer *producer)
{
    if (!producer->rk) {
        return;
    }
    producer->closing = true;
    rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(producer->rk, 0);
    for (int i = 0; i < PRODUCER_TOPICS; i++) {
        if (producer->topic[i]) {
            rd_kafka_topic_destroy(producer->topic[i]);
            producer->topic[i] = NULL;
        }
    }
    rd_kafka_destroy(producer->rk);
    producer->rk = NULL;
    producer->closing = false;
}

/* All that a client of ours is made from. */
static int prepare(struct producer *producer, const struct config *config, struct err *err)
{
    const char *names[PRODUCER_TOPICS] = {config->topic_predictions, config->topic_sessions,
                                          config->topic_rejected, config->topic_state};
    char id[512];
    for (int i = 0; i < PRODUCER_TOPICS; i++) {
        producer->names[i] = strdup(names[i]);
        if (!producer->names[i]) {
            return err_set(err, ERR_MEMORY, "out of memory");
        }
    }
    producer->conf = kafka_conf_new(config, KAFKA_PRODUCER, err);
    if (!producer->conf) {
        return -1;
    }
    producer->transactional = config->delivery == DELIVERY_EXACTLY_ONCE;
    if (producer->transactional) {
        if (kafka_conf_transactional(producer->conf, config, err) != 0 ||
            kafka_transactional_id(config, id, sizeof id, err) != 0) {
            return -1;
        }
        producer->transactional_id = strdup(id);
        rd_kafka_conf_set_stats_cb(producer->conf, on_statistics);
    }
    producer->queue_max = queue_max(producer->conf);
    rd_kafka_conf_set_opaque(producer->conf, producer);
    rd_kafka_conf_set_dr_msg_cb(producer->conf, on_delivery);
    rd_kafka_conf_set_error_cb(producer->conf, on_error);
    kafka_log_attach(producer->conf);
    return 0;
}

struct producer *producer_new(const struct config *config, struct ledger *ledger,
                              struct metrics *metrics, struct logger *logger, struct watch *watch,
                              int bell, struct err *err)
{
    struct producer *producer = calloc(1, sizeof *producer);
    if (!producer) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    producer->ledger = ledger;
    producer->metrics = metrics;
    producer->log.logger = logger;
    producer->watch = watch;
    producer->bell = bell;
    if (prepare(producer, config, err) != 0 || producer_open(producer, err) != 0) {
        producer_free(producer);
        return NULL;
    }
    return producer;
}

void producer_free(struct producer *producer)
{
    if (!producer) {
        return;
    }
    producer_shut(producer);
    for (int i = 0; i < PRODUCER_TOPICS; i++) {
        free(producer->names[i]);
    }
    if (producer->conf) {
        rd_kafka_conf_destroy(producer->conf);
    }
    free(producer->transactional_id);
    free(producer->state_end);
    free(producer);
}

/* A record that did not get into the queue. @return 0 when it is dropped with its transaction, -1
 */
static int refused(struct producer *producer, enum producer_topic topic, unsigned epoch,
                   rd_kafka_resp_err_t code, struct err *err)
{
    ledger_acknowledged(producer->ledger, epoch);
    if (producer_txn_dropped(producer, code)) {
        return 0;
    }
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        return producer_txn_fatal(producer, err);
    }
    return err_set(err, ERR_KAFKA, "topic %s refuses a record: %s", producer->names[topic],
                   rd_kafka_err2str(code));
}

/* As enqueue does, by the call without varargs: this is the hot path. */
static int send_to(struct producer *producer, enum producer_topic topic, int32_t partition,
                   const void *key, size_t key_size, const void *value, size_t value_size,
                   struct err *err)
{
    unsigned epoch = topic == TOPIC_STATE ? ledger_state_produced(producer->ledger)
                                          : ledger_produced(producer->ledger);
    while (rd_kafka_produce(producer->topic[topic], partition, RD_KAFKA_MSG_F_COPY,
                            (void *)(uintptr_t)value, value_size, key, key_size,
                            (void *)(uintptr_t)epoch) != 0) {
        rd_kafka_resp_err_t code = rd_kafka_last_error();
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            return refused(producer, topic, epoch, code, err);
        }
        wait_for_room(producer);
    }
    room_found(producer);
    producer->metrics->produced++;
    producer->bytes += key_size + value_size;
    return 0;
}

int producer_send(struct producer *producer, enum producer_topic topic, const char *key,
                  size_t key_size, const char *value, size_t value_size, struct err *err)
{
    return send_to(producer, topic, RD_KAFKA_PARTITION_UA, key, key_size, value, value_size, err);
}

int producer_send_state(struct producer *producer, int32_t partition, const void *key,
                        size_t key_size, const void *value, size_t value_size, struct err *err)
{
    return send_to(producer, TOPIC_STATE, partition, key, key_size, value, value_size, err);
}

int producer_send_headers(struct producer *producer, enum producer_topic topic, const void *key,
                          size_t key_size, const void *value, size_t value_size,
                          struct rd_kafka_headers_s *headers, struct err *err)
{
    unsigned epoch = ledger_produced(producer->ledger);
    bool cut = topic == TOPIC_REJECTED && producer->cut_rejected && value_size > TRUNCATED_BYTES;
    rd_kafka_resp_err_t code =
        cut ? RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
            : enqueue(producer, topic, epoch, key, key_size, value, value_size, headers);
    bool sent = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && topic == TOPIC_REJECTED) {
        sent = enqueue_head(producer, epoch, key, key_size, value, value_size, headers);
    } else if (!sent) {
        rd_kafka_headers_destroy(headers);
    }
    room_found(producer);
    if (!sent) {
        return refused(producer, topic, epoch, code, err);
    }
    producer->metrics->produced++;
    producer->bytes += key_size + value_size;
    return 0;
}

void producer_poll(struct producer *producer, int timeout_ms)
{
    rd_kafka_poll(producer->rk, timeout_ms);
}

int producer_settle(struct producer *producer, int64_t deadline_ms, struct err *err)
{
    while (ledger_in_flight(producer->ledger) > 0) {
        int64_t left_ms = deadline_ms - monotonic_ms();
        if (left_ms <= 0) {
            return err_set(err, ERR_KAFKA, "%" PRIu64 " records were not acknowledged in time",
                           ledger_in_flight(producer->ledger));
        }
        /* rd_kafka_flush sends without lingering and takes acknowledgements while it waits */
        rd_kafka_flush(producer->rk, left_ms < 100 ? (int)left_ms : 100);
    }
    return 0;
}

const struct err *producer_failure(const struct producer *producer)
{
    return producer->failed ? &producer->failure : NULL;
}

size_t producer_high_water(const struct producer *producer)
{
    return producer->queue_max / 4 + 1;
}

size_t producer_low_water(const struct producer *producer)
{
    return producer->queue_max / 8;
}
