/* side_inputs_parts.h - the inside of the side inputs, for its own files only: side_inputs.c has
 * the thread and the hand-over to the engine, side_inputs_read.c the topics. */
#ifndef OUTRO_DAEMON_SIDE_INPUTS_PARTS_H
#define OUTRO_DAEMON_SIDE_INPUTS_PARTS_H

#include <stdatomic.h>

#include <librdkafka/rdkafka.h>

#include "daemon/kafka_log.h"
#include "daemon/side_inputs.h"

struct side_partition {
    int64_t at, target; /* next offset, and the one where the first reading ends */
    bool done;
};

struct side_topic {
    char *name; /* NULL: not configured */
    struct side_partition *partition;
    size_t partitions;
};

/* The thread's own. */
struct side_reader {
    struct kafka_log_owner log; /* first: see kafka_log.h */
    rd_kafka_t *committed;      /* reads what is committed */
    rd_kafka_t *open;           /* sees the end of everything, open transactions included */
    struct side_topic topic[SIDE_INPUTS];
    size_t left; /* partitions whose first reading is not whole */
};

struct side_inputs {
    struct side_reader reader;
    _Atomic bool stop;
    _Atomic int64_t read, all;
    _Atomic uint64_t records[SIDE_INPUTS], bad[SIDE_INPUTS];
    struct side_link *link; /* between thread and engine */
};

int side_reader_init(struct side_reader *reader, const struct config *config, struct logger *logger,
                     struct err *err) MUST_CHECK;
void side_reader_release(struct side_reader *reader);
/** Reads and follows until side->stop. @return 0, or -1 with err: it cannot go on */
int side_reader_run(struct side_inputs *side, struct err *err) MUST_CHECK;

/** Gives a change to the engine; waits while it has many to take. */
void side_inputs_give(struct side_inputs *side, const struct side_change *change);
/** All up to the first ends has been given. */
void side_inputs_whole(struct side_inputs *side);

#endif
