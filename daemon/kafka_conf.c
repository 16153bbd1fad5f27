#include "daemon/kafka_conf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#include "daemon/config.h"

/* clang-format off */
static const struct kafka_default defaults[] = {
    {"group.id", "outro", KAFKA_CONSUMER, false, "instances of one group share the partitions"},
    {"client.id", "outrod", KAFKA_BOTH, false, "what brokers log"},
    {"partition.assignment.strategy", NULL, KAFKA_CONSUMER, false,
     "cooperative-sticky from librdkafka 2.6.1 on, range below it, where cooperative rebalances can lose partitions"},
    {"auto.offset.reset", "earliest", KAFKA_CONSUMER, false, "a new group begins at the beginning"},
    {"isolation.level", "read_committed", KAFKA_CONSUMER, false, "aborted messages are not listened to"},
    {"check.crcs", "true", KAFKA_CONSUMER, false, "a flipped bit is an error, not a scrobble"},
    {"allow.auto.create.topics", "false", KAFKA_CONSUMER, false, "a misspelt topic is an error"},
    {"queued.min.messages", "1000000", KAFKA_CONSUMER, false,
     "librdkafka 2.0.2 stands still for a second when the queue reaches it"},
    {"queued.max.messages.kbytes", "65536", KAFKA_CONSUMER, false,
     "bounds memory; below 32 MB 2.0.2 stands still for seconds"},
    {"compression.codec", "lz4", KAFKA_PRODUCER, false, "records are repetitive JSON"},
    {"linger.ms", "10", KAFKA_PRODUCER, false, "batches worth compressing"},
    {"message.max.bytes", "10000000", KAFKA_PRODUCER, false, "the broker decides what is too large"},
    {"queue.buffering.max.messages", "200000", KAFKA_PRODUCER, false,
     "outrod stops taking at a quarter of it and resumes at an eighth"},
    {"queue.buffering.max.kbytes", "524288", KAFKA_PRODUCER, false, "bounds memory"},
    {"enable.auto.commit", "false", KAFKA_CONSUMER, true, "outrod commits what is acknowledged"},
    {"enable.auto.offset.store", "false", KAFKA_CONSUMER, true, "outrod keeps the offsets"},
    {"enable.partition.eof", "true", KAFKA_CONSUMER, true, "idle partitions are known by it"},
    {"enable.idempotence", "true", KAFKA_PRODUCER, true, "no duplicates or disorder by retries"},
    {"acks", "all", KAFKA_PRODUCER, true, "an acknowledged record is kept"},
    {"partitioner", "murmur2_random", KAFKA_PRODUCER, true, "where Java clients put a key"},
    {"message.timeout.ms", "0", KAFKA_PRODUCER, true,
     "records wait for the broker as long as it takes; outrod pauses its input meanwhile. exactly-once: two thirds of transaction.timeout.ms"},
};
/* clang-format on */

/* Not ours to set, and not the operator's: they would break what outrod relies on. */
static const char *const refused[] = {"transactional.id",
                                      "transaction.timeout.ms",
                                      "statistics.interval.ms",
                                      "enable.gapless.guarantee",
                                      "log.queue",
                                      "auto.commit.enable",
                                      "request.required.acks",
                                      "delivery.timeout.ms",
                                      "test.mock.num.brokers",
                                      NULL};

const struct kafka_default *kafka_conf_defaults(size_t *count)
{
    *count = sizeof defaults / sizeof defaults[0];
    return defaults;
}

static const struct kafka_default *find_default(const char *name)
{
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        if (strcmp(defaults[i].name, name) == 0) {
            return &defaults[i];
        }
    }
    return NULL;
}

static int set(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *err)
{
    char reason[256] = "";
    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK) {
        return 0;
    }
    if (config_is_secret(name)) {
        return err_set(err, ERR_USAGE, "kafka.%s: librdkafka refuses the value (not shown)", name);
    }
    return err_set(err, ERR_USAGE, "kafka.%.80s: %s", name, reason);
}

int kafka_conf_check(const char *name, const char *value, struct err *err)
{
    const struct kafka_default *row = find_default(name);
    if (row && row->fixed) {
        return err_set(err, ERR_USAGE, "kafka.%s is fixed to %s (%s); remove it", name, row->value,
                       row->why);
    }
    for (size_t i = 0; refused[i]; i++) {
        if (strcmp(refused[i], name) == 0) {
            return err_set(err, ERR_USAGE, "kafka.%s is outrod's own business; remove it", name);
        }
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int rc = set(conf, name, value, err);
    rd_kafka_conf_destroy(conf);
    return rc;
}

static int set_defaults(rd_kafka_conf_t *conf, enum kafka_side side, bool fixed, struct err *err)
{
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        const struct kafka_default *row = &defaults[i];
        const char *value = row->value ? row->value : kafka_default_strategy(rd_kafka_version());
        if ((row->side & side) && row->fixed == fixed && set(conf, row->name, value, err) != 0) {
            return -1;
        }
    }
    return 0;
}

struct rd_kafka_conf_s *kafka_conf_new(const struct config *config, enum kafka_side side,
                                       struct err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (set_defaults(conf, side, false, err) != 0) {
        goto fail;
    }
    for (size_t i = 0; i < config->kafka_count; i++) {
        if (set(conf, config->kafka[i].name, config->kafka[i].value, err) != 0) {
            goto fail;
        }
    }
    if (set_defaults(conf, side, true, err) != 0) {
        goto fail;
    }
    return conf;
fail:
    rd_kafka_conf_destroy(conf);
    return NULL;
}

const char *kafka_group(const struct config *config)
{
    const char *group = config_kafka(config, "group.id");
    return group ? group : find_default("group.id")->value;
}

int kafka_transactional_id(const struct config *config, char *out, size_t size, struct err *err)
{
    const char *instance = config_kafka(config, "group.instance.id");
    char host[128] = "outrod", process[160];
    /* Two processes on one machine with one configuration must not fence each other: without a name
     * of its own an instance is this process. What a dead one left open then ends by
     * transaction.timeout.ms. */
    (void)gethostname(host, sizeof host - 1);
    snprintf(process, sizeof process, "%s-%ld", host, (long)getpid());
    int length = *config->transactional_id ? snprintf(out, size, "%s", config->transactional_id)
                                           : snprintf(out, size, "%s-%s", kafka_group(config),
                                                      instance ? instance : process);
    return length >= 0 && (size_t)length < size
               ? 0
               : err_set(err, ERR_USAGE,
                         "transactional.id, or group and instance that it is made of, is longer "
                         "than %zu bytes",
                         size - 1);
}

int kafka_conf_transactional(struct rd_kafka_conf_s *conf, const struct config *config,
                             struct err *err)
{
    char id[512], timeout[24], message_timeout[24];
    if (kafka_transactional_id(config, id, sizeof id, err) != 0) {
        return -1;
    }
    snprintf(timeout, sizeof timeout, "%" PRId64, config->transaction_timeout_ms);
    snprintf(message_timeout, sizeof message_timeout, "%" PRId64,
             config->transaction_timeout_ms * 2 / 3);
    const char *const pairs[][2] = {{"transactional.id", id},
                                    {"transaction.timeout.ms", timeout},
                                    {"message.timeout.ms", message_timeout},
                                    {"statistics.interval.ms", "1000"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (set(conf, pairs[i][0], pairs[i][1], err) != 0) {
            return -1;
        }
    }
    return 0;
}

int kafka_conf_reader(struct rd_kafka_conf_s *conf, bool uncommitted, struct err *err)
{
    const char *const pairs[][2] = {
        {"isolation.level", uncommitted ? "read_uncommitted" : "read_committed"},
        {"fetch.wait.max.ms", "10"}, /* the end is what it waits for, not more */
        {"fetch.message.max.bytes", "16777216"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (set(conf, pairs[i][0], pairs[i][1], err) != 0) {
            return -1;
        }
    }
    /* It only asks for ends: 2.0.2 would ask a leader of long ago again and again, as long as what
     * it once learned is valid (15 min), and be told that it leads no more. */
    return uncommitted ? set(conf, "metadata.max.age.ms", "1000", err) : 0;
}

int kafka_conf_follower(struct rd_kafka_conf_s *conf, struct err *err)
{
    /* a topic that was emptied and filled anew is read from its new beginning */
    return set(conf, "isolation.level", "read_committed", err) != 0 ||
                   set(conf, "auto.offset.reset", "earliest", err) != 0
               ? -1
               : 0;
}

int kafka_version_check(int version, struct err *err)
{
    /* Each lost or skipped messages, or sent what brokers refuse, and was replaced at once. */
    static const int broken[] = {0x020100, 0x020500, 0x020a00};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        if (version >> 8 == broken[i]) {
            return err_set(err, ERR_KAFKA,
                           "librdkafka %d.%d.%d has known faults that lose messages; use 2.0.2, or "
                           "2.10.1 or newer",
                           broken[i] >> 16, (broken[i] >> 8) & 0xff, broken[i] & 0xff);
        }
    }
    if (version < 0x02000200) {
        return err_set(err, ERR_KAFKA, "librdkafka %x is too old; use 2.0.2 or newer",
                       (unsigned)version >> 8);
    }
    return 0;
}

const char *kafka_default_strategy(int version)
{
    return version >= 0x020601ff ? "cooperative-sticky" : "range";
}
