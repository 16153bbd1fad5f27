#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clocks.h"
#include "daemon/partition_set.h"
#include "daemon/restorer_parts.h"

#define ASK_MS 3000
/* Brokers stamp the ends of transactions by their own clocks. */
#define CLOCK_SKEW_MS 5000

int reader_new_store(struct reader *reader, struct job *job)
{
    struct restored *restored = &job->restored;
    state_store_free(restored->store);
    restored->store =
        state_store_new(&reader->params, (uint32_t)restored->partition, &restored->err);
    return restored->store ? 0 : -1;
}

static void find_cluster(struct reader *reader, struct restored *restored)
{
    char *id = rd_kafka_clusterid(reader->committed, ASK_MS);
    snprintf(restored->cluster, sizeof restored->cluster, "%s", id ? id : "");
    rd_kafka_mem_free(reader->committed, id);
}

/* The value of one setting in the answer; NULL when it is not there. */
static const char *setting_of(rd_kafka_event_t *answer, const char *name)
{
    size_t resources = 0, entries = 0;
    const rd_kafka_ConfigResource_t **resource = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(answer), &resources);
    const rd_kafka_ConfigEntry_t **entry =
        resources ? rd_kafka_ConfigResource_configs(resource[0], &entries) : NULL;
    for (size_t i = 0; i < entries; i++) {
        if (strcmp(rd_kafka_ConfigEntry_name(entry[i]), name) == 0) {
            return rd_kafka_ConfigEntry_value(entry[i]);
        }
    }
    return NULL;
}

/* How long the brokers keep tombstones. */
static int ask_retention(struct reader *reader, int64_t *retention_ms, struct err *err)
{
    char reason[128];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(reader->open);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(reader->open, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_ConfigResource_t *topic =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, reader->state);
    rd_kafka_AdminOptions_set_request_timeout(options, ASK_MS, reason, sizeof reason);
    rd_kafka_DescribeConfigs(reader->open, &topic, 1, options, queue);
    rd_kafka_event_t *answer = rd_kafka_queue_poll(queue, ASK_MS + 1000);
    const char *value =
        answer && !rd_kafka_event_error(answer) ? setting_of(answer, "delete.retention.ms") : NULL;
    int rc = -1;
    if (value) {
        *retention_ms = strtoll(value, NULL, 10);
        rc = 0;
    } else {
        err_set(err, ERR_KAFKA, "delete.retention.ms of %s could not be asked", reader->state);
    }
    if (answer) {
        rd_kafka_event_destroy(answer);
    }
    rd_kafka_ConfigResource_destroy(topic);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return rc;
}

/* Whom a tombstone has removed is still in a snapshot from before it: the tail has to tell, and
 * does so for sure only as long as the brokers keep tombstones. */
static int check_age(struct reader *reader, const struct snapshot_covers *covers, struct err *err)
{
    int64_t retention_ms = 0, age_ms = wall_ms() - covers->written_ms;
    if (ask_retention(reader, &retention_ms, err) != 0) {
        return -1;
    }
    return age_ms >= 0 && age_ms < retention_ms
               ? 0
               : err_set(err, ERR_CHECK,
                         "it is %" PRId64 " s old, but %s keeps tombstones for %" PRId64
                         " s (delete.retention.ms)",
                         age_ms / 1000, reader->state, retention_ms / 1000);
}

/* Whether this is the log that it was taken of. Offsets alone do not say: a topic that was deleted
 * and made again counts from 0 and soon has them all. But what a snapshot has was written before
 * it, and in a log made later nothing was: the first record younger than it stands in the tail. */
static int check_log(struct reader *reader, int32_t partition, const struct snapshot_covers *covers,
                     struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *one =
        rd_kafka_topic_partition_list_add(list, reader->state, partition);
    one->offset = covers->written_ms + CLOCK_SKEW_MS;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(reader->open, list, ASK_MS);
    code = code ? code : one->err;
    int64_t younger = one->offset; /* negative: there is none */
    rd_kafka_topic_partition_list_destroy(list);
    if (code) {
        return err_set(err, ERR_KAFKA, "the changelog could not be asked for its times: %s",
                       rd_kafka_err2str(code));
    }
    return younger < 0 || younger >= covers->changelog_end
               ? 0
               : err_set(err, ERR_CHECK,
                         "offset %" PRId64 " of %s, which it covers, is younger than it", younger,
                         reader->state);
}

/* Whether the changelog still goes on where the snapshot ends. */
static int check(struct reader *reader, const struct restored *restored,
                 const struct snapshot_covers *covers, int64_t low, int64_t high, struct err *err)
{
    if (covers->changelog_end < low || covers->changelog_end > high) {
        return err_set(err, ERR_CHECK,
                       "it ends at offset %" PRId64 " of the changelog, which has %" PRId64
                       " to %" PRId64,
                       covers->changelog_end, low, high);
    }
    if (restored->offset == OFFSET_NONE || covers->meta.input_offset > restored->offset) {
        return err_set(err, ERR_CHECK,
                       "it is of input offset %" PRId64 ", the group has committed %" PRId64,
                       covers->meta.input_offset, restored->offset);
    }
    return check_log(reader, restored->partition, covers, err) == 0 ? check_age(reader, covers, err)
                                                                    : -1;
}

int reader_ignore_snapshot(struct reader *reader, struct job *job, const struct err *why)
{
    job->restored.snapshot_users = 0;
    job->restored.snapshot_ignored = true;
    logger_event(reader->log.logger, LEVEL_WARN, "snapshot-ignored",
                 "partition %" PRId32 ": %s; the whole of %s is read", job->restored.partition,
                 why->text, reader->state);
    return reader_new_store(reader, job);
}

int64_t reader_take_snapshot(struct reader *reader, struct job *job, int64_t low, int64_t high,
                             struct changelog_meta *meta)
{
    struct restored *restored = &job->restored;
    struct snapshot_covers covers;
    struct err err = {0};
    if (!*reader->dir) {
        return low;
    }
    find_cluster(reader, restored);
    const struct snapshot_of of = {restored->cluster, reader->group, reader->state,
                                   restored->partition};
    int found = snapshot_file_head(reader->dir, &of, &covers, &err);
    if (found == 0) {
        return low;
    }
    if (found > 0 && check(reader, restored, &covers, low, high, &err) == 0) {
        restored->snapshot_users = snapshot_file_records(reader->dir, &of, restored->store, &err);
        if (restored->snapshot_users > 0) {
            *meta = covers.meta;
            return covers.changelog_end;
        }
    }
    return reader_ignore_snapshot(reader, job, &err) == 0 ? low : -1;
}
