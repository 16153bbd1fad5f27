/* producer.h - records out: predictions, sessions, rejected messages, state. Idempotent,
 * acknowledged by all replicas; every record is counted in the ledger until the broker has it.
 * Nothing is dropped: a full queue is waited for, and a record that the broker refuses for good is
 * a failure that stops the engine. With delivery = exactly-once all of it happens in transactions,
 * and a record sent into one that is lost already is dropped with it. Engine thread only. */
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
#include "daemon/watch.h"

enum producer_topic {
    TOPIC_PREDICTIONS,
    TOPIC_SESSIONS,
    TOPIC_REJECTED,
    TOPIC_STATE,
    PRODUCER_TOPICS
};

struct producer;
struct consumer;
struct consumer_offset;
struct rd_kafka_headers_s; /* rd_kafka_headers_t */

/** @param ledger, metrics, logger, watch borrowed  @param bell eventfd that rings when
 * acknowledgements wait */
struct producer *producer_new(const struct config *config, struct ledger *ledger,
                              struct metrics *metrics, struct logger *logger, struct watch *watch,
                              int bell, struct err *err) MUST_CHECK;
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

/** A record of topic.state, value NULL a tombstone, into the partition that the state is of. */
int producer_send_state(struct producer *producer, int32_t partition, const void *key,
                        size_t key_size, const void *value, size_t value_size,
                        struct err *err) MUST_CHECK;

/** Offset behind the last record of topic.state that was acknowledged here, all that came before
 * taken in; -1 when none was. */
int64_t producer_state_end(const struct producer *producer, int32_t partition);

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

/* ---- transactions, producer_txn.c ---- */

/* What became of a call. */
enum txn {
    TXN_DONE,
    TXN_AGAIN, /* the same call again: the broker was not ready, or the time was over */
    TXN_ABORT, /* the transaction is lost: abort, roll back, read again */
    TXN_FAILED /* stop without commit; err says why */
};

/** Fences our predecessor and aborts what it left open. First of all, before joining the group. */
enum txn producer_txn_init(struct producer *producer, int timeout_ms, struct err *err) MUST_CHECK;
enum txn producer_txn_begin(struct producer *producer, struct err *err) MUST_CHECK;
/** Makes offsets part of the open transaction, under the consumer's membership of its group. */
enum txn producer_txn_offsets(struct producer *producer, struct consumer *consumer,
                              const struct consumer_offset *offset, size_t count, int timeout_ms,
                              struct err *err) MUST_CHECK;
enum txn producer_txn_commit(struct producer *producer, int timeout_ms, struct err *err) MUST_CHECK;
/** Takes back everything sent since begin. What the brokers refused for good is then a failure
 * (producer_failure), unless sending it again cut will do. */
enum txn producer_txn_abort(struct producer *producer, int timeout_ms, struct err *err) MUST_CHECK;

/** Whether the open transaction is lost, so that going on with it is a waste. */
bool producer_txn_broken(const struct producer *producer);
/** Bytes sent since begin. */
uint64_t producer_txn_bytes(const struct producer *producer);
/** Whether a request timed out or a connection was lost since the last renewal. A request to end a
 * transaction may then still be under way, and would end a later one of the same epoch. */
bool producer_txn_disturbed(const struct producer *producer);
/** Between transactions: a new client in place of the old; producer_txn_init must follow, which
 * gives it a new epoch, so that nothing the old one sent can count any more. */
int producer_txn_renew(struct producer *producer, struct err *err) MUST_CHECK;
const char *producer_txn_id(const struct producer *producer);

#endif
