#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/kafka_reader.h"
#include "daemon/side_inputs_parts.h"

/* How long one question or wait may take before `stop` is looked at. */
#define ASK_MS  1000
#define POLL_MS 100
/* Of a topic's bad records so many are logged; all are counted. */
#define BAD_LOGGED_MAX 100

int side_reader_init(struct side_reader *reader, const struct config *config, struct logger *logger,
                     struct err *err)
{
    const char *names[SIDE_INPUTS] = {config->topic_profiles, config->topic_track_durations};
    reader->log.logger = logger;
    for (int i = 0; i < SIDE_INPUTS; i++) {
        if (*names[i] && !(reader->topic[i].name = strdup(names[i]))) {
            return err_set(err, ERR_MEMORY, "out of memory");
        }
    }
    reader->committed =
        kafka_reader_new(config, KAFKA_FOLLOW_COMMITTED, &reader->log, "side inputs", err);
    reader->open = reader->committed ? kafka_reader_new(config, KAFKA_READ_UNCOMMITTED,
                                                        &reader->log, "side inputs", err)
                                     : NULL;
    return reader->open ? 0 : -1;
}

void side_reader_release(struct side_reader *reader)
{
    kafka_reader_free(reader->committed);
    kafka_reader_free(reader->open);
    for (int i = 0; i < SIDE_INPUTS; i++) {
        free(reader->topic[i].name);
        free(reader->topic[i].partition);
    }
}

static bool is_over(const struct side_inputs *side)
{
    return atomic_load(&side->stop);
}

static int cannot_read(enum side_input input, const char *name, rd_kafka_resp_err_t code,
                       struct err *err)
{
    return err_set(err, ERR_KAFKA, "topic %s (%s): %s", name, side_input_key(input),
                   rd_kafka_err2str(code));
}

/* @return the count, 0 when it is worth another try, -1 with err */
static int ask_partitions(struct side_reader *reader, enum side_input input, struct err *err)
{
    const struct rd_kafka_metadata *answer = NULL;
    const char *name = reader->topic[input].name;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(reader->open, name, NULL);
    rd_kafka_resp_err_t code = handle ? rd_kafka_metadata(reader->open, 0, handle, &answer, ASK_MS)
                                      : rd_kafka_last_error();
    int count = 0;
    if (handle) {
        rd_kafka_topic_destroy(handle);
    }
    if (answer) {
        code = answer->topic_cnt == 1 ? answer->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN;
        count = answer->topic_cnt == 1 ? answer->topics[0].partition_cnt : 0;
        rd_kafka_metadata_destroy(answer);
    }
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        return err_set(err, ERR_USAGE,
                       "topic %s (%s) does not exist; make it by outrod -c FILE --create-topics",
                       name, side_input_key(input));
    }
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        return cannot_read(input, name, code, err);
    }
    return code ? 0 : count;
}

/* Where the first reading begins and ends. @return 0, -1 with err or when it is over */
static int ask_ends(struct side_inputs *side, enum side_input input, struct err *err)
{
    struct side_reader *reader = &side->reader;
    struct side_topic *topic = &reader->topic[input];
    int count = 0;
    while ((count = ask_partitions(reader, input, err)) == 0 && !is_over(side)) {
        kafka_reader_idle(reader->open, POLL_MS);
    }
    if (count <= 0) {
        return -1;
    }
    topic->partition = calloc((size_t)count, sizeof *topic->partition);
    if (!topic->partition) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    topic->partitions = (size_t)count;
    for (int32_t p = 0; p < count; p++) {
        struct side_partition *partition = &topic->partition[p];
        while (rd_kafka_query_watermark_offsets(reader->open, topic->name, p, &partition->at,
                                                &partition->target, ASK_MS)) {
            if (is_over(side)) {
                return -1;
            }
            kafka_reader_idle(reader->open, POLL_MS);
        }
        partition->done = partition->at >= partition->target;
        reader->left += !partition->done;
        atomic_fetch_add(&side->all, partition->target - partition->at);
    }
    return 0;
}

static int assign(struct side_reader *reader, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (int i = 0; i < SIDE_INPUTS; i++) {
        const struct side_topic *topic = &reader->topic[i];
        for (size_t p = 0; p < topic->partitions; p++) {
            rd_kafka_topic_partition_list_add(list, topic->name, (int32_t)p)->offset =
                topic->partition[p].at;
        }
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(reader->committed, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? err_set(err, ERR_KAFKA, "side inputs: %s", rd_kafka_err2str(code)) : 0;
}

static void take_record(struct side_inputs *side, enum side_input input,
                        const rd_kafka_message_t *message)
{
    struct side_change change;
    struct err why;
    atomic_fetch_add(&side->records[input], 1);
    if (side_record_read(input, (struct slice){message->key, message->key_len},
                         (struct slice){message->payload, message->len}, &change, &why) == 0) {
        side_inputs_give(side, &change);
        return;
    }
    uint64_t before = atomic_fetch_add(&side->bad[input], 1);
    if (before < BAD_LOGGED_MAX) {
        logger_event(side->reader.log.logger, LEVEL_WARN, "side-input-bad",
                     "topic %s partition %" PRId32 " offset %" PRId64 ": %s; passed over%s",
                     side->reader.topic[input].name, message->partition, message->offset, why.text,
                     before + 1 == BAD_LOGGED_MAX ? ", and further ones are only counted" : "");
    }
}

/* Read up to `at`, transaction markers included. */
static void move_to(struct side_inputs *side, struct side_partition *partition, int64_t at)
{
    int64_t counted = at < partition->target ? at : partition->target;
    if (!partition->done && counted > partition->at) {
        atomic_fetch_add(&side->read, counted - partition->at);
        partition->at = counted;
    }
    if (!partition->done && partition->at >= partition->target) {
        partition->done = true;
        side->reader.left--;
    }
}

/* Something is wrong with a topic or the client; librdkafka goes on by itself where that helps. */
static int take_news(struct side_reader *reader, const rd_kafka_message_t *news, struct err *err)
{
    logger_event(reader->log.logger, LEVEL_WARN, "kafka-error", "side inputs: %s: %s",
                 rd_kafka_err2name(news->err), rd_kafka_message_errstr(news));
    bool hopeless = news->err == RD_KAFKA_RESP_ERR__FATAL ||
                    news->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    return hopeless ? err_set(err, ERR_KAFKA, "side inputs: %s", rd_kafka_message_errstr(news)) : 0;
}

static int take(struct side_inputs *side, const rd_kafka_message_t *message, struct err *err)
{
    struct side_reader *reader = &side->reader;
    bool is_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (message->err && !is_end) {
        return take_news(reader, message, err);
    }
    const char *name = rd_kafka_topic_name(message->rkt);
    const char *durations = reader->topic[SIDE_DURATIONS].name;
    enum side_input input =
        durations && strcmp(name, durations) == 0 ? SIDE_DURATIONS : SIDE_PROFILES;
    if (!is_end) {
        take_record(side, input, message);
    }
    move_to(side, &reader->topic[input].partition[message->partition],
            message->offset + (is_end ? 0 : 1));
    return 0;
}

int side_reader_run(struct side_inputs *side, struct err *err)
{
    struct side_reader *reader = &side->reader;
    for (int i = 0; i < SIDE_INPUTS; i++) {
        if (reader->topic[i].name && ask_ends(side, (enum side_input)i, err) != 0) {
            return is_over(side) ? 0 : -1;
        }
    }
    if (assign(reader, err) != 0) {
        return -1;
    }
    int rc = 0;
    bool whole = false;
    while (rc == 0 && !is_over(side)) {
        if (!whole && reader->left == 0) {
            whole = true;
            side_inputs_whole(side);
        }
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->committed, POLL_MS);
        if (message) {
            rc = take(side, message, err);
            rd_kafka_message_destroy(message);
        }
    }
    rd_kafka_assign(reader->committed, NULL);
    return rc;
}
