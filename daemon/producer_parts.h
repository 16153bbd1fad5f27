/* producer_parts.h - the inside of the producer, for its own files only: producer.c has records and
 * acknowledgements, producer_txn.c transactions. */
#ifndef OUTRO_DAEMON_PRODUCER_PARTS_H
#define OUTRO_DAEMON_PRODUCER_PARTS_H

#include <librdkafka/rdkafka.h>

#include "daemon/kafka_log.h"
#include "daemon/producer.h"

/* What is kept of a rejected message that the broker will not take whole. */
#define TRUNCATED_BYTES 65536

struct producer {
    struct kafka_log_owner log; /* first: see kafka_log.h */
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic[PRODUCER_TOPICS];
    struct ledger *ledger;
    struct metrics *metrics;
    struct watch *watch;
    int bell;
    size_t queue_max;
    unsigned waiting; /* polls for room so far */
    bool closing;     /* what is purged now is no failure */
    bool failed;
    struct err failure; /* the first */
    int64_t *state_end; /* by partition of topic.state: behind the last record it acknowledged */
    size_t state_ends;

    /* Transactions. */
    bool transactional;
    char *transactional_id, *names[PRODUCER_TOPICS];
    rd_kafka_conf_t *conf; /* to make the client anew */
    uint64_t bytes;        /* handed over since begin */
    bool broken;           /* the open transaction cannot be committed any more */
    bool cut_rejected;     /* rejected records above TRUNCATED_BYTES are cut before they are sent */
    bool cut_learned;      /* that was found out in the open transaction */
    bool rejected_refused; /* a rejected record was too large in the open transaction */
    uint64_t disturbances; /* timed out requests and lost connections, of statistics */
    bool disturbed;        /* they, or an error, moved: see producer_txn_renew */
};

/** The client of producer->conf and its topics. @return 0, -1 ERR_KAFKA */
int producer_open(struct producer *producer, struct err *err) MUST_CHECK;
/** Purges and destroys the client. */
void producer_shut(struct producer *producer);

/* producer_txn.c */
/** A record of the open transaction was not kept: remembers what that means. */
void producer_txn_lost(struct producer *producer, const rd_kafka_message_t *message);
/** Statistics of the client, JSON. */
void producer_txn_statistics(struct producer *producer, const char *json, size_t size);
/** The fatal error of the client as a sentence; that of a fenced one says so. @return -1 */
int producer_txn_fatal(struct producer *producer, struct err *err);
/** What a refused record means inside a transaction. @return whether it is dropped with it */
bool producer_txn_dropped(struct producer *producer, rd_kafka_resp_err_t code);

#endif
