#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

#include "daemon/audit_parts.h"
#include "daemon/clocks.h"
#include "daemon/engine.h"
#include "daemon/state_read.h"

/* A running daemon has a transaction open most of the time; one that nobody ends is aborted by the
 * brokers after its timeout, which they look for every ten seconds. What stands still longer holds
 * up every reader. */
#define OPEN_MARGIN_MS 15000
#define LOOK_AGAIN_MS  500

static int read_meta(struct audit *audit, size_t partition, struct err *err)
{
    struct stream_params params = engine_params(audit->config);
    struct state_store *store = state_store_new(&params, (uint32_t)partition, err);
    struct changelog_meta meta;
    if (!store) {
        return -1;
    }
    int rc = state_read(audit->committed, audit->state.name, &audit->state.range[partition], store,
                        &meta, err);
    if (rc == 0) {
        audit->row[partition].meta = meta.input_offset;
    } else if (err->code == ERR_INPUT || err->code == ERR_CHECK) {
        audit_wrong(audit, audit->state.name, (int32_t)partition, -1, "%s", err->text);
        rc = 0;
    }
    state_store_free(store);
    return rc;
}

int audit_state_read(struct audit *audit, struct err *err)
{
    if (audit->config->delivery != DELIVERY_EXACTLY_ONCE) {
        return 0; /* whatever lies in that topic is of another time */
    }
    if (audit->state.partitions != audit->input.partitions) {
        audit_wrong(audit, audit->state.name, -1, -1, "has %zu partitions, the input has %zu",
                    audit->state.partitions, audit->input.partitions);
        return 0;
    }
    int rc = 0;
    for (size_t i = 0; i < audit->state.partitions && rc == 0; i++) {
        rc = read_meta(audit, i, err);
    }
    return rc;
}

/* Offsets and meta records move in one transaction: while a daemon runs, the record that was read
 * lies between what was committed before and after it was. */
void audit_state_settle(struct audit *audit)
{
    if (audit->config->delivery != DELIVERY_EXACTLY_ONCE ||
        audit->state.partitions != audit->input.partitions) {
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
