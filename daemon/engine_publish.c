#include "daemon/clocks.h"
#include "daemon/engine_parts.h"

static void fill_partition(struct partition_metrics *out, int32_t id,
                           const struct partition *partition)
{
    struct event_time time = state_store_stream_time(partition->store);
    out->partition = id;
    out->lag = partition_lag(partition);
    out->next_offset = partition->next_offset;
    out->committed_offset = partition->committed_offset;
    out->users = (int64_t)state_store_users(partition->store);
    out->open_sessions = (int64_t)state_store_open_sessions(partition->store);
    out->stream_time_ms = time.ms == EVENT_TIME_NEVER.ms ? -1 : time.ms;
}

static void fill_partitions(struct engine *engine)
{
    struct snapshot *snapshot = &engine->snapshot;
    struct metrics *metrics = &snapshot->metrics;
    size_t count = 0;
    metrics->users = metrics->open_sessions = metrics->state_bytes = 0;
    if (snapshot_reserve(snapshot, engine->partitions.live, NULL) != 0) {
        return;
    }
    for (size_t i = 0; i < engine->partitions.slots; i++) {
        const struct partition *partition = &engine->partitions.slot[i];
        if (partition->store) {
            struct partition_metrics *row = &snapshot->partition[count++];
            fill_partition(row, (int32_t)i, partition);
            metrics->users += (uint64_t)row->users;
            metrics->open_sessions += (uint64_t)row->open_sessions;
            metrics->state_bytes += state_store_bytes(partition->store);
        }
    }
    snapshot->partitions = count;
}

void engine_publish(struct engine *engine)
{
    struct metrics *metrics = &engine->snapshot.metrics;
    const struct pipeline_counts *counts = pipeline_counts(engine->pipeline);
    metrics->predictions = counts->predictions;
    metrics->sessions_closed = counts->sessions_closed;
    metrics->sessions_revised = counts->sessions_revised;
    metrics->sessions_reopened = counts->sessions_reopened;
    metrics->hidden_recomputed = counts->hidden_recomputed;
    metrics->cluster_moves = counts->cluster_moves;
    metrics->partitions = engine->partitions.live;
    metrics->in_flight = ledger_in_flight(&engine->ledger);
    metrics->paused = engine->paused;
    fill_partitions(engine);
    if (engine->restorer) { /* not at the very beginning and end */
        restorer_progress(engine->restorer, &engine->snapshot.restoring);
        metrics->restoring = engine->snapshot.restoring.partitions;
        metrics->restore_stalled = engine->snapshot.restoring.stalled;
    }
    engine_publish_side_inputs(engine);
    if (engine->saver) {
        snapshot_saver_counts(engine->saver, &metrics->snapshots_written,
                              &metrics->snapshots_failed);
    }
    engine->snapshot.assigned = engine->consumer && consumer_assigned(engine->consumer);
    engine->snapshot.beat_ms = engine->published_ms = monotonic_ms();
    status_publish(engine->status, &engine->snapshot);
}
