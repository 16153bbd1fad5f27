#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clocks.h"
#include "daemon/failpoint.h"
#include "daemon/kafka_conf.h"
#include "daemon/kafka_reader.h"
#include "daemon/partition_set.h"
#include "daemon/restorer_parts.h"
#include "stream/changelog.h"

/* How long one question to a broker may take before whether we are still wanted is looked at. */
#define ASK_MS  1000
#define POLL_MS 100
/* What brokers add to transaction.timeout.ms before they end a transaction: they look for expired
 * ones every 10 s by default. */
#define STALL_MARGIN_MS INT64_C(20000)

int reader_init(struct reader *reader, const struct config *config,
                const struct stream_params *params, struct logger *logger, struct err *err)
{
    reader->log.logger = logger;
    reader->params = *params;
    reader->exactly_once = config->delivery == DELIVERY_EXACTLY_ONCE;
    reader->stall_max_ms = config->transaction_timeout_ms + STALL_MARGIN_MS;
    reader->input = strdup(config->topic_scrobbles);
    reader->state = strdup(config->topic_state);
    reader->dir = strdup(config->state_dir);
    reader->group = strndup(kafka_group(config), SNAPSHOT_TEXT_MAX);
    if (!reader->input || !reader->state || !reader->dir || !reader->group) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    reader->committed =
        kafka_reader_new(config, KAFKA_READ_COMMITTED, &reader->log, "restorer", err);
    reader->open = reader->committed ? kafka_reader_new(config, KAFKA_READ_UNCOMMITTED,
                                                        &reader->log, "restorer", err)
                                     : NULL;
    reader->known =
        reader->committed ? rd_kafka_topic_new(reader->committed, reader->state, NULL) : NULL;
    return reader->open ? 0 : -1;
}

void reader_release(struct reader *reader)
{
    if (reader->known) {
        rd_kafka_topic_destroy(reader->known);
    }
    kafka_reader_free(reader->committed);
    kafka_reader_free(reader->open);
    free(reader->input);
    free(reader->state);
    free(reader->dir);
    free(reader->group);
}

static bool wanted(struct job *job)
{
    return !atomic_load(&job->cancelled);
}

/* Brokers come back; a topic that is not there has to be made. */
static bool worth_another_try(rd_kafka_resp_err_t code)
{
    return code != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION &&
           code != RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC &&
           code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
           code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED &&
           code != RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED && code != RD_KAFKA_RESP_ERR__FATAL;
}

static void pause_before_retry(struct job *job, rd_kafka_t *rk)
{
    if (wanted(job)) {
        kafka_reader_idle(rk, POLL_MS);
    }
}

static int committed_offset(struct reader *reader, struct job *job, int64_t *offset)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    while (wanted(job)) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_t *one =
            rd_kafka_topic_partition_list_add(list, reader->input, job->restored.partition);
        code = rd_kafka_committed(reader->committed, list, ASK_MS);
        code = code ? code : one->err;
        *offset = one->offset < 0 ? OFFSET_NONE : one->offset;
        rd_kafka_topic_partition_list_destroy(list);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return 0;
        }
        if (!worth_another_try(code)) {
            break;
        }
        pause_before_retry(job, reader->committed);
    }
    return err_set(&job->restored.err, ERR_KAFKA, "committed offset of %s [%" PRId32 "]: %s",
                   reader->input, job->restored.partition, rd_kafka_err2str(code));
}

/* Messages that retention took before anybody read them are lost to us: that is said, and
 * librdkafka goes on where the input begins now, unless kafka.auto.offset.reset forbids it. */
static void note_deleted_input(struct reader *reader, struct job *job)
{
    const struct restored *restored = &job->restored;
    int64_t low, high;
    if (rd_kafka_query_watermark_offsets(reader->open, reader->input, restored->partition, &low,
                                         &high, ASK_MS) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        restored->offset != OFFSET_NONE && low > restored->offset) {
        logger_event(reader->log.logger, LEVEL_WARN, "input-deleted",
                     "%s [%" PRId32 "]: offsets %" PRId64 " to %" PRId64 " were deleted before "
                     "they were read; their scrobbles are in no session",
                     reader->input, restored->partition, restored->offset, low - 1);
    }
}

/* First and end offset, records of open transactions counted: the end that another owner may have
 * written up to. */
static int changelog_ends(struct reader *reader, struct job *job, int64_t *low, int64_t *high)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    while (wanted(job)) {
        code = rd_kafka_query_watermark_offsets(reader->open, reader->state,
                                                job->restored.partition, low, high, ASK_MS);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return 0;
        }
        if (!worth_another_try(code)) {
            break;
        }
        pause_before_retry(job, reader->open);
    }
    return err_set(&job->restored.err, ERR_KAFKA,
                   "end of %s [%" PRId32 "]: %s; the topic must have as many partitions as %s",
                   reader->state, job->restored.partition, rd_kafka_err2str(code), reader->input);
}

struct progress {
    struct changelog_meta meta;
    bool has_meta;
    int64_t first; /* offset where reading began */
};

static int apply(struct job *job, struct progress *progress, const rd_kafka_message_t *message)
{
    struct restored *restored = &job->restored;
    struct slice key = {message->key, message->key_len};
    struct slice value = {message->payload, message->len};
    int kind = changelog_apply(restored->store, key, value, &progress->meta, &restored->err);
    if (kind < 0) {
        return err_prefix(&restored->err, "changelog [%" PRId32 "] offset %" PRId64,
                          restored->partition, message->offset);
    }
    if (kind == CHANGELOG_META) {
        progress->has_meta = message->payload != NULL;
    }
    restored->records++;
    restored->bytes += (int64_t)(message->key_len + message->len);
    atomic_store_explicit(&job->read, message->offset + 1 - progress->first, memory_order_relaxed);
    return 0;
}

/* Read to the end of what is committed, but not to the target: somebody's transaction is open. */
static int stalled(struct reader *reader, struct job *job, int64_t at, int64_t target,
                   int64_t *since_ms)
{
    int64_t now_ms = monotonic_ms();
    if (!atomic_exchange(&job->stalled, true)) {
        *since_ms = now_ms;
        logger_event(reader->log.logger, LEVEL_WARN, "restore-stalled",
                     "%s [%" PRId32 "]: an open transaction of another writer holds back offsets "
                     "%" PRId64 " to %" PRId64 "; waiting at most %" PRId64 " ms",
                     reader->state, job->restored.partition, at, target, reader->stall_max_ms);
    }
    if (now_ms - *since_ms <= reader->stall_max_ms) {
        return 0;
    }
    return err_set(&job->restored.err, ERR_KAFKA,
                   "%s [%" PRId32 "]: the transaction open at offset %" PRId64 " did not end in "
                   "%" PRId64 " ms; end it (kafka-transactions.sh abort) and start again",
                   reader->state, job->restored.partition, at, reader->stall_max_ms);
}

/* Everything committed up to the target, into the store. */
static int read_to(struct reader *reader, struct job *job, int64_t target,
                   struct progress *progress)
{
    int64_t at = -1, since_ms = 0;
    int rc = 0;
    while (rc == 0 && at < target && wanted(job)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->committed, POLL_MS);
        if (message && !message->err) {
            at = message->offset + 1;
            failpoint("mid-restore");
            rc = apply(job, progress, message);
            atomic_store(&job->stalled, false);
        } else if (message && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            at = message->offset;
            rc = at < target ? stalled(reader, job, at, target, &since_ms) : 0;
        } else if (!message && atomic_load(&job->stalled)) {
            rc = stalled(reader, job, at, target, &since_ms);
        } else if (message && !worth_another_try(message->err)) {
            rc = err_set(&job->restored.err, ERR_KAFKA, "reading %s: %s", reader->state,
                         rd_kafka_message_errstr(message));
        }
        if (message) {
            rd_kafka_message_destroy(message);
        }
    }
    atomic_store(&job->stalled, false);
    return rc;
}

/* Everything from `first` to `high`. */
static int read_changelog(struct reader *reader, struct job *job, int64_t first, int64_t high,
                          struct progress *progress)
{
    progress->first = first;
    job->restored.changelog_end = high;
    job->restored.records = job->restored.bytes = 0;
    atomic_store(&job->read, 0);
    atomic_store(&job->all, high - first);
    if (high == first) {
        return 0;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, reader->state, job->restored.partition)->offset = first;
    rd_kafka_resp_err_t code = rd_kafka_assign(reader->committed, list);
    rd_kafka_topic_partition_list_destroy(list);
    int rc = code ? err_set(&job->restored.err, ERR_KAFKA, "reading %s: %s", reader->state,
                            rd_kafka_err2str(code))
                  : read_to(reader, job, high, progress);
    rd_kafka_assign(reader->committed, NULL);
    return rc;
}

/* State and offsets were written in one transaction: they agree, or somebody else has been at them.
 */
static int check(struct reader *reader, struct job *job, const struct progress *progress)
{
    struct restored *restored = &job->restored;
    bool empty = !progress->has_meta && state_store_users(restored->store) == 0;
    if (restored->offset == OFFSET_NONE) {
        return empty ? 0
                     : err_set(&restored->err, ERR_CHECK,
                               "%s [%" PRId32 "] has state, but the group has committed no offset "
                               "of %s: empty the topic to begin anew, or give back the group's "
                               "offsets",
                               reader->state, restored->partition, reader->input);
    }
    if (!progress->has_meta) {
        return err_set(
            &restored->err, ERR_CHECK,
            "the group has committed offset %" PRId64 " of %s [%" PRId32 "], but %s has "
            "no state for it: reset the group's offsets to begin anew, or begin with empty "
            "state from there by one run with delivery = at-least-once",
            restored->offset, reader->input, restored->partition, reader->state);
    }
    if (progress->meta.input_offset != restored->offset) {
        return err_set(&restored->err, ERR_CHECK,
                       "the state in %s [%" PRId32 "] is that of offset %" PRId64 ", the group has "
                       "committed %" PRId64 ": somebody has changed one of them",
                       reader->state, restored->partition, progress->meta.input_offset,
                       restored->offset);
    }
    return changelog_finish(restored->store, &progress->meta, &restored->err);
}

/* Begins with nothing where state cannot be used: at least once, that costs open sessions and
 * averages, but no message. */
static int begin_empty(struct reader *reader, struct job *job, const char *reason)
{
    const struct restored *restored = &job->restored;
    logger_event(reader->log.logger, LEVEL_WARN, "state-dropped",
                 "%s [%" PRId32 "]: %s; the partition begins with empty state", reader->state,
                 restored->partition, reason);
    return reader_new_store(reader, job);
}

/* At least once state is written before the offset is committed: after a crash it is ahead of it,
 * and the messages in between have been answered already. */
static int settle(struct reader *reader, struct job *job, const struct progress *progress)
{
    struct restored *restored = &job->restored;
    if (!progress->has_meta) {
        bool fresh = restored->offset == OFFSET_NONE && state_store_users(restored->store) == 0;
        return fresh ? 0 : begin_empty(reader, job, "there is no meta record");
    }
    if (progress->meta.input_offset < restored->offset) {
        logger_event(reader->log.logger, LEVEL_WARN, "state-behind",
                     "%s [%" PRId32 "] is the state of offset %" PRId64 ", the group has committed "
                     "%" PRId64 ": messages between were skipped or answered by somebody else",
                     reader->state, restored->partition, progress->meta.input_offset,
                     restored->offset);
    } else {
        restored->offset = progress->meta.input_offset;
    }
    size_t removed = 0;
    if (changelog_drop_unfit(restored->store, &removed, &restored->err) != 0) {
        return -1;
    }
    if (removed > 0) {
        logger_event(reader->log.logger, LEVEL_WARN, "state-dropped",
                     "%s [%" PRId32 "]: %zu users whose records do not fit each other begin anew",
                     reader->state, restored->partition, removed);
    }
    return changelog_finish(restored->store, &progress->meta, &restored->err);
}

static int read_and_judge(struct reader *reader, struct job *job, int64_t first, int64_t high,
                          struct progress *progress)
{
    if (read_changelog(reader, job, first, high, progress) != 0 || !wanted(job)) {
        return -1;
    }
    note_deleted_input(reader, job);
    return reader->exactly_once ? check(reader, job, progress) : settle(reader, job, progress);
}

int reader_restore(struct reader *reader, struct job *job)
{
    static const struct progress nothing = {.meta = {.input_offset = OFFSET_NONE}};
    struct restored *restored = &job->restored;
    struct progress progress = nothing;
    int64_t low = 0, high = 0;
    if (reader_new_store(reader, job) != 0 ||
        committed_offset(reader, job, &restored->offset) != 0 ||
        changelog_ends(reader, job, &low, &high) != 0) {
        return -1;
    }
    int64_t committed = restored->offset;
    int64_t first = reader_take_snapshot(reader, job, low, high, &progress.meta);
    if (first < 0) {
        return -1;
    }
    progress.has_meta = restored->snapshot_users > 0;
    int rc = read_and_judge(reader, job, first, high, &progress);
    bool may_be_its_fault = restored->snapshot_users > 0 && restored->err.code != ERR_KAFKA;
    if (rc == 0 || !may_be_its_fault || !wanted(job)) {
        return rc;
    }
    /* The changelog alone has the last word. */
    struct err why = restored->err;
    memset(&restored->err, 0, sizeof restored->err);
    restored->offset = committed;
    progress = nothing;
    return reader_ignore_snapshot(reader, job, &why) == 0
               ? read_and_judge(reader, job, low, high, &progress)
               : -1;
}
