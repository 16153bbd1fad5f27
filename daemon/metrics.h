/* metrics.h - everything outrod counts, in tables: the struct, its reset, the text that `/metrics`
 * shows and the lines of the log come from the same rows, so they cannot diverge. Plain integers,
 * owned by one thread; other threads see the copies that status.h publishes. Rates are derivatives
 * of counters and are left to who reads them. Sums that always hold (a test checks): consumed =
 * session + duplicate + late + rejected; rejected by reason = late + rejected; acknowledged +
 * discarded + in flight = produced. */
#ifndef OUTRO_DAEMON_METRICS_H
#define OUTRO_DAEMON_METRICS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "data/scrobble_json.h"

/* X(field, type, name, labels, help); rows of one name stand together. */
#define METRICS_TABLE(X)                                                                           \
    X(consumed, counter, "outro_scrobbles_consumed_total", "", "Messages taken from the input")    \
    X(consumed_bytes, counter, "outro_scrobbles_consumed_bytes_total", "",                         \
      "Bytes of their values")                                                                     \
    X(outcome_session, counter, "outro_outcomes_total", "outcome=\"session\"",                     \
      "Where each consumed message ended; sums to outro_scrobbles_consumed_total")                 \
    X(outcome_duplicate, counter, "outro_outcomes_total", "outcome=\"duplicate\"", "")             \
    X(outcome_late, counter, "outro_outcomes_total", "outcome=\"late\"", "")                       \
    X(outcome_rejected, counter, "outro_outcomes_total", "outcome=\"rejected\"", "")               \
    X(skipped, counter, "outro_messages_skipped_total", "",                                        \
      "Messages below the next offset of their partition; not counted as consumed")                \
    X(predictions, counter, "outro_predictions_total", "", "Predictions made")                     \
    X(sessions_closed, counter, "outro_sessions_closed_total", "", "Sessions closed")              \
    X(sessions_revised, counter, "outro_sessions_revised_total", "",                               \
      "Closed sessions published again after a late scrobble")                                     \
    X(sessions_reopened, counter, "outro_sessions_reopened_total", "", "Closed sessions reopened") \
    X(hidden_recomputed, counter, "outro_hidden_recomputed_total", "",                             \
      "Hidden states recomputed from history, as after a bundle swap")                             \
    X(cluster_moves, counter, "outro_cluster_moves_total", "",                                     \
      "Users moved to another cluster, or placed in one without being listed")                     \
    X(produced, counter, "outro_records_produced_total", "", "Records handed to the producer")     \
    X(acknowledged, counter, "outro_records_acknowledged_total", "", "Records the brokers keep")   \
    X(discarded, counter, "outro_records_discarded_total", "",                                     \
      "Records taken back with their transaction")                                                 \
    X(state_records, counter, "outro_state_records_total", "", "Changelog records produced")       \
    X(state_record_bytes, counter, "outro_state_record_bytes_total", "", "Bytes of them")          \
    X(evicted, counter, "outro_users_evicted_total", "",                                           \
      "Users forgotten after state.ttl.days of silence")                                           \
    X(aborts, counter, "outro_transactions_aborted_total", "",                                     \
      "Transactions taken back; what they took from the input is counted again")                   \
    X(producer_renewals, counter, "outro_producer_renewals_total", "",                             \
      "Times the producer was made anew after a lost connection or request")                       \
    X(restored_partitions, counter, "outro_restored_partitions_total", "",                         \
      "Partitions whose state was read back from the changelog")                                   \
    X(restored_records, counter, "outro_restored_records_total", "",                               \
      "Changelog records read back")                                                               \
    X(restored_bytes, counter, "outro_restored_bytes_total", "", "Bytes of them")                  \
    X(profile_records, counter, "outro_side_input_records_total", "input=\"profiles\"",            \
      "Records read of the topics beside the scrobbles")                                           \
    X(duration_records, counter, "outro_side_input_records_total", "input=\"track-durations\"",    \
      "")                                                                                          \
    X(profile_records_bad, counter, "outro_side_input_bad_total", "input=\"profiles\"",            \
      "Of these, passed over because they cannot be used")                                         \
    X(duration_records_bad, counter, "outro_side_input_bad_total", "input=\"track-durations\"",    \
      "")                                                                                          \
    X(snapshots_used, counter, "outro_snapshots_total", "result=\"used\"",                         \
      "Snapshots of state.dir that a restore began with or could not use, written or not")         \
    X(snapshots_ignored, counter, "outro_snapshots_total", "result=\"ignored\"", "")               \
    X(snapshots_written, counter, "outro_snapshots_total", "result=\"written\"", "")               \
    X(snapshots_failed, counter, "outro_snapshots_total", "result=\"failed\"", "")                 \
    X(produce_waits, counter, "outro_producer_waits_total", "",                                    \
      "Times the engine waited for room in the producer's queue")                                  \
    X(truncated, counter, "outro_rejected_truncated_total", "",                                    \
      "Rejected records cut because the broker takes none of that size")                           \
    X(stalls, counter, "outro_stalls_total", "",                                                   \
      "Times input stopped because too much was in flight")                                        \
    X(commits, counter, "outro_commits_total", "result=\"ok\"", "Offset commits")                  \
    X(commit_failures, counter, "outro_commits_total", "result=\"failed\"", "")                    \
    X(assigned_total, counter, "outro_rebalances_total", "kind=\"assigned\"",                      \
      "Partitions that arrived, left in order, or were lost")                                      \
    X(revoked_total, counter, "outro_rebalances_total", "kind=\"revoked\"", "")                    \
    X(lost_total, counter, "outro_rebalances_total", "kind=\"lost\"", "")                          \
    X(client_errors, counter, "outro_kafka_errors_total", "", "Errors that librdkafka reported")   \
    X(idle_advances, counter, "outro_idle_advances_total", "",                                     \
      "Times the wall clock moved the stream time of a silent partition")                          \
    X(bundle_swaps, counter, "outro_bundle_swaps_total", "", "Bundles the engine began to serve")  \
    X(partitions, gauge, "outro_assigned_partitions", "", "Partitions assigned")                   \
    X(in_flight, gauge, "outro_records_in_flight", "",                                             \
      "Records produced and not yet acknowledged")                                                 \
    X(users, gauge, "outro_users", "", "Users with state")                                         \
    X(open_sessions, gauge, "outro_open_sessions", "", "Sessions that have not closed")            \
    X(state_bytes, gauge, "outro_state_bytes", "", "Memory of all state stores")                   \
    X(restoring, gauge, "outro_restoring_partitions", "",                                          \
      "Partitions assigned whose state is still being read")                                       \
    X(restore_stalled, gauge, "outro_restore_stalled_partitions", "",                              \
      "Of these, waiting for a transaction that another writer left open")                         \
    X(paused, gauge, "outro_paused", "",                                                           \
      "1 while input is paused because output does not get through")

/* X(field, name, help) */
#define HISTOGRAMS_TABLE(X)                                                                        \
    X(age, "outro_message_age_seconds",                                                            \
      "Broker's timestamp to processing, of the first message of each turn")                       \
    X(turn, "outro_turn_seconds", "One turn of the engine's loop that took messages")              \
    X(delivery, "outro_delivery_seconds", "Produce to acknowledgement, one record in 64")          \
    X(commit, "outro_commit_seconds", "Decision to commit until the broker confirms")              \
    X(restore, "outro_restore_seconds", "Reading one partition's state back")

/* X(field, name, help): per assigned partition, label partition. */
#define PARTITIONS_TABLE(X)                                                                        \
    X(lag, "outro_partition_lag", "Messages between the next offset and the end of the partition") \
    X(next_offset, "outro_partition_next_offset", "Offset of the next message to process")         \
    X(committed_offset, "outro_partition_committed_offset", "Last offset committed; -1: none")     \
    X(users, "outro_partition_users", "Users with state")                                          \
    X(open_sessions, "outro_partition_open_sessions", "Sessions that have not closed")             \
    X(stream_time_ms, "outro_partition_stream_time_ms", "Greatest event time seen; -1: none")

/* What the admin loop counts. X as in METRICS_TABLE. */
#define ADMIN_TABLE(X)                                                                             \
    X(bundle_loads, counter, "outro_bundle_loads_total", "result=\"ok\"",                          \
      "Bundles loaded and checked")                                                                \
    X(bundle_failures, counter, "outro_bundle_loads_total", "result=\"failed\"", "")               \
    X(reloads, counter, "outro_reloads_total", "result=\"ok\"", "Configuration reloads by SIGHUP") \
    X(reload_failures, counter, "outro_reloads_total", "result=\"failed\"", "")                    \
    X(requests, counter, "outro_admin_requests_total", "", "Requests to the admin address")        \
    X(bundle_bad, gauge, "outro_bundle_bad", "",                                                   \
      "1 while what bundle.path names cannot be served")                                           \
    X(durations, gauge, "outro_durations", "", "Track durations known")                            \
    X(profiles, gauge, "outro_profiles", "", "User profiles known")                                \
    X(holidays, gauge, "outro_holidays", "", "Days in holidays.file")

#define HISTOGRAM_BUCKETS 16
extern const double histogram_bounds_s[HISTOGRAM_BUCKETS]; /* upper bounds, ascending */

struct histogram {
    uint64_t count[HISTOGRAM_BUCKETS + 1]; /* not cumulative; the last is +Inf */
    double sum_s;
};

struct metrics {
#define X(field, type, name, labels, help) uint64_t field;
    METRICS_TABLE(X)
#undef X
#define X(field, name, help) struct histogram field;
    HISTOGRAMS_TABLE(X)
#undef X
    uint64_t rejected[REJECT_REASONS]; /* by reason, late included */
};

struct partition_metrics {
    int32_t partition;
#define X(field, name, help) int64_t field;
    PARTITIONS_TABLE(X)
#undef X
};

struct admin_metrics {
#define X(field, type, name, labels, help) uint64_t field;
    ADMIN_TABLE(X)
#undef X
};

void histogram_add(struct histogram *histogram, double seconds);

/** The same in the Prometheus text format 0.0.4. */
void metrics_print(const struct metrics *metrics, FILE *out);
void partition_metrics_print(const struct partition_metrics *partition, size_t count, FILE *out);
void admin_metrics_print(const struct admin_metrics *metrics, FILE *out);
/** Versions of program, client library and bundle ("" when none is loaded) as info metrics. */
void version_metrics_print(const char *bundle, const char *librdkafka, FILE *out);
/** CPU time and memory of the process, under the names that Prometheus clients use. */
void process_metrics_print(FILE *out);

#endif
