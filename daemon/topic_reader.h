/* topic_reader.h - reads topics from one offset to another, once, for tools beside a running
 * daemon: belongs to no group's members and commits nothing. One thread. */
#ifndef OUTRO_DAEMON_TOPIC_READER_H
#define OUTRO_DAEMON_TOPIC_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/logger.h"

struct topic_reader;
struct rd_kafka_message_s; /* rd_kafka_message_t */

/* A part of a topic. */
struct topic_range {
    int32_t partition;
    int64_t from, to; /* offsets, to excluded */
};

/** @param committed_only read_committed, and ends are last stable offsets; else ends are high
 * watermarks
 *  @param logger borrowed  @return new reader, or NULL with ERR_KAFKA */
struct topic_reader *topic_reader_new(const struct config *config, bool committed_only,
                                      struct logger *logger, struct err *err) MUST_CHECK;
void topic_reader_free(struct topic_reader *reader); /* NULL is fine */

/** @return how many partitions a topic has, 0 when there is no such topic; -1 ERR_KAFKA */
int topic_reader_partitions(struct topic_reader *reader, const char *topic,
                            struct err *err) MUST_CHECK;

/** What there is now of every partition. @param range (count) out, partitions 0 .. count - 1 */
int topic_reader_bounds(struct topic_reader *reader, const char *topic, struct topic_range *range,
                        size_t count, struct err *err) MUST_CHECK;

/** The group's committed offsets. @param offset (count) out, partitions 0 .. count - 1; -1: none */
int topic_reader_committed(struct topic_reader *reader, const char *topic, int64_t *offset,
                           size_t count, struct err *err) MUST_CHECK;

/** Reads the ranges, each partition in its order. @param take gets the message for the time of the
 * call; @return 0, or -1 with err to stop
 *  @return 0 when every range is read, -1: ERR_KAFKA (nothing came for a minute, too), what take
 * said */
int topic_reader_run(struct topic_reader *reader, const char *topic,
                     const struct topic_range *range, size_t count,
                     int (*take)(void *ctx, const struct rd_kafka_message_s *message,
                                 struct err *err),
                     void *ctx, struct err *err) MUST_CHECK;

#endif
