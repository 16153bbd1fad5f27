/* segments.h - cuts users' histories into the segments that training is fed with, and turns a few
 * of them at a time into a batch of the network. Training sessions of a user are cut every `length`
 * sessions; a segment's rows give loss, and the recurrent net starts from zero at most `warmup`
 * sessions before it. */
#ifndef OUTRO_NN_SEGMENTS_H
#define OUTRO_NN_SEGMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "nn/net_dropout.h"
#include "nn/network.h"
#include "core/random.h"
#include "nn/train_set.h"

/* Segments that go through the net together. A part of the recipe's arithmetic, whatever the number
 * of threads: gradients are summed by group, then over groups in order. */
#define GROUP_SEGMENTS 4

struct segment {
    const struct train_user *user; /* borrowed */
    size_t begin;                  /* session the hidden state starts at, as zero */
    size_t first, end;             /* sessions first .. end - 1 give loss */
    size_t row, rows;              /* of the user's rows */
};

struct segments {
    size_t count;
    struct segment *segment; /* owned */
    size_t rows, rows_max;   /* in all, and in the largest */
    size_t steps_max;        /* recurrent steps of the longest */
};

/** Cuts the training sessions of set (borrowed). Segments without rows are left out.
 *  @return 0, -1 with ERR_MEMORY, or ERR_INPUT when a user's rows are out of order or past its
 * sessions */
int segments_cut(struct segments *segments, const struct train_set *set, size_t length,
                 size_t warmup, struct err *err) MUST_CHECK;
void segments_release(struct segments *segments);

/** Fits a scaler: step inputs on training sessions, features on training rows. */
void segments_fit_scaler(const struct segments *segments, const struct train_set *set,
                         struct predictor_scaler *scaler);

/* Caller's memory for one group, and the batch that points into it. */
struct group {
    struct network_batch batch;
    float *memory;   /* owned, as is state */
    uint32_t *state; /* (rows) */
    float *x, *features, *base, *target;
    struct net_dropout dropout; /* owned; knows the network */
};

/** Room for any GROUP_SEGMENTS of segments. @param spec the network and its dropout, copied
 *  @param state_dropout probability for the states that the head reads  @return 0, or -1 with
 * ERR_MEMORY */
int group_init(struct group *group, const struct segments *segments, const struct net_spec *spec,
               double state_dropout, struct err *err) MUST_CHECK;
void group_release(struct group *group);

/** Fills the batch from count segments picked by index.
 *  @param random draws the dropout  @param scale of the loss */
void group_fill(struct group *group, const struct segments *segments, const uint32_t *pick,
                size_t count, const struct predictor_scaler *scaler, struct random *random,
                double scale);

#endif
