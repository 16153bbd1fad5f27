#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "daemon/consumer.h"
#include "daemon/producer_parts.h"

/* After a commit so much is taken at most of what librdkafka wants to say. */
#define CALLBACKS_MAX 1000

static bool is_fenced(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

static int say_fenced(const struct producer *producer, struct err *err)
{
    return err_set(err, ERR_CANCELLED,
                   "fenced: another process has taken over transactional.id = %s, or our "
                   "transaction was open past transaction.timeout.ms; nothing of it is committed",
                   producer->transactional_id);
}

int producer_txn_fatal(struct producer *producer, struct err *err)
{
    char text[256] = "";
    return is_fenced(rd_kafka_fatal_error(producer->rk, text, sizeof text))
               ? say_fenced(producer, err)
               : err_set(err, ERR_KAFKA, "producer: %s", text);
}

/* An answer can be fatal before the client as a whole has its fatal error: then the answer's own
 * words are all there is. */
static void say_fatal(struct producer *producer, rd_kafka_resp_err_t code, struct err *err)
{
    if (is_fenced(code)) {
        say_fenced(producer, err);
    } else if (rd_kafka_fatal_error(producer->rk, NULL, 0)) {
        producer_txn_fatal(producer, err);
    }
}

static enum txn judge(struct producer *producer, const char *call, rd_kafka_error_t *error,
                      struct err *err)
{
    enum txn result = TXN_DONE;
    if (error) {
        rd_kafka_resp_err_t code = rd_kafka_error_code(error);
        err_set(err, ERR_KAFKA, "%s: %s", call, rd_kafka_error_string(error));
        result = rd_kafka_error_is_fatal(error)             ? TXN_FAILED
                 : rd_kafka_error_txn_requires_abort(error) ? TXN_ABORT
                 : rd_kafka_error_is_retriable(error)       ? TXN_AGAIN
                                                            : TXN_FAILED;
        if (rd_kafka_error_is_fatal(error) || code == RD_KAFKA_RESP_ERR__FENCED) {
            result = TXN_FAILED;
            say_fatal(producer, code, err);
        }
        rd_kafka_error_destroy(error);
    }
    return result;
}

enum txn producer_txn_init(struct producer *producer, int timeout_ms, struct err *err)
{
    return judge(producer, "init_transactions",
                 rd_kafka_init_transactions(producer->rk, timeout_ms), err);
}

enum txn producer_txn_begin(struct producer *producer, struct err *err)
{
    producer->bytes = 0;
    return judge(producer, "begin_transaction", rd_kafka_begin_transaction(producer->rk), err);
}

enum txn producer_txn_offsets(struct producer *producer, struct consumer *consumer,
                              const struct consumer_offset *offset, size_t count, int timeout_ms,
                              struct err *err)
{
    rd_kafka_consumer_group_metadata_t *metadata = consumer_group_metadata(consumer);
    rd_kafka_topic_partition_list_t *list = consumer_offset_list(consumer, offset, count);
    enum txn result =
        judge(producer, "send_offsets_to_transaction",
              rd_kafka_send_offsets_to_transaction(producer->rk, list, metadata, timeout_ms), err);
    rd_kafka_topic_partition_list_destroy(list);
    if (metadata) {
        rd_kafka_consumer_group_metadata_destroy(metadata);
    }
    return result;
}

enum txn producer_txn_commit(struct producer *producer, int timeout_ms, struct err *err)
{
    enum txn result = judge(producer, "commit_transaction",
                            rd_kafka_commit_transaction(producer->rk, timeout_ms), err);
    /* errors and statistics that came meanwhile are looked at before the next one begins */
    for (int i = 0; i < CALLBACKS_MAX && rd_kafka_poll(producer->rk, 0) > 0; i++) {
    }
    return result;
}

enum txn producer_txn_abort(struct producer *producer, int timeout_ms, struct err *err)
{
    enum txn result = judge(producer, "abort_transaction",
                            rd_kafka_abort_transaction(producer->rk, timeout_ms), err);
    if (result != TXN_DONE) {
        return result;
    }
    while (ledger_in_flight(producer->ledger) > 0 && rd_kafka_poll(producer->rk, 0) > 0) {
    }
    if (producer->cut_learned) {
        producer->cut_rejected = true; /* the same again, cut */
    } else if (producer->rejected_refused && !producer->failed) {
        producer->failed = true;
        err_set(&producer->failure, ERR_KAFKA,
                "topic %s refuses a record: too large, also when cut",
                producer->names[TOPIC_REJECTED]);
    }
    /* 2.0.2 goes on with a gap in its sequence numbers after a batch was refused, which costs one
     * more transaction */
    producer->disturbed |= producer->broken;
    producer->broken = producer->cut_learned = producer->rejected_refused = false;
    return TXN_DONE;
}

/* Codes with which the same record will always be refused. */
static bool refused_for_good(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        return true;
    default:
        return false;
    }
}

/* A batch is refused as a whole: small records beside the large one fail with it. Whether the large
 * one was there is known when all have failed, at the abort. */
void producer_txn_lost(struct producer *producer, const rd_kafka_message_t *message)
{
    producer->broken = true;
    producer->metrics->discarded++;
    if (producer->closing || !refused_for_good(message->err)) {
        return;
    }
    if (message->rkt == producer->topic[TOPIC_REJECTED] &&
        message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        producer->rejected_refused = true;
        producer->cut_learned |= message->len > TRUNCATED_BYTES && !producer->cut_rejected;
    } else if (!producer->failed) {
        producer->failed = true;
        err_set(&producer->failure, ERR_KAFKA, "topic %s refuses a record: %s",
                rd_kafka_topic_name(message->rkt), rd_kafka_err2str(message->err));
    }
}

bool producer_txn_dropped(struct producer *producer, rd_kafka_resp_err_t code)
{
    bool dropped = producer->transactional && code == RD_KAFKA_RESP_ERR__STATE;
    producer->broken |= dropped;
    return dropped;
}

void producer_txn_statistics(struct producer *producer, const char *json, size_t size)
{
    json_error_t error;
    json_t *root = json_loadb(json, size, 0, &error), *broker;
    const char *name;
    uint64_t sum = 0;
    json_object_foreach(json_object_get(root, "brokers"), name, broker)
    {
        sum += (uint64_t)json_integer_value(json_object_get(broker, "req_timeouts"));
        sum += (uint64_t)json_integer_value(json_object_get(broker, "disconnects"));
    }
    json_decref(root);
    producer->disturbed |= sum > producer->disturbances;
    producer->disturbances = sum;
}

bool producer_txn_broken(const struct producer *producer)
{
    return producer->broken;
}

uint64_t producer_txn_bytes(const struct producer *producer)
{
    return producer->bytes;
}

bool producer_txn_disturbed(const struct producer *producer)
{
    return producer->disturbed;
}

int producer_txn_renew(struct producer *producer, struct err *err)
{
    producer_shut(producer);
    producer->disturbed = producer->broken = false;
    producer->disturbances = 0;
    return producer_open(producer, err);
}

const char *producer_txn_id(const struct producer *producer)
{
    return producer->transactional_id;
}
