/* consumer.h - scrobbles in: a member of a consumer group. Handles both rebalance protocols, keeps
 * no offsets itself and commits only what it is told. Engine thread only; its callbacks come from
 * within consumer_take and consumer_close. */
#ifndef OUTRO_DAEMON_CONSUMER_H
#define OUTRO_DAEMON_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/logger.h"
#include "daemon/metrics.h"

struct consumer;
struct rd_kafka_message_s;                 /* rd_kafka_message_t */
struct rd_kafka_topic_partition_list_s;    /* rd_kafka_topic_partition_list_t */
struct rd_kafka_consumer_group_metadata_s; /* rd_kafka_consumer_group_metadata_t */

struct consumer_offset {
    int32_t partition;
    int64_t offset; /* of the next message to process */
};

/* Whom the consumer works for. */
struct consumer_owner {
    void *ctx;
    /* Partitions that arrive. Their messages are held back until consumer_release. @return 0, or -1
     * when there is no room for them */
    int (*arrived)(void *ctx, const int32_t *partition, size_t count);
    /* Partitions that leave. Unless lost, this is the time to finish and commit what was taken from
     * them. */
    void (*leaving)(void *ctx, const int32_t *partition, size_t count, bool lost);
    /* The broker's answer to consumer_commit; reason NULL when it was taken. */
    void (*committed)(void *ctx, const struct consumer_offset *offset, size_t count,
                      const char *reason);
    /* The client cannot go on. */
    void (*failed)(void *ctx, const char *reason);
};

/** @param owner copied  @param metrics, logger borrowed  @param bell eventfd that rings when
 * messages or events wait */
struct consumer *consumer_new(const struct config *config, const struct consumer_owner *owner,
                              struct metrics *metrics, struct logger *logger, int bell,
                              struct err *err) MUST_CHECK;
/** Leaves the group if it was a member (calls leaving), then frees. NULL is fine. */
void consumer_close(struct consumer *consumer);

/** Joins the group. @return 0, -1 ERR_KAFKA */
int consumer_subscribe(struct consumer *consumer, struct err *err) MUST_CHECK;
bool consumer_subscribed(const struct consumer *consumer);
/** Whether the group has given us our share, which may be empty. */
bool consumer_assigned(const struct consumer *consumer);

/** Next message, or what there is to say about a partition (err set); NULL when nothing waits.
 * rd_kafka_message_destroy it. Serves callbacks. */
struct rd_kafka_message_s *consumer_take(struct consumer *consumer) MUST_CHECK;

/** Whether news of consumer_take says that partitions that were just assigned will never be
 * fetched: librdkafka asks for their committed offsets, and after a refusal asks no more. */
bool consumer_gave_up(const struct rd_kafka_message_s *news);

/** Begins a commit; committed() says how it ended. @return 0, -1 ERR_KAFKA */
int consumer_commit(struct consumer *consumer, const struct consumer_offset *offset, size_t count,
                    struct err *err) MUST_CHECK;
/** Commits and waits for the answer, at most timeout_ms. */
int consumer_commit_wait(struct consumer *consumer, const struct consumer_offset *offset,
                         size_t count, int timeout_ms, struct err *err) MUST_CHECK;

/** Lets the messages of a held partition through. */
void consumer_release(struct consumer *consumer, int32_t partition);
/** Reads partitions again from these offsets; what was fetched past them is dropped. @return 0, -1
 * ERR_KAFKA */
int consumer_seek(struct consumer *consumer, const struct consumer_offset *offset, size_t count,
                  int timeout_ms, struct err *err) MUST_CHECK;
/** Offsets as librdkafka takes them, and our membership; new, the caller destroys both. */
struct rd_kafka_topic_partition_list_s *consumer_offset_list(const struct consumer *consumer,
                                                             const struct consumer_offset *offset,
                                                             size_t count) MUST_CHECK;
struct rd_kafka_consumer_group_metadata_s *
consumer_group_metadata(const struct consumer *consumer) MUST_CHECK;

/** Stops or resumes fetching of all assigned partitions; membership goes on as long as
 * consumer_take is called. */
void consumer_pause(struct consumer *consumer, bool pause);
/** Offset behind the last message of a partition, as the client knows it; -1 unknown. Asks nobody.
 */
int64_t consumer_end_offset(struct consumer *consumer, int32_t partition);

#endif
