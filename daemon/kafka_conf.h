/* kafka_conf.h - what librdkafka is told: our defaults, what outrod decides itself, and the
 * operator's `kafka.` keys. The order is defaults, operator, fixed. Source of the defaults:
 * measured on librdkafka 2.0.2 (daemon/README.md). */
#ifndef OUTRO_DAEMON_KAFKA_CONF_H
#define OUTRO_DAEMON_KAFKA_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct config;
struct rd_kafka_conf_s; /* rd_kafka_conf_t */

enum kafka_side { KAFKA_CONSUMER = 1, KAFKA_PRODUCER = 2, KAFKA_BOTH = 3 };

struct kafka_default {
    const char *name;
    const char *value; /* NULL: decided at run time, `why` says how */
    enum kafka_side side;
    bool fixed; /* the operator may not set it */
    const char *why;
};

/** The table, for the reference page. */
const struct kafka_default *kafka_conf_defaults(size_t *count);

/** Whether librdkafka takes this property. @param name without the kafka. prefix
 *  @return 0, or -1 ERR_USAGE with librdkafka's reason; a secret value is never repeated */
int kafka_conf_check(const char *name, const char *value, struct err *err) MUST_CHECK;

/** New configuration of a client of ours, without callbacks; rd_kafka_new takes it, else
 * rd_kafka_conf_destroy. */
struct rd_kafka_conf_s *kafka_conf_new(const struct config *config, enum kafka_side side,
                                       struct err *err) MUST_CHECK;

/** The group that this instance is a member of. */
const char *kafka_group(const struct config *config);
/** transactional.id of this instance: the configured one, or made of group and instance, or
 * process.
 *  @return 0, -1 ERR_USAGE when it is longer than size */
int kafka_transactional_id(const struct config *config, char *out, size_t size,
                           struct err *err) MUST_CHECK;
/** Makes a producer's configuration transactional: id, timeouts, statistics to watch it by. */
int kafka_conf_transactional(struct rd_kafka_conf_s *conf, const struct config *config,
                             struct err *err) MUST_CHECK;
/** Makes a consumer's configuration that of one who reads a topic to its end and goes. @param
 * uncommitted whether records of open transactions count */
int kafka_conf_reader(struct rd_kafka_conf_s *conf, bool uncommitted, struct err *err) MUST_CHECK;

/** Makes a consumer's configuration that of one who reads topics from their beginning, what is
 * committed, and follows them for good. */
int kafka_conf_follower(struct rd_kafka_conf_s *conf, struct err *err) MUST_CHECK;

/** Refuses versions that lose messages. @param version as rd_kafka_version()  @return 0, or -1
 * ERR_KAFKA */
int kafka_version_check(int version, struct err *err) MUST_CHECK;
/** partition.assignment.strategy when the operator names none. */
const char *kafka_default_strategy(int version);

#endif
