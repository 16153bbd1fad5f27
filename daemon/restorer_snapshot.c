#include <inttypes.h>
#include <stdio.h>

#include "daemon/clocks.h"
#include "daemon/partition_set.h"
#include "daemon/restorer_parts.h"

#define ASK_MS 1000
/* A tombstone may go from the changelog delete.retention.ms (a day by default) after it was
 * written; a snapshot from before would bring back who was forgotten. Half of that is safe. */
#define SNAPSHOT_AGE_MAX_MS INT64_C(43200000)

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

/* Whether the changelog still goes on where the snapshot ends. */
static int check(const struct restored *restored, const struct snapshot_covers *covers, int64_t low,
                 int64_t high, struct err *err)
{
    int64_t age_ms = wall_ms() - covers->written_ms;
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
    if (age_ms < 0 || age_ms > SNAPSHOT_AGE_MAX_MS) {
        return err_set(err, ERR_CHECK, "it is %" PRId64 " s old", age_ms / 1000);
    }
    return 0;
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
    if (found > 0 && check(restored, &covers, low, high, &err) == 0) {
        restored->snapshot_users = snapshot_file_records(reader->dir, &of, restored->store, &err);
        if (restored->snapshot_users > 0) {
            *meta = covers.meta;
            return covers.changelog_end;
        }
    }
    restored->snapshot_users = 0;
    logger_event(reader->log.logger, LEVEL_WARN, "snapshot-ignored",
                 "partition %" PRId32 ": %s; the whole of %s is read", restored->partition,
                 err.text, reader->state);
    return reader_new_store(reader, job) == 0 ? low : -1;
}
