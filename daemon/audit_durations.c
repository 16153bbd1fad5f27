#include "daemon/audit_durations.h"

#include <stdlib.h>

#include <librdkafka/rdkafka.h>

#include "daemon/side_record.h"
#include "data/durations.h"

/* Daemons that run have followed a record that long after it was written, at the latest. */
#define FOLLOWED_MS INT64_C(60000)

struct audit_durations {
    struct durations *known;   /* NULL: none */
    struct key_table *changed; /* of tracks changed since first_ms: seconds after it, rounded up */
    int64_t first_ms; /* what was written before the first prediction was read before it, too */
};

/* The first record of one partition. */
static int take_first(void *ctx, const struct rd_kafka_message_s *message, struct err *err)
{
    struct audit_durations *durations = ctx;
    int64_t ms = rd_kafka_message_timestamp(message, NULL);
    if (ms >= 0 && ms < durations->first_ms) {
        durations->first_ms = ms;
    }
    return err_set(err, ERR_CANCELLED, "one was enough");
}

static int take_record(void *ctx, const struct rd_kafka_message_s *message, struct err *err)
{
    struct audit_durations *durations = ctx;
    struct side_change change;
    struct err why;
    if (side_record_read(SIDE_DURATIONS, (struct slice){message->key, message->key_len},
                         (struct slice){message->payload, message->len}, &change, &why) != 0) {
        return 0; /* the daemon passes it over, too */
    }
    int64_t after_ms = rd_kafka_message_timestamp(message, NULL) - durations->first_ms;
    int64_t after_s = after_ms < 0 ? 0 : after_ms / 1000 + 1;
    if (after_s > 0 &&
        key_table_set(durations->changed, change.key,
                      after_s > UINT32_MAX ? UINT32_MAX : (uint32_t)after_s, err) != 0) {
        return -1;
    }
    return durations_set(durations->known, change.key, change.value, err);
}

/* Every record of a topic, or of each partition the first. */
static int read_topic(struct audit_durations *durations, struct topic_reader *reader,
                      const char *topic, bool first, struct err *err)
{
    int count = topic_reader_partitions(reader, topic, err);
    struct topic_range *range = count > 0 ? calloc((size_t)count, sizeof *range) : NULL;
    int rc = -1;
    if (!range) {
        return count < 0    ? -1
               : count == 0 ? err_set(err, ERR_INPUT, "topic %s does not exist", topic)
                            : err_set(err, ERR_MEMORY, "out of memory");
    }
    if (topic_reader_bounds(reader, topic, range, (size_t)count, err) != 0) {
        goto out;
    }
    rc = 0;
    for (int p = 0; p < count && rc == 0 && first; p++) {
        rc = topic_reader_run(reader, topic, &range[p], 1, take_first, durations, err);
        rc = rc != 0 && err->code == ERR_CANCELLED ? 0 : rc;
    }
    if (!first) {
        rc = topic_reader_run(reader, topic, range, (size_t)count, take_record, durations, err);
    }
out:
    free(range);
    return rc;
}

struct audit_durations *audit_durations_new(const struct config *config,
                                            struct topic_reader *reader, struct err *err)
{
    struct audit_durations *durations = calloc(1, sizeof *durations);
    if (!durations) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    durations->first_ms = INT64_MAX;
    if (*config->durations_file &&
        !(durations->known = durations_load(config->durations_file, err))) {
        err_prefix(err, "durations.file");
        goto fail;
    }
    if (*config->topic_track_durations) {
        durations->known = durations_new(err);
        durations->changed = durations->known ? key_table_new(err) : NULL;
        if (!durations->changed ||
            read_topic(durations, reader, config->topic_predictions, true, err) != 0 ||
            read_topic(durations, reader, config->topic_track_durations, false, err) != 0) {
            goto fail;
        }
    }
    return durations;
fail:
    audit_durations_free(durations);
    return NULL;
}

void audit_durations_free(struct audit_durations *durations)
{
    if (durations) {
        durations_free(durations->known);
        key_table_free(durations->changed);
        free(durations);
    }
}

bool audit_durations_fill(const struct audit_durations *durations, int64_t written_ms,
                          struct scrobble *scrobble)
{
    if (scrobble->duration_ms != 0 || !durations->known) {
        return true;
    }
    struct table_key key = durations_key(scrobble->artist, scrobble->track);
    scrobble->duration_ms = durations_find(durations->known, scrobble->artist, scrobble->track);
    uint32_t after_s = durations->changed ? key_table_get(durations->changed, key) : 0;
    return after_s == 0 ||
           durations->first_ms + after_s * INT64_C(1000) + FOLLOWED_MS <= written_ms;
}
