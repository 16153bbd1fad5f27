/* bench_passthrough.c - the floor under outrod: a bare librdkafka client that consumes a topic and,
 * for every message, produces one record as large as a prediction with the same key, with outrod's
 * own client settings (kafka_conf.h), delivery reports and commits. Prints CPU time a message
 * (getrusage of the process, all threads) as JSON. Usage: bench_passthrough BOOTSTRAP IN OUT
 * MESSAGES [GROUP] */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <librdkafka/rdkafka.h>

#include "daemon/config.h"
#include "daemon/kafka_conf.h"

#define RECORD_BYTES   280 /* as predictions are */
#define COMMIT_EVERY_S 1

struct passthrough {
    rd_kafka_t *consumer, *producer;
    rd_kafka_topic_t *out;
    uint64_t acknowledged, failed;
};

struct moment {
    double cpu_s, wall_s;
};

static struct moment now(void)
{
    struct rusage usage;
    struct timespec wall;
    getrusage(RUSAGE_SELF, &usage);
    clock_gettime(CLOCK_MONOTONIC, &wall);
    return (struct moment){(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
                           (double)wall.tv_sec + (double)wall.tv_nsec / 1e9};
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct passthrough *pass = opaque;
    (void)rk;
    *(message->err ? &pass->failed : &pass->acknowledged) += 1;
}

static rd_kafka_t *client(struct passthrough *pass, const struct config *config,
                          enum kafka_side side)
{
    struct err err = {0};
    char reason[256] = "";
    rd_kafka_conf_t *conf = kafka_conf_new(config, side, &err);
    if (!conf) {
        fprintf(stderr, "bench_passthrough: %s\n", err.text);
        exit(1);
    }
    rd_kafka_conf_set_opaque(conf, pass);
    if (side == KAFKA_PRODUCER) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    }
    rd_kafka_t *rk = rd_kafka_new(side == KAFKA_PRODUCER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER,
                                  conf, reason, sizeof reason);
    if (!rk) {
        fprintf(stderr, "bench_passthrough: %s\n", reason);
        exit(1);
    }
    return rk;
}

static void open_clients(struct passthrough *pass, char **argv, const char *group)
{
    struct config config;
    struct err err;
    if (config_init(&config, &err) != 0 ||
        config_set(&config, "kafka.bootstrap.servers", argv[1], &err) != 0 ||
        config_set(&config, "kafka.group.id", group, &err) != 0 ||
        config_set(&config, "kafka.log_level", "3", &err) != 0) {
        fprintf(stderr, "bench_passthrough: %s\n", err.text);
        exit(1);
    }
    pass->consumer = client(pass, &config, KAFKA_CONSUMER);
    pass->producer = client(pass, &config, KAFKA_PRODUCER);
    config_release(&config);
    rd_kafka_poll_set_consumer(pass->consumer);
    pass->out = rd_kafka_topic_new(pass->producer, argv[3], NULL);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, argv[2], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(pass->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code || !pass->out) {
        fprintf(stderr, "bench_passthrough: %s\n", rd_kafka_err2str(code));
        exit(1);
    }
}

/* One record as large as a prediction, of the message's own bytes, so that it compresses like one.
 */
static void pass_on(struct passthrough *pass, const rd_kafka_message_t *message)
{
    char record[RECORD_BYTES];
    for (size_t used = 0; used < sizeof record;) {
        size_t room = sizeof record - used;
        size_t part = message->len < room ? message->len : room;
        memcpy(record + used, part ? message->payload : (const void *)"-", part ? part : 1);
        used += part ? part : 1;
    }
    while (rd_kafka_produce(pass->out, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, record,
                            sizeof record, message->key, message->key_len, NULL) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            fprintf(stderr, "bench_passthrough: %s\n", rd_kafka_err2str(rd_kafka_last_error()));
            exit(1);
        }
        rd_kafka_poll(pass->producer, 100);
    }
}

/* Passes on that many messages. @return the moment of the first */
static struct moment work(struct passthrough *pass, uint64_t messages)
{
    struct moment begin = now();
    double committed_s = begin.wall_s;
    for (uint64_t taken = 0; taken < messages;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(pass->consumer, 100);
        if (message && !message->err) {
            if (taken++ == 0) {
                begin = now();
            }
            pass_on(pass, message);
        }
        if (message) {
            rd_kafka_message_destroy(message);
        }
        if (taken % 512 == 0) {
            rd_kafka_poll(pass->producer, 0);
            double wall_s = now().wall_s;
            if (wall_s - committed_s >= COMMIT_EVERY_S) {
                committed_s = wall_s;
                rd_kafka_commit(pass->consumer, NULL, 1);
            }
        }
    }
    return begin;
}

int main(int argc, char **argv)
{
    struct passthrough pass = {0};
    char group[64];
    if (argc < 5 || strtoull(argv[4], NULL, 10) == 0) {
        fputs("usage: bench_passthrough BOOTSTRAP IN OUT MESSAGES [GROUP]\n", stderr);
        return 2;
    }
    uint64_t messages = strtoull(argv[4], NULL, 10);
    snprintf(group, sizeof group, "passthrough-%ld", (long)time(NULL));
    open_clients(&pass, argv, argc > 5 ? argv[5] : group);
    struct moment begin = work(&pass, messages);
    while (pass.acknowledged + pass.failed < messages) {
        rd_kafka_poll(pass.producer, 100);
    }
    struct moment end = now();
    double counted = (double)messages;
    printf("{\"messages\":%" PRIu64 ",\"failed\":%" PRIu64
           ",\"cpu_us\":%.3f,\"messages_per_s\":%.0f}\n",
           messages, pass.failed, (end.cpu_s - begin.cpu_s) / counted * 1e6,
           counted / (end.wall_s - begin.wall_s));
    rd_kafka_consumer_close(pass.consumer);
    rd_kafka_topic_destroy(pass.out);
    rd_kafka_destroy(pass.producer);
    rd_kafka_destroy(pass.consumer);
    return pass.failed ? 1 : 0;
}
