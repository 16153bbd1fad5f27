/* kafka_reader.h - a client that reads topics and is no member of the group: of the restorer, of
 * side inputs, of what reads a topic to its end. */
#ifndef OUTRO_DAEMON_KAFKA_READER_H
#define OUTRO_DAEMON_KAFKA_READER_H

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/kafka_log.h"

struct rd_kafka_s; /* rd_kafka_t */

enum kafka_reading {
    KAFKA_READ_COMMITTED,   /* to the end of what is committed, and goes */
    KAFKA_READ_UNCOMMITTED, /* to the end of everything, open transactions included */
    KAFKA_FOLLOW_COMMITTED  /* from the beginning on, for good */
};

/** @param log borrowed, its logger set; the client's opaque  @param who says an error
 *  @return new client, or NULL with ERR_USAGE or ERR_KAFKA */
struct rd_kafka_s *kafka_reader_new(const struct config *config, enum kafka_reading reading,
                                    struct kafka_log_owner *log, const char *who,
                                    struct err *err) MUST_CHECK;
/** Serves the callbacks of a consumer and waits; a message that comes is not kept. */
void kafka_reader_idle(struct rd_kafka_s *reader, int timeout_ms);
/** NULL is fine. */
void kafka_reader_free(struct rd_kafka_s *reader);

#endif
