/* engine_parts.h - the inside of the engine, for its own files only: engine.c has its life and its
 * loop, engine_work.c what happens to a message, engine_commit.c offsets and partitions. */
#ifndef OUTRO_DAEMON_ENGINE_PARTS_H
#define OUTRO_DAEMON_ENGINE_PARTS_H

#include <pthread.h>
#include <stdbool.h>

#include <event2/event.h>

#include "daemon/consumer.h"
#include "daemon/engine.h"
#include "daemon/intake.h"
#include "daemon/ledger.h"
#include "daemon/partition_set.h"
#include "daemon/producer.h"
#include "stream/pipeline.h"

struct engine {
    struct logger *logger;
    struct status *status;
    struct inbox *inbox;
    struct stream_params params;
    size_t batch_messages;

    struct event_base *base;
    struct event *messages, *acknowledgements, *mail; /* bells */
    struct event *second, *commit, *again;            /* timers */
    int consumer_bell, producer_bell;

    struct consumer *consumer;
    struct producer *producer;
    struct ledger ledger;
    struct partition_set partitions;
    struct pipeline *pipeline;
    struct intake intake;
    struct durations *durations;

    struct snapshot snapshot; /* its metrics are the engine's counters */
    int64_t published_ms;

    struct consumer_offset *offset; /* scratch, one a partition */
    size_t offset_capacity;
    bool commit_flying;
    int64_t commit_began_us;

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

/* engine_commit.c */
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
