/* producer.h - records out: predictions, sessions, rejected messages. Idempotent, acknowledged by
 * all replicas; every record is counted in the ledger until the broker has it. Nothing is dropped:
 * a full queue is waited for, and a record that the broker refuses for good is a failure that stops
 * the engine. Engine thread only. */
#ifndef OUTRO_DAEMON_PRODUCER_H
#define OUTRO_DAEMON_PRODUCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/ledger.h"
#include "daemon/logger.h"
#include "daemon/metrics.h"

enum producer_topic { TOPIC_PREDICTIONS, TOPIC_SESSIONS, TOPIC_REJECTED, PRODUCER_TOPICS };

struct producer;
struct rd_kafka_headers_s; /* rd_kafka_headers_t */

/** @param ledger, metrics, logger borrowed  @param bell eventfd that rings when acknowledgements
 * wait */
struct producer *producer_new(const struct config *config, struct ledger *ledger,
                              struct metrics *metrics, struct logger *logger, int bell,
                              struct err *err) MUST_CHECK;
/** Drops what is still queued. NULL is fine. */
void producer_free(struct producer *producer);

/** Copies one record into the queue, partition by key; waits while the queue is full, however long.
 *  @return 0, or -1 ERR_KAFKA: refused for good */
int producer_send(struct producer *producer, enum producer_topic topic, const char *key,
                  size_t key_size, const char *value, size_t value_size,
                  struct err *err) MUST_CHECK;
/** The same with headers (taken, also on failure) and bytes that may be NULL. A value that the
 * broker takes in no size is sent again cut to its head, with the header truncated.from. */
int producer_send_headers(struct producer *producer, enum producer_topic topic, const void *key,
                          size_t key_size, const void *value, size_t value_size,
                          struct rd_kafka_headers_s *headers, struct err *err) MUST_CHECK;

/** Takes acknowledgements that have come, waiting up to timeout_ms for the first. */
void producer_poll(struct producer *producer, int timeout_ms);
/** Sends at once what lingers and waits until all is acknowledged. @return 0, or -1 ERR_KAFKA at
 * the deadline (monotonic) */
int producer_settle(struct producer *producer, int64_t deadline_ms, struct err *err) MUST_CHECK;

/** Why a record was refused for good; NULL while none was. */
const struct err *producer_failure(const struct producer *producer);
/** Records in flight above which input should stop, and below which it may resume. */
size_t producer_high_water(const struct producer *producer);
size_t producer_low_water(const struct producer *producer);

#endif
