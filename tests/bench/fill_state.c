/* fill_state.c - writes users with full histories into a topic of state, as outrod does, and
 * commits the offset of the input that they stand for, so that an outrod of that group restores
 * them. The input is empty: offset 0. Prints what it wrote as JSON. Usage: fill_state BOOTSTRAP
 * GROUP INPUT STATE PARTITIONS USERS */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "daemon/config.h"
#include "daemon/kafka_conf.h"
#include "lives.h"

struct filler {
    rd_kafka_t *producer;
    rd_kafka_topic_t *state;
    uint64_t failed, bytes;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "fill_state: %s: %s\n", what, why);
    exit(1);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct filler *filler = opaque;
    (void)rk;
    filler->failed += message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_t *client(struct filler *filler, const struct config *config, enum kafka_side side)
{
    struct err err = {0};
    char reason[256] = "";
    rd_kafka_conf_t *conf = kafka_conf_new(config, side, &err);
    if (!conf) {
        die("settings", err.text);
    }
    rd_kafka_conf_set_opaque(conf, filler);
    if (side == KAFKA_PRODUCER) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    }
    rd_kafka_t *rk = rd_kafka_new(side == KAFKA_PRODUCER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER,
                                  conf, reason, sizeof reason);
    if (!rk) {
        die("client", reason);
    }
    return rk;
}

static void send_record(struct filler *filler, int32_t partition, enum changelog_kind kind,
                        struct slice user_id, void *value, size_t size)
{
    char key[CHANGELOG_KEY_MAX];
    size_t key_size = changelog_key(kind, user_id, key);
    filler->bytes += key_size + size;
    while (rd_kafka_produce(filler->state, partition, RD_KAFKA_MSG_F_COPY, value, size, key,
                            key_size, NULL) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            die("produce", rd_kafka_err2str(rd_kafka_last_error()));
        }
        rd_kafka_poll(filler->producer, 100);
    }
}

static void fill(struct filler *filler, int32_t partitions, uint32_t users)
{
    const struct stream_params params = STREAM_PARAMS_DEFAULTS;
    const struct changelog_meta meta = {.input_offset = 0, .stream_time = EVENT_TIME_NEVER};
    struct lives lives;
    struct err err = {0};
    if (lives_init(&lives, &params, &err) != 0) {
        die("history", err.text);
    }
    const struct user_layout *layout = lives_layout(&lives);
    void *value = malloc(changelog_value_max(layout));
    if (!value) {
        die("history", "out of memory");
    }
    for (uint32_t u = 0; u < users; u++) {
        const struct user_state *user = lives_user(&lives, u);
        struct slice id = {user->user_id, user->user_id_size};
        int32_t to = (int32_t)(u / LIVES) % partitions;
        send_record(filler, to, CHANGELOG_OPEN, id, value,
                    changelog_encode_open(layout, user, value));
        send_record(filler, to, CHANGELOG_HISTORY, id, value,
                    changelog_encode_history(layout, user, value));
        rd_kafka_poll(filler->producer, 0);
    }
    for (int32_t p = 0; p < partitions; p++) {
        send_record(filler, p, CHANGELOG_META, (struct slice){NULL, 0}, value,
                    changelog_encode_meta(&meta, value));
    }
    free(value);
    lives_release(&lives);
}

static void commit_zero(struct filler *filler, const struct config *config, const char *input,
                        int32_t partitions)
{
    rd_kafka_t *consumer = client(filler, config, KAFKA_CONSUMER);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int32_t p = 0; p < partitions; p++) {
        rd_kafka_topic_partition_list_add(list, input, p)->offset = 0;
    }
    rd_kafka_resp_err_t code = rd_kafka_commit(consumer, list, 0);
    if (code) {
        die("commit", rd_kafka_err2str(code));
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy_flags(consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

int main(int argc, char **argv)
{
    struct filler filler = {0};
    struct config config;
    struct err err = {0};
    int32_t partitions = argc == 7 ? atoi(argv[5]) : 0;
    uint32_t users = argc == 7 ? (uint32_t)strtoul(argv[6], NULL, 10) : 0;
    if (partitions < 1 || users == 0) {
        fputs("usage: fill_state BOOTSTRAP GROUP INPUT STATE PARTITIONS USERS\n", stderr);
        return 2;
    }
    if (config_init(&config, &err) != 0 ||
        config_set(&config, "kafka.bootstrap.servers", argv[1], &err) != 0 ||
        config_set(&config, "kafka.group.id", argv[2], &err) != 0) {
        die("settings", err.text);
    }
    filler.producer = client(&filler, &config, KAFKA_PRODUCER);
    filler.state = rd_kafka_topic_new(filler.producer, argv[4], NULL);
    fill(&filler, partitions, users);
    rd_kafka_flush(filler.producer, 60000);
    if (filler.failed > 0 || rd_kafka_outq_len(filler.producer) > 0) {
        die("produce", "not every record was kept");
    }
    commit_zero(&filler, &config, argv[3], partitions);
    printf("{\"users\":%" PRIu32 ",\"bytes\":%" PRIu64 "}\n", users, filler.bytes);
    rd_kafka_topic_destroy(filler.state);
    rd_kafka_destroy(filler.producer);
    config_release(&config);
    return 0;
}
