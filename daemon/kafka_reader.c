#include "daemon/kafka_reader.h"

#include <librdkafka/rdkafka.h>

#include "daemon/kafka_conf.h"

static int configure(rd_kafka_conf_t *conf, enum kafka_reading reading, struct err *err)
{
    return reading == KAFKA_FOLLOW_COMMITTED
               ? kafka_conf_follower(conf, err)
               : kafka_conf_reader(conf, reading == KAFKA_READ_UNCOMMITTED, err);
}

struct rd_kafka_s *kafka_reader_new(const struct config *config, enum kafka_reading reading,
                                    struct kafka_log_owner *log, const char *who, struct err *err)
{
    char reason[256];
    rd_kafka_conf_t *conf = kafka_conf_new(config, KAFKA_CONSUMER, err);
    if (!conf) {
        return NULL;
    }
    if (configure(conf, reading, err) != 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_opaque(conf, log);
    kafka_log_attach(conf);
    rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (!reader) {
        rd_kafka_conf_destroy(conf);
        err_set(err, ERR_KAFKA, "%s: %s", who, reason);
        return NULL;
    }
    rd_kafka_poll_set_consumer(reader);
    return reader;
}

void kafka_reader_idle(struct rd_kafka_s *reader, int timeout_ms)
{
    rd_kafka_message_t *news = rd_kafka_consumer_poll(reader, timeout_ms);
    if (news) {
        rd_kafka_message_destroy(news);
    }
}

void kafka_reader_free(struct rd_kafka_s *reader)
{
    if (reader) { /* no member of the group: nothing to leave */
        rd_kafka_destroy_flags(reader, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
}
