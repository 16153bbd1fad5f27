#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "daemon/audit_parts.h"
#include "daemon/engine.h"
#include "daemon/intake.h"
#include "data/record_json.h"
#include "stream/pipeline.h"

/* One input partition on its way through the pipeline. */
struct replay {
    struct audit *audit;
    struct pipeline *pipeline;
    struct state_store *store;
    struct intake intake;
    struct audit_row *row; /* NULL while listing: counted already */
    int32_t partition;
    int64_t offset; /* of the message that is stepped */
    bool ending;    /* sessions that close now are open ones */
};

static int expect(struct replay *replay, enum audit_stream stream, const char *user,
                  struct slice json, struct err *err)
{
    struct audit_entry entry = {
        .offset = replay->offset, .partition = replay->partition, .open = replay->ending};
    if (!audit_read_record(stream, json, &entry)) {
        return err_set(err, ERR_CHECK, "a record of our own cannot be read back: %.*s",
                       (int)json.size, json.data);
    }
    return audit_expect(replay->audit, stream, (struct slice){user, strlen(user)}, &entry,
                        replay->partition, err);
}

static int on_prediction(void *ctx, const struct prediction *prediction,
                         const struct prediction_detail *detail, struct err *err)
{
    char json[RECORD_JSON_MAX];
    (void)detail;
    size_t size = prediction_to_json(prediction, json, sizeof json);
    return expect(ctx, AUDIT_PREDICTIONS, prediction->user_id, (struct slice){json, size}, err);
}

static int on_session(void *ctx, const struct session *session, uint32_t partition,
                      uint32_t user_index, struct err *err)
{
    char json[RECORD_JSON_MAX];
    (void)partition;
    (void)user_index;
    size_t size = session_to_json(session, json, sizeof json);
    return expect(ctx, AUDIT_SESSIONS, session->user_id, (struct slice){json, size}, err);
}

/* Whether the daemon's clock explains that it set a usable scrobble aside: no topic tells that
 * clock. Ahead of the clock when it came; or older than the user's newest while a silent
 * partition's time ran on. */
static bool clock_explains(const struct replay *replay, const struct audit_aside *aside,
                           const rd_kafka_message_t *message, const struct scrobble *scrobble)
{
    if (aside->reason == REJECT_TIME_IN_FUTURE) {
        return scrobble->time.ms >= rd_kafka_message_timestamp(message, NULL);
    }
    const struct user_slot *slot = state_store_find(replay->store, scrobble->user_id);
    return aside->reason == REJECT_LATE && replay->audit->config->time_idle_advance_ms > 0 &&
           slot &&
           scrobble->time.ms <=
               session_end_ms(&slot->state.current) + replay->audit->config->session_gap_s * 1000;
}

/* Whether the daemon may have forgotten this user meanwhile: then nothing can be said of it from
 * here on, and what became of its scrobbles is what the rejected topic says. */
static bool is_excused(const struct replay *replay, const struct scrobble *scrobble)
{
    struct audit_user *user = audit_users_find(&replay->audit->users, scrobble->user_id);
    const struct user_slot *slot = state_store_find(replay->store, scrobble->user_id);
    if (!user || !slot) {
        return user && user->doubtful;
    }
    struct event_time now = event_time_max(state_store_stream_time(replay->store), scrobble->time);
    user->excused |= audit_may_be_forgotten(replay->audit, slot->state.current.last_ms, now.ms);
    return user->excused || user->doubtful;
}

/* The duration that the scrobble's track had; a user is marked when that is not certain. */
static int fill_duration(struct replay *replay, const rd_kafka_message_t *message,
                         struct scrobble *scrobble, struct err *err)
{
    int64_t written_ms = rd_kafka_message_timestamp(message, NULL);
    if (audit_durations_fill(replay->audit->durations, written_ms, scrobble)) {
        return 0;
    }
    struct audit_user *user =
        audit_users_at(&replay->audit->users, scrobble->user_id, message->partition, err);
    if (!user) {
        return -1;
    }
    user->doubtful = true;
    return 0;
}

static int step(struct replay *replay, const rd_kafka_message_t *message,
                const struct scrobble *scrobble, enum reject_reason *reason, enum outcome *outcome,
                struct err *err)
{
    const struct audit_aside *aside =
        audit_rejected_find(replay->audit, message->partition, message->offset);
    bool excused = is_excused(replay, scrobble);
    if (aside && ((excused && aside->reason == REJECT_LATE) ||
                  clock_explains(replay, aside, message, scrobble))) {
        *reason = (enum reject_reason)aside->reason;
        return *reason == REJECT_LATE
                   ? pipeline_advance(replay->pipeline, replay->store, scrobble->time, err)
                   : 0;
    }
    if (pipeline_push(replay->pipeline, replay->store, scrobble, outcome, err) != 0) {
        return -1;
    }
    if (excused && *outcome == OUTCOME_LATE) {
        *outcome = OUTCOME_SESSION; /* of somebody new */
    }
    *reason = *outcome == OUTCOME_LATE ? REJECT_LATE : REJECT_NONE;
    return 0;
}

static void count(struct replay *replay, const rd_kafka_message_t *message,
                  enum reject_reason reason, enum outcome outcome)
{
    struct audit_row *row = replay->row;
    if (!row) {
        return;
    }
    row->inputs++;
    if (reason != REJECT_NONE) {
        row->late += reason == REJECT_LATE;
        row->rejected += reason != REJECT_LATE;
        audit_rejected_expect(replay->audit, message, reason);
    } else {
        row->duplicates += outcome == OUTCOME_DUPLICATE;
        row->sessions += outcome == OUTCOME_SESSION;
    }
}

static int take_input(void *ctx, const struct rd_kafka_message_s *message, struct err *err)
{
    struct replay *replay = ctx;
    struct scrobble scrobble;
    struct err detail;
    enum outcome outcome = OUTCOME_SESSION;
    enum reject_reason reason =
        intake_read(&replay->intake, (struct slice){message->key, message->key_len},
                    (struct slice){message->payload, message->len}, &scrobble, &detail);
    replay->offset = message->offset;
    if (reason == REJECT_NONE && (fill_duration(replay, message, &scrobble, err) != 0 ||
                                  step(replay, message, &scrobble, &reason, &outcome, err) != 0)) {
        return err_prefix(err, "%s partition %" PRId32 " offset %" PRId64,
                          replay->audit->input.name, message->partition, message->offset);
    }
    count(replay, message, reason, outcome);
    return 0;
}

/* Any pool makes predictions; what the pool changes in them the audit does not compare. */
static int set_pool(struct pipeline *pipeline, struct err *err)
{
    int64_t pool_ms[POOL_VALUES];
    for (int i = 0; i < POOL_VALUES; i++) {
        pool_ms[i] = i * INT64_C(1000);
    }
    return pipeline_set_pool(pipeline, pool_ms, 0, err);
}

static int replay_partition(struct audit *audit, struct scrobble_scratch *scratch,
                            const struct topic_range *range, struct err *err)
{
    struct replay replay = {.audit = audit, .partition = range->partition};
    struct pipeline_sink sink = {
        .ctx = &replay, .prediction = on_prediction, .session = on_session};
    struct stream_params params = engine_params(audit->config);
    int rc = -1;
    /* the clock was right when the daemon read: what it said is in the rejected topic */
    replay.intake = (struct intake){.scratch = scratch, .now_ms = EVENT_TIME_END_MS};
    replay.row = audit->listing ? NULL : &audit->row[range->partition];
    replay.pipeline = pipeline_new(&params, &sink, 1, err); /* one row: each belongs to an input */
    replay.store =
        replay.pipeline ? state_store_new(&params, (uint32_t)range->partition, err) : NULL;
    if (!replay.store || set_pool(replay.pipeline, err) != 0 ||
        topic_reader_run(audit->committed, audit->input.name, range, 1, take_input, &replay, err) !=
            0) {
        goto out;
    }
    if (!audit->listing && audit_state_hold(audit, replay.store, range->partition, err) != 0) {
        goto out;
    }
    replay.ending = true;
    rc = pipeline_end(replay.pipeline, replay.store, err);
out:
    pipeline_free(replay.pipeline);
    state_store_free(replay.store);
    return rc;
}

int audit_replay(struct audit *audit, struct err *err)
{
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    int rc = scratch ? 0 : err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < audit->input.partitions && rc == 0; i++) {
        rc = replay_partition(audit, scratch, &audit->input.range[i], err);
    }
    scrobble_scratch_free(scratch);
    return rc;
}
