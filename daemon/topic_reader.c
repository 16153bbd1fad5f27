#include "daemon/topic_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "daemon/clocks.h"
#include "daemon/kafka_reader.h"

#define ASK_TIMEOUT_MS   30000
#define SILENCE_LIMIT_MS 60000
#define POLL_MS          500

struct topic_reader {
    struct kafka_log_owner log; /* first: see kafka_log.h */
    rd_kafka_t *rk;
};

struct topic_reader *topic_reader_new(const struct config *config, bool committed_only,
                                      struct logger *logger, struct err *err)
{
    struct topic_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    reader->log.logger = logger;
    reader->rk =
        kafka_reader_new(config, committed_only ? KAFKA_READ_COMMITTED : KAFKA_READ_UNCOMMITTED,
                         &reader->log, "reader", err);
    if (!reader->rk) {
        free(reader);
        return NULL;
    }
    return reader;
}

void topic_reader_free(struct topic_reader *reader)
{
    if (reader) {
        kafka_reader_free(reader->rk);
        free(reader);
    }
}

int topic_reader_partitions(struct topic_reader *reader, const char *topic, struct err *err)
{
    const struct rd_kafka_metadata *answer = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(reader->rk, topic, NULL);
    rd_kafka_resp_err_t code =
        handle ? rd_kafka_metadata(reader->rk, 0, handle, &answer, ASK_TIMEOUT_MS)
               : rd_kafka_last_error();
    if (handle) {
        rd_kafka_topic_destroy(handle);
    }
    if (code || !answer) {
        return err_set(err, ERR_KAFKA, "topic %s: %s", topic, rd_kafka_err2str(code));
    }
    code = answer->topic_cnt == 1 ? answer->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    int count = answer->topic_cnt == 1 ? answer->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(answer);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        return 0;
    }
    return code ? err_set(err, ERR_KAFKA, "topic %s: %s", topic, rd_kafka_err2str(code)) : count;
}

int topic_reader_bounds(struct topic_reader *reader, const char *topic, struct topic_range *range,
                        size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
            reader->rk, topic, (int32_t)i, &range[i].from, &range[i].to, ASK_TIMEOUT_MS);
        range[i].partition = (int32_t)i;
        if (code) {
            return err_set(err, ERR_KAFKA, "offsets of topic %s partition %zu: %s", topic, i,
                           rd_kafka_err2str(code));
        }
    }
    return 0;
}

int topic_reader_committed(struct topic_reader *reader, const char *topic, int64_t *offset,
                           size_t count, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_list_add(list, topic, (int32_t)i);
    }
    rd_kafka_resp_err_t code = rd_kafka_committed(reader->rk, list, ASK_TIMEOUT_MS);
    for (size_t i = 0; i < count && !code; i++) {
        code = list->elems[i].err;
        offset[i] = list->elems[i].offset >= 0 ? list->elems[i].offset : -1;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code ? err_set(err, ERR_KAFKA, "committed offsets of %s: %s", topic,
                          rd_kafka_err2str(code))
                : 0;
}

/* One reading of ranges. */
struct reading {
    struct topic_reader *reader;
    const char *topic;
    const struct topic_range *range;
    size_t count;
    bool *done; /* (count) */
    size_t left;
    int (*take)(void *ctx, const struct rd_kafka_message_s *message, struct err *err);
    void *ctx;
};

static int assign(struct reading *reading, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)reading->count);
    for (size_t i = 0; i < reading->count; i++) {
        const struct topic_range *range = &reading->range[i];
        reading->done[i] = range->from >= range->to;
        if (!reading->done[i]) {
            rd_kafka_topic_partition_list_add(list, reading->topic, range->partition)->offset =
                range->from;
            reading->left++;
        }
    }
    rd_kafka_resp_err_t code =
        reading->left > 0 ? rd_kafka_assign(reading->reader->rk, list) : RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(list);
    return code ? err_set(err, ERR_KAFKA, "reading topic %s: %s", reading->topic,
                          rd_kafka_err2str(code))
                : 0;
}

/* Behind the last message of a range there may be markers of transactions only: the end of the
 * partition is told as an offset, too. */
static int take_one(struct reading *reading, const rd_kafka_message_t *message, struct err *err)
{
    bool is_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    size_t i = 0;
    if (message->err && !is_end) {
        /* librdkafka goes on by itself, but for what no waiting mends */
        return message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
                       message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                       message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                       message->err == RD_KAFKA_RESP_ERR__FATAL
                   ? err_set(err, ERR_KAFKA, "reading topic %s: %s", reading->topic,
                             rd_kafka_message_errstr(message))
                   : 0;
    }
    while (i < reading->count && reading->range[i].partition != message->partition) {
        i++;
    }
    if (i == reading->count || reading->done[i]) {
        return 0;
    }
    int rc = 0;
    if (!is_end && message->offset < reading->range[i].to) {
        rc = reading->take(reading->ctx, message, err);
    }
    /* an end before `to`: the broker's last stable offset came back; what is missing still comes */
    if (message->offset + (is_end ? 0 : 1) >= reading->range[i].to) {
        reading->done[i] = true;
        reading->left--;
    }
    return rc;
}

int topic_reader_run(struct topic_reader *reader, const char *topic,
                     const struct topic_range *range, size_t count,
                     int (*take)(void *ctx, const struct rd_kafka_message_s *message,
                                 struct err *err),
                     void *ctx, struct err *err)
{
    struct reading reading = {
        .reader = reader, .topic = topic, .range = range, .count = count, .take = take, .ctx = ctx};
    int64_t heard_ms = monotonic_ms();
    int rc = -1;
    reading.done = calloc(count ? count : 1, sizeof *reading.done);
    if (!reading.done) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    if (assign(&reading, err) != 0) {
        goto out;
    }
    rc = 0;
    while (rc == 0 && reading.left > 0) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->rk, POLL_MS);
        if (message) {
            heard_ms = message->err ? heard_ms : monotonic_ms();
            rc = take_one(&reading, message, err);
            rd_kafka_message_destroy(message);
        }
        if (rc == 0 && monotonic_ms() - heard_ms > SILENCE_LIMIT_MS) {
            rc = err_set(err, ERR_KAFKA, "reading topic %s: nothing came for a minute", topic);
        }
    }
    rd_kafka_assign(reader->rk, NULL);
out:
    free(reading.done);
    return rc;
}
