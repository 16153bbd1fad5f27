/* trainer.h - trains a predictor on users' session sequences (model/PREDICTOR.md): any net, loss
 * and optimizer, on ln(R + 30); clipped gradients, averaged weights, validation by time, the best
 * kept. The rows come from the same pipeline that serves (stream/), through its training sink. A
 * seed decides every bit, whatever the number of threads, and whether it was interrupted and
 * resumed or not. */
#ifndef OUTRO_NN_TRAINER_H
#define OUTRO_NN_TRAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "nn/clip.h"
#include "nn/loss.h"
#include "nn/optimizer.h"
#include "nn/predictor.h"
#include "nn/schedule.h"
#include "nn/train_set.h"

struct trainer_options {
    struct net_spec spec;     /* PREDICTOR_SPEC(32, 64), dropout .3 behind the first dense layer */
    enum predictor_base base; /* BASE_KERNEL */
    struct loss loss;         /* pinball:.1,.5,.9; of one value where spec has one output */
    struct optimizer_settings optimizer; /* adamw, weight decay .001; its learning rate is not
                                          * looked at */
    double learning_rate;                /* .002, the schedule's peak */
    struct schedule schedule; /* cosine warmup=50: over the whole training; a short one is warmed up
                               * for a quarter of it at most, or it would never reach the peak */
    struct clip clip;         /* norm:1 */
    double state_dropout;     /* .5, of the hidden state that the head reads */
    double average_decay;     /* .995 of the averaged weights (average.h, with its ramp); 0: none */
    double shrink;            /* .6, of the median's correction of the base that is kept: what is
                               * learned from some people is believed a little less of others */
    uint32_t epochs;          /* 12 */
    uint32_t patience;        /* epochs in a row that do not get better, then it stops; 0: never */
    uint32_t segment;         /* 32 sessions that give loss ... */
    uint32_t warmup_sessions; /* ... behind 32 that only move the hidden state */
    uint32_t batch;           /* 16 segments a step */
    uint64_t seed;            /* 1 */
    uint32_t threads;         /* 1; workers; the result does not depend on how many */
};

/** The recipe of model/PREDICTOR.md. */
struct trainer_options trainer_defaults(void);

/** Do net, loss and base go together? @return 0, or -1 with ERR_SHAPE or ERR_INPUT */
int trainer_check(const struct trainer_options *options, struct err *err) MUST_CHECK;

/* What is told after every step; epoch and step count from 1. */
struct trainer_progress {
    uint32_t epoch, epochs, step, steps;
    double loss; /* mean training loss of this epoch so far */
    double learning_rate;
    double validation; /* of the last epoch that ended (validation.h); NAN while the first runs */
    double best_validation;
    uint64_t rows; /* trained on so far, all epochs */
    bool epoch_end;
};

/* What the caller may want of a training; every pointer may be NULL. */
struct trainer_hooks {
    void *ctx;
    /* After every step; @return false to stop early with the best so far. */
    bool (*progress)(void *ctx, const struct trainer_progress *p);
    /* At the end of every epoch: all that is needed to go on from there. @param bytes borrowed
     *  @return 0, or -1 with err to stop */
    int (*checkpoint)(void *ctx, const void *bytes, size_t size, struct err *err);
    const struct predictor *start; /* go on from this net, of the options' spec and base, with its
                                    * scaler. NULL: from weights drawn by the seed */
    bool own_scaler;               /* with start: under a scaler fitted to these rows (rescale.h) */
    bool leave_start;              /* with start: it is not what is kept when no epoch was better */
    const void *resume; /* what checkpoint was given; on a machine of the same byte order */
    size_t resume_size;
};

/* What an epoch came to. */
struct trainer_epoch {
    double loss, validation, learning_rate; /* the rate of its last step */
};

struct trainer_report {
    uint32_t epochs;             /* that were finished */
    struct trainer_epoch *curve; /* (epochs) new, caller frees */
    uint32_t best_epoch;         /* 0: the untrained net was best */
    double training_loss;        /* of the last epoch */
    double best_validation;
    uint64_t training_rows, validation_rows;
};

/** Trains. @param set borrowed  @param hooks may be NULL  @param report may be NULL
 *  @return new predictor with its scaler (fitted on training rows), or NULL: ERR_INPUT (no training
 * rows; a checkpoint that is not of these options and rows), ERR_SHAPE (trainer_check), ERR_CHECK
 * (loss not finite, or grown a thousandfold: says epoch, step, norm and what to try), ERR_MEMORY,
 * or what checkpoint said */
struct predictor *trainer_run(const struct train_set *set, const struct trainer_options *options,
                              const struct trainer_hooks *hooks, struct trainer_report *report,
                              struct err *err) MUST_CHECK;

#endif
