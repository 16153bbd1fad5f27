/* restorer_parts.h - the inside of the restorer, for its own files only: restorer.c has the thread
 * and its list of partitions, restorer_read.c what is done for one of them,
 * restorer_snapshot.c what its snapshot saves it. */
#ifndef OUTRO_DAEMON_RESTORER_PARTS_H
#define OUTRO_DAEMON_RESTORER_PARTS_H

#include <stdatomic.h>

#include <librdkafka/rdkafka.h>

#include "daemon/kafka_log.h"
#include "daemon/restorer.h"

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE };

/* One partition. The list and the states belong to the restorer's lock. */
struct job {
    struct job *next;
    enum job_state state;
    _Atomic bool cancelled;
    _Atomic int64_t read, all; /* changelog offsets, all 0 until the end is known */
    _Atomic bool stalled;
    struct restored restored;
};

/* What it reads with. */
struct reader {
    struct kafka_log_owner log; /* first: see kafka_log.h */
    rd_kafka_t *committed;      /* sees committed records; knows the group */
    rd_kafka_t *open;           /* sees the end of everything, open transactions included */
    rd_kafka_topic_t *known;    /* held, so that the leaders are known when they are needed */
    char *input, *state;        /* topics */
    char *dir, *group;          /* of snapshots; dir "" for none */
    struct stream_params params;
    int64_t stall_max_ms;
    bool exactly_once; /* state and offset must agree */
};

int reader_init(struct reader *reader, const struct config *config,
                const struct stream_params *params, struct logger *logger,
                struct err *err) MUST_CHECK;
void reader_release(struct reader *reader);
/** What a snapshot of the job's partition has, into its store. @param low, high of the changelog
 *  @return the offset of the changelog to go on from: low when there was no snapshot of use; -1
 * with job->restored.err */
int64_t reader_take_snapshot(struct reader *reader, struct job *job, int64_t low, int64_t high,
                             struct changelog_meta *meta) MUST_CHECK;
/** Says that the snapshot is of no use, and why; an empty store in place of what it gave.
 *  @return 0; -1 with job->restored.err */
int reader_ignore_snapshot(struct reader *reader, struct job *job,
                           const struct err *why) MUST_CHECK;
/** A new, empty store in place of what the job has. @return 0; -1 with job->restored.err */
int reader_new_store(struct reader *reader, struct job *job) MUST_CHECK;
/** Restores one partition, or gives up when it is cancelled. @return 0; -1 with job->restored.err
 */
int reader_restore(struct reader *reader, struct job *job) MUST_CHECK;

#endif
