/* engine_parts.h - the inside of the engine, for its own files only: engine.c has its life and its
 * loop, engine_work.c what happens to a message, engine_commit.c partitions and the offsets of at
 * least once, engine_txn.c the transactions of exactly once, engine_state.c state into the
 * changelog and back, engine_side.c the topics beside the scrobbles. */
#ifndef OUTRO_DAEMON_ENGINE_PARTS_H
#define OUTRO_DAEMON_ENGINE_PARTS_H

#include <pthread.h>
#include <stdbool.h>

#include <event2/event.h>

#include "daemon/backlog.h"
#include "daemon/consumer.h"
#include "daemon/engine.h"
#include "daemon/intake.h"
#include "daemon/ledger.h"
#include "daemon/partition_set.h"
#include "daemon/producer.h"
#include "daemon/restorer.h"
#include "daemon/side_inputs.h"
#include "daemon/snapshot_saver.h"
#include "stream/pipeline.h"

struct engine {
    const struct config *config; /* what SIGHUP does not change of it */
    struct logger *logger;
    struct status *status;
    struct inbox *inbox;
    struct stream_params params;
    size_t batch_messages;

    struct event_base *base;
    struct event *messages, *acknowledgements, *mail, *restored, *sides; /* bells */
    struct event *second, *commit, *again;                               /* timers */
    int consumer_bell, producer_bell, restorer_bell, side_bell;

    struct consumer *consumer;
    struct producer *producer;
    struct ledger ledger;
    struct partition_set partitions;
    struct pipeline *pipeline;
    struct intake intake;
    struct durations *durations;
    struct holidays *holidays; /* the pipeline's */

    struct side_inputs *side;   /* NULL: no topic of them is configured */
    struct key_table *profiles; /* users who have one */
    bool side_whole;            /* scrobbles may be taken */

    struct snapshot snapshot; /* its metrics are the engine's counters */
    int64_t published_ms;

    struct consumer_offset *offset; /* scratch, one a partition */
    size_t offset_capacity;
    struct backlog backlog; /* state of the closed epoch, at least once */
    bool commit_flying;
    int64_t commit_began_us;

    bool exactly_once;
    struct restorer *restorer;
    struct snapshot_saver *saver;     /* NULL without a state.dir */
    char cluster[CLUSTER_ID_MAX + 1]; /* its id, as the restorer found it */
    bool in_transaction;
    uint64_t txn_messages, txn_messages_max, txn_bytes_max;
    size_t offset_count; /* of the offsets that go into the transaction */
    void *value;         /* scratch, one changelog record */

    bool stalled; /* too much in flight: taking nothing */
    bool paused;  /* and for so long that the partitions are paused */
    bool failed;
    struct err failure; /* the first */
    pthread_t thread;
};

/** Remembers why it cannot go on (the first reason stays) and ends the loop. */
void engine_fail(struct engine *engine, const struct err *err);
/** Runs what waits in the micro-batch. */
void engine_flush(struct engine *engine);

/* engine_publish.c */
/** Copies to status what others may see: counters, partitions, where it stands. */
void engine_publish(struct engine *engine);

/* engine_work.c */
struct pipeline_sink engine_sink(struct engine *engine);
/** Takes up to a batch of messages and works on them. @return whether nothing is left waiting */
bool engine_take_batch(struct engine *engine);
/** Moves the stream time of silent partitions with the wall clock. */
void engine_advance_idle(struct engine *engine);

/* engine_txn.c */
/** Opens the first transaction. @return false while the brokers are not there for it */
bool engine_txn_open(struct engine *engine);
/** Commits what the open transaction has, if it has anything, and begins the next. @return 0; -1
 * with err: it was aborted and rolled back, or the engine has failed */
int engine_txn_commit(struct engine *engine, int64_t deadline_ms, struct err *err);
/** Takes the open transaction back: output, state, offsets; begins the next. */
void engine_txn_abort(struct engine *engine, const char *reason);
/** Aborts a transaction that is lost, commits one that is large enough. */
void engine_txn_check(struct engine *engine);
/** At an end that something forced: aborts, if that can be done quickly. */
void engine_txn_leave(struct engine *engine);
/** Whether a clock that moved by itself is worth a transaction. */
void engine_touch_idle(struct partition *partition, bool closed);

/* engine_state.c */
/** A partition's changes since begin, and what they stand for: into the open transaction, or, at
 * least once, into the backlog. */
int engine_keep_state(struct engine *engine, int32_t id, const struct partition *partition,
                      struct err *err) MUST_CHECK;
/** Forgets some of the users who have been silent for state.ttl.days. Nothing may wait in the
 * micro-batch. */
void engine_evict(struct engine *engine);
/** What changed in all partitions into the backlog; changes from here on are the next epoch's. */
int engine_fill_backlog(struct engine *engine, struct err *err) MUST_CHECK;
/** Sends the backlog: the output on the way to it is acknowledged. */
int engine_send_backlog(struct engine *engine, struct err *err) MUST_CHECK;
/** A partition has left: its state goes, into state.dir if there is one. Nothing may wait in the
 * micro-batch. @param committed whether all of it is */
void engine_let_go(struct engine *engine, int32_t id, bool committed);
/** Takes over partitions whose state has been restored. */
void engine_install_restored(struct engine *engine);

/* engine_side.c */
int engine_open_side_inputs(struct engine *engine, struct err *err) MUST_CHECK;
/** Applies what has come of the side inputs. */
void engine_take_side_inputs(struct engine *engine);
void engine_publish_side_inputs(struct engine *engine);

/* engine_commit.c */
/** Room in engine->offset for every partition. */
int engine_reserve_offsets(struct engine *engine, struct err *err) MUST_CHECK;
struct consumer_owner engine_owner(struct engine *engine);
/** Closes an epoch if there is anything to commit. */
void engine_commit_begin(struct engine *engine);
/** Commits the closed epoch once everything of it is acknowledged. Call after acknowledgements
 * came. */
void engine_commit_settled(struct engine *engine);
/** Flushes, waits for every acknowledgement, commits and waits for that. @return 0, -1 with err:
 * nothing more was committed */
int engine_commit_all(struct engine *engine, int64_t deadline_ms, struct err *err) MUST_CHECK;

#endif
