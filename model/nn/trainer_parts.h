/* trainer_parts.h - what the files of the trainer share: its state, one step of it (trainer_step.c)
 * and its checkpoint (trainer_checkpoint.c). Private to them. */
#ifndef OUTRO_NN_TRAINER_PARTS_H
#define OUTRO_NN_TRAINER_PARTS_H

#include "nn/early_stop.h"
#include "nn/network.h"
#include "core/random.h"
#include "nn/segments.h"
#include "nn/trainer.h"
#include "core/workers.h"

/* The gradient of a group of segments; a slot each, so that it does not matter who computes which.
 */
struct slot {
    struct group group;
    float *gradient; /* (params) */
    double loss;     /* scaled by the rows of the whole batch */
};

struct trainer {
    const struct train_set *set;
    const struct trainer_options *options;
    const struct trainer_hooks *hooks;
    struct segments segments;
    uint32_t *order;           /* (segments) of this epoch */
    struct predictor *net;     /* what the optimizer moves */
    struct predictor *average; /* of its weights over the steps */
    struct predictor
        *candidate;         /* the average with its correction shrunk: what would be published */
    struct predictor *best; /* the candidate that validated best */
    struct optimizer *optimizer;
    struct schedule schedule; /* the options', its steps those of this training */
    struct early_stop stop;
    struct workers *workers;
    struct network **network; /* (threads) */
    struct slot *slot;        /* (slots) */
    size_t slots;
    struct random shuffle;
    struct trainer_epoch *curve;                  /* (options' epochs) */
    size_t tensor_size[NET_TENSORS_MAX], tensors; /* numbers in each tensor of the block */
    /* of the step at hand */
    const uint32_t *pick; /* its segments, of order */
    size_t picked;
    double scale;
    uint64_t steps_done; /* all epochs */
    double first_loss;   /* of the first step: what has grown a thousandfold from it exploded */
    struct trainer_progress progress;
    struct trainer_report report;
};

static inline size_t slots_for(size_t segments)
{
    return (segments + GROUP_SEGMENTS - 1) / GROUP_SEGMENTS;
}

/** One step on the segments picked. @param loss out, a row's mean  @return 0, -1 when it cannot go
 * on */
int trainer_step(struct trainer *t, double *loss, struct err *err) MUST_CHECK;

/** All that the trainer needs to go on behind the epoch at hand. @param bytes new, caller frees
 *  @return 0, -1 with ERR_MEMORY */
int trainer_checkpoint(struct trainer *t, void **bytes, size_t *size, struct err *err) MUST_CHECK;
/** Puts it back into a trainer of the same options and rows. @return 0, -1 with ERR_INPUT */
int trainer_resume(struct trainer *t, const void *bytes, size_t size, struct err *err) MUST_CHECK;

#endif
