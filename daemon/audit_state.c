#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/audit_parts.h"
#include "daemon/clocks.h"
#include "daemon/state_read.h"

/* A running daemon has a transaction open most of the time; one that nobody ends is aborted by the
 * brokers after its timeout, which they look for every ten seconds. What stands still longer holds
 * up every reader. */
#define OPEN_MARGIN_MS 15000
#define LOOK_AGAIN_MS  500

static bool state_is_kept(const struct audit *audit)
{
    /* else whatever lies in that topic is of another time, or reported as a whole */
    return audit->config->delivery == DELIVERY_EXACTLY_ONCE &&
           audit->state.partitions == audit->input.partitions;
}

/* The same user in the changelog and as the input gives it. */
struct twin {
    const struct user_layout *layout;
    const struct user_state *kept, *replayed;
    int64_t now_ms; /* stream time */
    char *value[2]; /* (changelog_value_max) scratch */
};

static bool same_part(const struct twin *twin,
                      size_t (*encode)(const struct user_layout *layout,
                                       const struct user_state *user, void *out))
{
    size_t kept = encode(twin->layout, twin->kept, twin->value[0]);
    size_t replayed = encode(twin->layout, twin->replayed, twin->value[1]);
    return kept == replayed && memcmp(twin->value[0], twin->value[1], kept) == 0;
}

static void compare_user(struct audit *audit, struct twin *twin, int32_t partition)
{
    const struct user_state *user = twin->replayed;
    const struct audit_user *known =
        audit_users_find(&audit->users, (struct slice){user->user_id, user->user_id_size});
    if ((known && (known->excused || known->doubtful)) ||
        (!twin->kept && audit_may_be_forgotten(audit, user->current.last_ms, twin->now_ms))) {
        return;
    }
    const char *what = !twin->kept                                  ? "nothing is known of"
                       : !same_part(twin, changelog_encode_open)    ? "the open part differs of"
                       : !same_part(twin, changelog_encode_history) ? "the history differs of"
                                                                    : NULL;
    audit->state_users++;
    if (what) {
        audit_wrong(audit, audit->state.name, partition, -1, "%s user %.*s", what,
                    user->user_id_size, user->user_id);
    }
}

/* What a restart would begin with, against what the whole input gives, byte by byte. */
static int compare_stores(struct audit *audit, struct state_store *kept,
                          struct state_store *replayed, int32_t partition, struct err *err)
{
    const struct user_layout *layout = state_store_layout(kept);
    size_t value_max = changelog_value_max(layout), cursor = 0;
    char *scratch = malloc(2 * value_max);
    struct twin twin = {.layout = layout,
                        .now_ms = state_store_stream_time(replayed).ms,
                        .value = {scratch, scratch + value_max}};
    struct user_slot *slot;
    const struct user_slot *other;
    if (!scratch) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    while ((slot = state_store_next(replayed, &cursor))) {
        other =
            state_store_find(kept, (struct slice){slot->state.user_id, slot->state.user_id_size});
        twin.replayed = &slot->state;
        twin.kept = other ? &other->state : NULL;
        if (other) { /* bundles decided that, and those are not in the input */
            slot->state.cluster = other->state.cluster;
            slot->state.clustering = other->state.clustering;
        }
        compare_user(audit, &twin, partition);
    }
    if (state_store_stream_time(kept).ms != state_store_stream_time(replayed).ms) {
        audit_wrong(audit, audit->state.name, partition, -1,
                    "stream time is %" PRId64 ", the input gives %" PRId64,
                    state_store_stream_time(kept).ms, state_store_stream_time(replayed).ms);
    }
    if (state_store_users(kept) > state_store_users(replayed)) {
        audit_wrong(audit, audit->state.name, partition, -1, "%zu users, the input has %zu",
                    state_store_users(kept), state_store_users(replayed));
    }
    free(scratch);
    return 0;
}

int audit_state_hold(struct audit *audit, struct state_store *replayed, int32_t partition,
                     struct err *err)
{
    struct audit_row *row = &audit->row[partition];
    struct changelog_meta meta;
    if (!state_is_kept(audit)) {
        return 0;
    }
    struct state_store *kept =
        state_store_new(state_store_params(replayed), (uint32_t)partition, err);
    int rc = kept ? state_read(audit->committed, audit->state.name, &audit->state.range[partition],
                               kept, &meta, err)
                  : -1;
    if (rc == 0) {
        row->meta = meta.input_offset;
        /* beside a running daemon it stands for more input than was looked at; and the clock leaves
         * its traces (when a scrobble arrived) in every record */
        if (meta.input_offset == row->committed && row->committed > 0 &&
            audit->config->time_idle_advance_ms == 0) {
            rc = compare_stores(audit, kept, replayed, partition, err);
        }
    } else if (err->code == ERR_INPUT || err->code == ERR_CHECK) {
        audit_wrong(audit, audit->state.name, partition, -1, "%s", err->text);
        rc = 0;
    }
    state_store_free(kept);
    return rc;
}

/* Offsets and meta records move in one transaction: while a daemon runs, the record that was read
 * lies between what was committed before and after it was. */
void audit_state_settle(struct audit *audit)
{
    if (audit->config->delivery == DELIVERY_EXACTLY_ONCE && !state_is_kept(audit)) {
        audit_wrong(audit, audit->state.name, -1, -1, "has %zu partitions, the input has %zu",
                    audit->state.partitions, audit->input.partitions);
    }
    if (!state_is_kept(audit)) {
        return;
    }
    for (size_t i = 0; i < audit->input.partitions; i++) {
        const struct audit_row *row = &audit->row[i];
        if (row->meta < row->committed || row->meta > row->committed_after) {
            audit_wrong(audit, audit->state.name, (int32_t)i, -1,
                        "the meta record stands at input offset %" PRId64
                        ", the group has committed %" PRId64,
                        row->meta, row->committed_after);
        }
    }
}

/* One topic's partitions, and where the first open transaction of each begins. */
struct standing {
    const struct audit_topic *topic;
    struct topic_range *stable, *high, *first;
};

static bool stands(const struct standing *standing, size_t i)
{
    return standing->stable[i].to < standing->high[i].to &&
           standing->stable[i].to == standing->first[i].to;
}

static int look(struct audit *audit, struct standing *standing, struct err *err)
{
    const struct audit_topic *topic = standing->topic;
    /* the high mark first: what commits in between is no open transaction */
    return topic_reader_bounds(audit->uncommitted, topic->name, standing->high, topic->partitions,
                               err) != 0 ||
                   topic_reader_bounds(audit->committed, topic->name, standing->stable,
                                       topic->partitions, err) != 0
               ? -1
               : 0;
}

static size_t count_standing(const struct standing *standing)
{
    size_t count = 0;
    for (size_t i = 0; i < standing->topic->partitions; i++) {
        count += stands(standing, i);
    }
    return count;
}

static int watch_topic(struct audit *audit, struct standing *standing, int64_t deadline_ms,
                       struct err *err)
{
    size_t partitions = standing->topic->partitions;
    if (look(audit, standing, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < partitions; i++) {
        standing->first[i] = standing->stable[i];
    }
    while (count_standing(standing) > 0 && monotonic_ms() < deadline_ms) {
        poll(NULL, 0, LOOK_AGAIN_MS); /* nobody announces the end of a transaction */
        if (look(audit, standing, err) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < partitions; i++) {
        if (stands(standing, i)) {
            audit->open_transactions++;
            audit_wrong(audit, standing->topic->name, (int32_t)i, standing->stable[i].to,
                        "a transaction is open and does not end");
        }
    }
    return 0;
}

int audit_open_transactions(struct audit *audit, struct err *err)
{
    const struct audit_topic *topics[] = {&audit->stream[AUDIT_PREDICTIONS],
                                          &audit->stream[AUDIT_SESSIONS], &audit->rejected,
                                          &audit->state};
    int64_t deadline_ms = monotonic_ms() + audit->config->transaction_timeout_ms + OPEN_MARGIN_MS;
    int rc = 0;
    for (size_t i = 0; i < sizeof topics / sizeof topics[0] && rc == 0; i++) {
        size_t partitions = topics[i]->partitions;
        struct topic_range *range = calloc(3 * partitions + 1, sizeof *range);
        if (!range) {
            return err_set(err, ERR_MEMORY, "out of memory");
        }
        struct standing standing = {topics[i], range, range + partitions, range + 2 * partitions};
        rc = watch_topic(audit, &standing, deadline_ms, err);
        free(range);
    }
    return rc;
}
