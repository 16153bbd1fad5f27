/* trainer.h - trains a predictor on users' session sequences (model/PREDICTOR.md): pinball at .1 .5
 * .9 on ln(R + 30), AdamW, warm-up and cosine, clipped by global norm, averaged weights, validation
 * by time, the best kept. The rows come from the same pipeline that serves (stream/), through its
 * training sink. */
#ifndef OUTRO_NN_TRAINER_H
#define OUTRO_NN_TRAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "nn/predictor.h"
#include "nn/train_set.h"

struct trainer_options {
    struct net_spec spec; /* PREDICTOR_SPEC(32, 64) */
    uint64_t seed;
    uint32_t epochs;          /* 12 */
    uint32_t segment;         /* 32 sessions that give loss ... */
    uint32_t warmup_sessions; /* ... behind 32 that only move the hidden state */
    uint32_t batch;           /* 16 segments a step */
    double learning_rate;     /* 2e-3 */
    double weight_decay;      /* 1e-3 */
    uint32_t warmup_steps;    /* 50 */
    double clip_norm;         /* 1.0 */
    double dropout;           /* .3, between the head's two hidden layers */
    double state_dropout;     /* .5, of the hidden state that the head reads */
    double average_decay;     /* .995 of the averaged weights */
    double shrink;    /* .6, of the median's correction that is kept: what is learned from some
                       * people is believed a little less of others */
    uint32_t threads; /* workers; the result does not depend on how many */
};
#define TRAINER_DEFAULTS                                                                           \
    ((struct trainer_options){.spec = PREDICTOR_SPEC(32, 64),                                      \
                              .epochs = 12,                                                        \
                              .segment = 32,                                                       \
                              .warmup_sessions = 32,                                               \
                              .batch = 16,                                                         \
                              .learning_rate = 2e-3,                                               \
                              .weight_decay = 1e-3,                                                \
                              .warmup_steps = 50,                                                  \
                              .clip_norm = 1.0,                                                    \
                              .dropout = .3,                                                       \
                              .state_dropout = .5,                                                 \
                              .average_decay = .995,                                               \
                              .shrink = .6,                                                        \
                              .threads = 2})

/* What is told after every step; epoch and step count from 1. */
struct trainer_progress {
    uint32_t epoch, epochs, step, steps;
    double loss; /* mean training pinball of this epoch so far */
    double learning_rate;
    double validation; /* of the last epoch that ended (validation.h); NAN while the first runs */
    double best_validation;
    uint64_t rows; /* trained on so far, all epochs */
    bool epoch_end;
};

struct trainer_report {
    uint32_t best_epoch;  /* 0: the untrained net was best */
    double training_loss; /* of the last epoch */
    double best_validation;
    uint64_t training_rows, validation_rows;
};

/** Trains. @param set borrowed  @param progress may be NULL; returns false to stop early with the
 * best so far
 *  @param report may be NULL  @return new predictor with its scaler (fitted on training rows), or
 * NULL: ERR_INPUT (no training rows), ERR_CHECK (loss not finite: says epoch, step, norm and what
 * to try), ERR_MEMORY */
struct predictor *trainer_run(const struct train_set *set, const struct trainer_options *options,
                              bool (*progress)(void *ctx, const struct trainer_progress *p),
                              void *progress_ctx, struct trainer_report *report,
                              struct err *err) MUST_CHECK;

#endif
