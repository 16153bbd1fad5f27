#include "daemon/consumer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "daemon/clocks.h"
#include "daemon/kafka_conf.h"
#include "daemon/kafka_log.h"
#include "daemon/kafka_reader.h"

#define POLL_MS       100
#define FIRST_JOIN_MS 10000 /* at most: brokers may be gone in the middle of it */

struct consumer {
    struct kafka_log_owner log; /* first: see kafka_log.h */
    rd_kafka_t *rk;
    char *topic;
    struct consumer_owner owner;
    struct metrics *metrics;
    bool subscribed, assigned, ever_assigned;
};

static bool cooperative(rd_kafka_t *rk)
{
    const char *protocol = rd_kafka_rebalance_protocol(rk);
    return protocol && strcmp(protocol, "COOPERATIVE") == 0;
}

/* The answer to a rebalance event must be given whatever happens: librdkafka keeps everything
 * paused until then. */
static void answer(struct consumer *consumer, rd_kafka_topic_partition_list_t *partitions,
                   bool arriving)
{
    rd_kafka_error_t *error = NULL;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (cooperative(consumer->rk)) {
        error = arriving ? rd_kafka_incremental_assign(consumer->rk, partitions)
                         : rd_kafka_incremental_unassign(consumer->rk, partitions);
    } else {
        code = rd_kafka_assign(consumer->rk, arriving ? partitions : NULL);
    }
    if (error || code) {
        consumer->owner.failed(consumer->owner.ctx,
                               error ? rd_kafka_error_string(error) : rd_kafka_err2str(code));
    }
    if (error) {
        rd_kafka_error_destroy(error);
    }
}

/* Calls the owner with the partition numbers of a list. */
static int tell_owner(struct consumer *consumer, const rd_kafka_topic_partition_list_t *partitions,
                      bool arriving, bool lost)
{
    size_t count = (size_t)partitions->cnt;
    int32_t *partition = malloc((count + 1) * sizeof *partition);
    int rc = -1;
    if (partition) {
        for (size_t i = 0; i < count; i++) {
            partition[i] = partitions->elems[i].partition;
        }
        if (arriving) {
            rc = consumer->owner.arrived(consumer->owner.ctx, partition, count);
        } else {
            consumer->owner.leaving(consumer->owner.ctx, partition, count, lost);
            rc = 0;
        }
    }
    free(partition);
    return rc;
}

/* A queue that the application forwards stays as it was told when librdkafka assigns: held before
 * the assignment, not one message gets past. */
static void forward(struct consumer *consumer, int32_t partition, rd_kafka_queue_t *to)
{
    rd_kafka_queue_t *queue =
        rd_kafka_queue_get_partition(consumer->rk, consumer->topic, partition);
    if (queue) {
        rd_kafka_queue_forward(queue, to);
        rd_kafka_queue_destroy(queue);
    }
}

void consumer_release(struct consumer *consumer, int32_t partition)
{
    rd_kafka_queue_t *messages = rd_kafka_queue_get_consumer(consumer->rk);
    forward(consumer, partition, messages);
    rd_kafka_queue_destroy(messages);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct consumer *consumer = opaque;
    bool arriving = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    bool lost = !arriving && rd_kafka_assignment_lost(rk);
    uint64_t count = (uint64_t)partitions->cnt;
    *(arriving ? &consumer->metrics->assigned_total
      : lost   ? &consumer->metrics->lost_total
               : &consumer->metrics->revoked_total) += count;
    logger_event(consumer->log.logger, lost ? LEVEL_WARN : LEVEL_INFO,
                 arriving ? "partitions-assigned"
                 : lost   ? "partitions-lost"
                          : "partitions-revoked",
                 "%" PRIu64 " partitions of %s, protocol %s", count, consumer->topic,
                 rd_kafka_rebalance_protocol(rk));
    for (int i = 0; arriving && i < partitions->cnt; i++) {
        forward(consumer, partitions->elems[i].partition, NULL);
    }
    if (tell_owner(consumer, partitions, arriving, lost) != 0) {
        consumer->owner.failed(consumer->owner.ctx, "no memory for the assigned partitions");
    }
    /* An eager revocation takes all and is followed by an assignment; a cooperative one takes some.
     */
    consumer->assigned = arriving || (cooperative(rk) && !lost);
    consumer->ever_assigned |= arriving;
    answer(consumer, partitions, arriving);
}

static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                      rd_kafka_topic_partition_list_t *offsets, void *opaque)
{
    struct consumer *consumer = opaque;
    struct consumer_offset *offset = NULL;
    size_t count = 0;
    (void)rk;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && offsets) {
        offset = malloc(((size_t)offsets->cnt + 1) * sizeof *offset);
        for (int i = 0; offset && i < offsets->cnt; i++) {
            if (offsets->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                offset[count++] =
                    (struct consumer_offset){offsets->elems[i].partition, offsets->elems[i].offset};
            }
        }
    }
    consumer->owner.committed(consumer->owner.ctx, offset, count,
                              code ? rd_kafka_err2str(code) : NULL);
    free(offset);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct consumer *consumer = opaque;
    char text[256];
    consumer->metrics->client_errors++;
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        rd_kafka_fatal_error(rk, text, sizeof text);
        consumer->owner.failed(consumer->owner.ctx, text);
        return;
    }
    logger_event(consumer->log.logger, LEVEL_WARN, "kafka-error", "consumer: %s: %s",
                 rd_kafka_err2name((rd_kafka_resp_err_t)code), reason);
}

static void warn_strategy(const struct config *config, struct logger *logger)
{
    const char *strategy = config_kafka(config, "partition.assignment.strategy");
    if (strategy && strstr(strategy, "cooperative") && rd_kafka_version() < 0x020601ff) {
        logger_event(logger, LEVEL_WARN, "old-librdkafka",
                     "librdkafka %s can lose partitions in cooperative rebalances; use 2.6.1 or "
                     "newer, or kafka.partition.assignment.strategy = range",
                     rd_kafka_version_str());
    }
}

struct consumer *consumer_new(const struct config *config, const struct consumer_owner *owner,
                              struct metrics *metrics, struct logger *logger, int bell,
                              struct err *err)
{
    static const uint64_t one = 1; /* an eventfd takes 8 bytes; librdkafka keeps a copy */
    char reason[256];
    struct consumer *consumer = calloc(1, sizeof *consumer);
    rd_kafka_conf_t *conf = NULL;
    if (!consumer || !(consumer->topic = strdup(config->topic_scrobbles))) {
        err_set(err, ERR_MEMORY, "out of memory");
        goto fail;
    }
    conf = kafka_conf_new(config, KAFKA_CONSUMER, err);
    if (!conf) {
        goto fail;
    }
    consumer->log.logger = logger;
    consumer->owner = *owner;
    consumer->metrics = metrics;
    rd_kafka_conf_set_opaque(conf, consumer);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
    rd_kafka_conf_set_error_cb(conf, on_error);
    kafka_log_attach(conf);
    consumer->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (!consumer->rk) {
        err_set(err, ERR_KAFKA, "consumer: %s", reason);
        goto fail;
    }
    rd_kafka_poll_set_consumer(consumer->rk);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer->rk);
    rd_kafka_queue_io_event_enable(queue, bell, &one, sizeof one);
    rd_kafka_queue_destroy(queue);
    warn_strategy(config, logger);
    return consumer;
fail:
    if (conf) {
        rd_kafka_conf_destroy(conf);
    }
    if (consumer) {
        free(consumer->topic);
    }
    free(consumer);
    return NULL;
}

/* librdkafka below 2.3.0 dies of an assertion when a client with a cooperative strategy goes
 * between the answers to JoinGroup and SyncGroup of its first join (its issue 4312): the strategy
 * is known then, the assignment is not. That moment is waited out. */
static void wait_out_first_join(struct consumer *consumer)
{
    int64_t deadline_ms = monotonic_ms() + FIRST_JOIN_MS;
    while (!consumer->ever_assigned && cooperative(consumer->rk) && monotonic_ms() < deadline_ms) {
        kafka_reader_idle(consumer->rk, POLL_MS);
    }
}

void consumer_close(struct consumer *consumer)
{
    if (!consumer) {
        return;
    }
    wait_out_first_join(consumer);
    /* librdkafka 2.0.2 hangs in a close before the first assignment; there is no group to leave
     * then */
    if (consumer->ever_assigned) {
        rd_kafka_resp_err_t code = rd_kafka_consumer_close(consumer->rk);
        if (code) {
            logger_event(consumer->log.logger, LEVEL_WARN, "leave-failed", "leaving the group: %s",
                         rd_kafka_err2str(code));
        }
    }
    rd_kafka_destroy_flags(consumer->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(consumer->topic);
    free(consumer);
}

int consumer_subscribe(struct consumer *consumer, struct err *err)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, consumer->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code) {
        return err_set(err, ERR_KAFKA, "subscribing to %s: %s", consumer->topic,
                       rd_kafka_err2str(code));
    }
    consumer->subscribed = true;
    return 0;
}

bool consumer_subscribed(const struct consumer *consumer)
{
    return consumer->subscribed;
}

bool consumer_assigned(const struct consumer *consumer)
{
    return consumer->assigned;
}

struct rd_kafka_message_s *consumer_take(struct consumer *consumer)
{
    return rd_kafka_consumer_poll(consumer->rk, 0);
}

bool consumer_gave_up(const struct rd_kafka_message_s *news)
{
    /* only its words tell this request from others that are tried again */
    static const char words[] = "Failed to fetch committed offset";
    return news->err && strncmp(rd_kafka_message_errstr(news), words, sizeof words - 1) == 0;
}

struct rd_kafka_topic_partition_list_s *consumer_offset_list(const struct consumer *consumer,
                                                             const struct consumer_offset *offset,
                                                             size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_list_add(list, consumer->topic, offset[i].partition)->offset =
            offset[i].offset;
    }
    return list;
}

struct rd_kafka_consumer_group_metadata_s *consumer_group_metadata(const struct consumer *consumer)
{
    return rd_kafka_consumer_group_metadata(consumer->rk);
}

int consumer_seek(struct consumer *consumer, const struct consumer_offset *offset, size_t count,
                  int timeout_ms, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = consumer_offset_list(consumer, offset, count);
    rd_kafka_error_t *error = rd_kafka_seek_partitions(consumer->rk, list, timeout_ms);
    int rc = 0;
    if (error) {
        rc = err_set(err, ERR_KAFKA, "seek: %s", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    }
    for (int i = 0; rc == 0 && i < list->cnt; i++) {
        if (list->elems[i].err) {
            rc = err_set(err, ERR_KAFKA, "seek in partition %" PRId32 ": %s",
                         list->elems[i].partition, rd_kafka_err2str(list->elems[i].err));
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

int consumer_commit(struct consumer *consumer, const struct consumer_offset *offset, size_t count,
                    struct err *err)
{
    rd_kafka_topic_partition_list_t *list = consumer_offset_list(consumer, offset, count);
    rd_kafka_resp_err_t code = rd_kafka_commit(consumer->rk, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? err_set(err, ERR_KAFKA, "commit: %s", rd_kafka_err2str(code)) : 0;
}

struct commit_result {
    bool done;
    rd_kafka_resp_err_t code;
};

static void on_waited_commit(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                             rd_kafka_topic_partition_list_t *offsets, void *opaque)
{
    struct commit_result *result = opaque;
    (void)rk;
    (void)offsets;
    result->done = true;
    result->code = code;
}

int consumer_commit_wait(struct consumer *consumer, const struct consumer_offset *offset,
                         size_t count, int timeout_ms, struct err *err)
{
    /* On the heap: an answer after the time-out must not write into a frame that is gone. The queue
     * dies with it. */
    struct commit_result *result = calloc(1, sizeof *result);
    if (!result) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer->rk);
    rd_kafka_topic_partition_list_t *list = consumer_offset_list(consumer, offset, count);
    rd_kafka_resp_err_t code =
        rd_kafka_commit_queue(consumer->rk, list, queue, on_waited_commit, result);
    if (!code) {
        rd_kafka_queue_poll_callback(queue, timeout_ms);
        code = result->done ? result->code : RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_destroy(queue);
    free(result);
    return code ? err_set(err, ERR_KAFKA, "commit: %s", rd_kafka_err2str(code)) : 0;
}

void consumer_pause(struct consumer *consumer, bool pause)
{
    rd_kafka_topic_partition_list_t *partitions;
    rd_kafka_resp_err_t code = rd_kafka_assignment(consumer->rk, &partitions);
    if (code) {
        return; /* nothing assigned, nothing to stop */
    }
    code = pause ? rd_kafka_pause_partitions(consumer->rk, partitions)
                 : rd_kafka_resume_partitions(consumer->rk, partitions);
    rd_kafka_topic_partition_list_destroy(partitions);
    if (code) {
        logger_event(consumer->log.logger, LEVEL_WARN, "pause-failed", "%s: %s",
                     pause ? "pause" : "resume", rd_kafka_err2str(code));
    }
}

int64_t consumer_end_offset(struct consumer *consumer, int32_t partition)
{
    int64_t low, high;
    if (rd_kafka_get_watermark_offsets(consumer->rk, consumer->topic, partition, &low, &high)) {
        return -1;
    }
    return high < 0 ? -1 : high;
}
