/* pipeline.h - one scrobble in, predictions and finished sessions out: sessionizer, history,
 * features, net. What trains, replays and serves is this code. Events are stepped in micro-batches:
 * pipeline_push does the sessions and features of one scrobble at once and leaves the net's part to
 * pipeline_flush (called by itself when the batch is full). Not thread-safe: one pipeline an engine
 * thread. Pure: no clock, no I/O. */
#ifndef OUTRO_STREAM_PIPELINE_H
#define OUTRO_STREAM_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "core/err.h"
#include "core/prediction.h"
#include "core/scrobble.h"
#include "core/session.h"
#include "data/holidays.h"
#include "stream/params.h"
#include "stream/state_store.h"

/* Where a scrobble ended. Every scrobble pushed has exactly one. */
enum outcome {
    OUTCOME_SESSION,   /* counted in a session, new, running or reopened */
    OUTCOME_DUPLICATE, /* same time and track as one of the user's last 32: dropped */
    OUTCOME_LATE,      /* older than what is still open to it: belongs in the rejected topic */
    OUTCOMES
};

/* What the net saw, for those who score or train; all remaining seconds. */
struct prediction_detail {
    uint32_t partition;  /* of the state store */
    uint32_t user_index; /* in the state store: dense, from 0, stable while the store lives */
    const double *start; /* (S) raw: 14, and those of the panel */
    const double *live;  /* (16) raw */
    const float *previous_step;  /* (13) raw step inputs of the session before; NULL in the first */
    double kernel_s[QUANTILES];  /* kernel KM */
    double running_s[QUANTILES]; /* KM running */
};

struct pipeline_sink {
    void *ctx;
    /* Called in the order of the scrobbles of each user. May be NULL. @return 0, or -1 with err to
     * stop */
    int (*prediction)(void *ctx, const struct prediction *prediction,
                      const struct prediction_detail *detail, struct err *err);
    /* A session closed, or a closed one changed by a late scrobble (revision > 0). May be NULL. */
    int (*session)(void *ctx, const struct session *session, uint32_t partition,
                   uint32_t user_index, struct err *err);
};

struct pipeline;

/** @param params copied  @param sink copied  @param batch_rows micro-batch, 1 .. 4096 (256 serves
 * well)
 *  @return new pipeline without bundle: sessions only, no predictions. NULL with ERR_MEMORY */
struct pipeline *pipeline_new(const struct stream_params *params, const struct pipeline_sink *sink,
                              size_t batch_rows, struct err *err) MUST_CHECK;
void pipeline_free(struct pipeline *pipeline);

/** Serves from bundle from the next push on (flushes first). The pipeline takes a hold of its own
 * and releases the one it had. Hidden states made by another bundle are recomputed from history
 * when their user is next seen.
 *  @return 0, or -1: ERR_SHAPE when its window is larger than params.window, ERR_USAGE when it has
 * the feature `holiday` and there are none, or what a sink said */
int pipeline_set_bundle(struct pipeline *pipeline, struct bundle *bundle,
                        struct err *err) MUST_CHECK;

/** Base and features without a net, for training: predictions are those of the kernel KM on this
 * pool.
 *  @param pool_ms (POOL_VALUES) ascending, copied  @param panel start features beside those of all
 * nets (bundle/feature_names.h)  @return 0, or -1 as pipeline_set_bundle */
int pipeline_set_pool(struct pipeline *pipeline, const int64_t *pool_ms, uint32_t panel,
                      struct err *err) MUST_CHECK;

/** The days that the feature `holiday` is about, from the next push on (flushes first when it is
 * served).
 *  @param holidays borrowed until others are set; NULL: none  @return 0, or -1: ERR_USAGE when
 * there are to be none and the bundle has the feature, or what a sink said; then the old ones stay
 */
int pipeline_set_holidays(struct pipeline *pipeline, const struct holidays *holidays,
                          struct err *err) MUST_CHECK;

/** Takes one scrobble (user_id not empty, time valid) into a partition's state: moves its stream
 * time, closes what is due, then the scrobble itself. Borrows nothing after return. @return 0 with
 * outcome, or -1: ERR_MEMORY, or what a sink said */
int pipeline_push(struct pipeline *pipeline, struct state_store *store,
                  const struct scrobble *scrobble, enum outcome *outcome,
                  struct err *err) MUST_CHECK;

/** Moves a partition's stream time without a scrobble (idle partitions) and closes what is due.
 * Never moves it back. */
int pipeline_advance(struct pipeline *pipeline, struct state_store *store,
                     struct event_time stream_time, struct err *err) MUST_CHECK;

/** Closes every session still open in store: the end of a log. */
int pipeline_end(struct pipeline *pipeline, struct state_store *store, struct err *err) MUST_CHECK;

/** Runs the net over what is waiting and hands the predictions to the sink. Call before a store is
 * freed. */
int pipeline_flush(struct pipeline *pipeline, struct err *err) MUST_CHECK;

/** Throws away what waits in the micro-batch: the transaction it belongs to is aborted. */
void pipeline_discard(struct pipeline *pipeline);

/** Counts since pipeline_new, by outcome; sessions closed, revised; hidden states recomputed. */
struct pipeline_counts {
    uint64_t outcome[OUTCOMES];
    uint64_t predictions, sessions_opened, sessions_closed, sessions_revised, sessions_reopened,
        hidden_recomputed,
        cluster_moves; /* users who came into a cluster other than the one they had, or a first */
};
const struct pipeline_counts *pipeline_counts(const struct pipeline *pipeline);

#endif
