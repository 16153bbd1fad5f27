/* kafka_log.h - librdkafka's own log lines, brought into ours. */
#ifndef OUTRO_DAEMON_KAFKA_LOG_H
#define OUTRO_DAEMON_KAFKA_LOG_H

#include "daemon/logger.h"

struct rd_kafka_conf_s; /* rd_kafka_conf_t */

/** Routes a client's log lines to the logger at the head of its opaque, which must be a struct that
 * begins with one: see kafka_log_owner. Any thread of librdkafka may log. */
void kafka_log_attach(struct rd_kafka_conf_s *conf);

/* The first member of whatever is the opaque of a client. */
struct kafka_log_owner {
    struct logger *logger; /* borrowed */
};

#endif
