/* micro_batch.h - scrobbles whose features are ready and whose predictions wait for the net, so
 * that it runs over many users at once. Two phases: the sessions that were prepared in this batch
 * (recurrent step, the head's first layer), then all rows. A user's session is prepared at most
 * once a batch, and not behind a row of the same user: the pipeline flushes first. */
#ifndef OUTRO_STREAM_MICRO_BATCH_H
#define OUTRO_STREAM_MICRO_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/prediction.h"
#include "stream/pipeline.h"
#include "stream/session_cache.h"

/* Whose runner a row waits for: 0 the global net, 1 + c that of cluster c. */
typedef uint16_t net_index;

/* One waiting prediction; total_s is filled by micro_batch_run. */
struct waiting_row {
    struct prediction prediction;
    uint32_t partition, user_index;
    double live[LIVE_FEATURES];
    double kernel_s[QUANTILES], running_s[QUANTILES];
    const struct session_block *block; /* lives until the batch is run */
    float remaining_s[QUANTILES];      /* by the net; filled by micro_batch_run */
};

/* A session that was prepared in this batch. */
struct waiting_start {
    struct session_block *block;
    float *hidden; /* NULL: the net has none */
    bool steps;    /* over the session before, first */
};

struct micro_batch {
    size_t capacity, rows, starts;
    size_t start_features;       /* S of the nets; set by who changes them, when it is empty */
    uint32_t number;             /* from 1; changes at every run */
    struct waiting_row *row;     /* (capacity) */
    struct waiting_start *begin; /* (capacity) */
    net_index *row_net;          /* (capacity) */
    net_index *start_net;        /* (capacity) */
    /* what one net is run over, gathered out of the above */
    float *live;                /* (capacity, 16) raw */
    float *kernel;              /* (capacity, 3) */
    float *remaining;           /* (capacity, 3) */
    const float **row_base;     /* (capacity) */
    float *x;                   /* (capacity, 13) step inputs of those that step */
    float **step_hidden;        /* (capacity) of those that step */
    const float **start_hidden; /* (capacity) of all prepared */
    float *start;               /* (capacity, S) */
    float **start_base;         /* (capacity) */
    uint32_t *order;            /* (capacity) items by net */
};

int micro_batch_init(struct micro_batch *batch, size_t capacity, struct err *err) MUST_CHECK;
void micro_batch_release(struct micro_batch *batch);

/** A session was prepared: its base is to be made, and before that its step over the session
 * before, unless the hidden state is there already.
 *  @param start borrowed until the batch is run */
void micro_batch_start(struct micro_batch *batch, net_index net, const struct waiting_start *start);
/** The next row, to be filled. Needs rows < capacity. */
struct waiting_row *micro_batch_row(struct micro_batch *batch, net_index net);

/** Runs each net over what waits for it, hands every prediction to the sink in the order of the
 * scrobbles and empties the batch, also when the sink fails.
 *  @param runner (nets) by net_index; nets 0: the kernel KM alone */
int micro_batch_run(struct micro_batch *batch, struct predictor_runner *const *runner, size_t nets,
                    const struct pipeline_sink *sink, struct err *err) MUST_CHECK;

/** Empties the batch without running it: hidden states and bases that it was to make stay unmade.
 */
void micro_batch_discard(struct micro_batch *batch);

#endif
