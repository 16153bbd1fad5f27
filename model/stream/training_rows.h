/* training_rows.h - the sink that turns a log into what the trainer learns from: every user's step
 * inputs, and rows of features with the truth behind them. Fed twice from the same log: first with
 * the sessions alone, which gives lengths, splits and the pool; then with predictions of the kernel
 * KM on that pool, which gives the rows. */
#ifndef OUTRO_STREAM_TRAINING_ROWS_H
#define OUTRO_STREAM_TRAINING_ROWS_H

#include "nn/train_set.h"
#include "stream/pipeline.h"
#include "stream/session_lengths.h"

struct training_rows {
    const struct session_lengths *lengths; /* borrowed */
    uint64_t seed;                         /* of the choice of training rows */
    struct train_set set;
    size_t *capacity;      /* (users) of their rows */
    size_t start_features; /* S of the set */
};

/** @param lengths of every session of the log, borrowed for the life of rows  @param panel of the
 * pipeline that will give them  @return 0, -1 with ERR_MEMORY */
int training_rows_init(struct training_rows *rows, const struct session_lengths *lengths,
                       uint32_t panel, uint64_t seed, struct err *err) MUST_CHECK;
void training_rows_release(struct training_rows *rows);

/** For pipeline_sink.prediction, with ctx the rows. Training rows are kept with probability min(1,
 * 2/i), drawn from seed, user, session and scrobble alone; validation rows are all kept. */
int training_rows_take(void *ctx, const struct prediction *prediction,
                       const struct prediction_detail *detail, struct err *err);

#endif
