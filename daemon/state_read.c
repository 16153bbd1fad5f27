#include "daemon/state_read.h"

#include <inttypes.h>

#include <librdkafka/rdkafka.h>

struct filling {
    struct state_store *store;
    struct changelog_meta *meta;
};

static int take(void *ctx, const struct rd_kafka_message_s *message, struct err *err)
{
    const struct filling *filling = ctx;
    struct slice key = {message->key, message->key_len};
    struct slice value = {message->payload, message->len};
    if (changelog_apply(filling->store, key, value, filling->meta, err) < 0) {
        return err_prefix(err, "%s partition %" PRId32 " offset %" PRId64,
                          rd_kafka_topic_name(message->rkt), message->partition, message->offset);
    }
    return 0;
}

int state_read(struct topic_reader *reader, const char *topic, const struct topic_range *range,
               struct state_store *store, struct changelog_meta *meta, struct err *err)
{
    struct filling filling = {store, meta};
    *meta = (struct changelog_meta){.input_offset = -1, .stream_time = EVENT_TIME_NEVER};
    if (topic_reader_run(reader, topic, range, 1, take, &filling, err) != 0) {
        return -1;
    }
    if (meta->input_offset >= 0 && changelog_finish(store, meta, err) != 0) {
        return err_prefix(err, "%s partition %" PRId32, topic, range->partition);
    }
    return 0;
}
