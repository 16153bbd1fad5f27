#include "daemon/kafka_log.h"

#include <stdbool.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

/* syslog's levels to ours. What librdkafka calls an error (a broker that does not answer) it goes
 * on to retry: for us it is a warning; what stops us comes through the error callback. */
static enum log_level level_of(int syslog_level)
{
    return syslog_level <= 2   ? LEVEL_ERROR
           : syslog_level <= 4 ? LEVEL_WARN
           : syslog_level <= 6 ? LEVEL_INFO
                               : LEVEL_DEBUG;
}

/* The operator's properties go to both clients; each says that it ignores the other's. */
static bool is_noise(const char *facility, const char *text)
{
    return strcmp(facility, "CONFWARN") == 0 &&
           strstr(text, "property and will be ignored by this");
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    struct kafka_log_owner *owner = rk ? rd_kafka_opaque(rk) : NULL;
    if (owner && !is_noise(facility, text)) {
        logger_event(owner->logger, level_of(level), "librdkafka", "%s %s: %s", rd_kafka_name(rk),
                     facility, text);
    }
}

void kafka_log_attach(struct rd_kafka_conf_s *conf)
{
    rd_kafka_conf_set_log_cb(conf, on_log);
}
