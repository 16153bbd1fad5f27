/* network.h - the predictor as training sees it: its net (net.h) over sequences of sessions, the
 * head over rows that each read one state of one sequence, the loss, and the gradient by every
 * parameter. Computes in `real`; parameters and gradient stand in the order of net_tensors(). A
 * network is scratch for one thread: it holds no parameters. T steps, B sequences, O outputs. */
#ifndef OUTRO_NN_NETWORK_H
#define OUTRO_NN_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "nn/loss.h"
#include "nn/net.h"
#include "nn/predictor.h"
#include "nn/real.h"

/* Borrowed. Sequences begin with a zero state at their first step; shorter ones are padded behind,
 * where no row reads. */
struct network_batch {
    size_t steps, sequences, rows; /* T, B, rows */
    const real *x;                 /* (T,B,13) standardised; unused without recurrent layers */
    const uint32_t *state; /* (rows) t B + b: the row is predicted after t steps of sequence b */
    const real *features;  /* (rows,30) standardised, start then live */
    const real *base;      /* (rows,O) what the head corrects: ln(kernel remaining + 30) of the
                            * quantiles, or of the median alone; NULL for nothing */
    const real *target;    /* (rows) ln(remaining + 30) */
    const struct net_masks *masks; /* of dropout; NULL for none */
    const struct loss *loss;       /* of its O outputs */
    double scale;                  /* of loss and gradient: 1/(O rows of the whole batch) */
};

struct network;
/** @param spec checked  @param sequences, steps, rows the largest a batch may have  @return NULL
 * with ERR_MEMORY */
struct network *network_new(const struct net_spec *spec, size_t sequences, size_t steps,
                            size_t rows, struct err *err) MUST_CHECK;
void network_free(struct network *network);

/** Loss of a batch. @param params the whole block  @param gradient the whole block, added to; NULL
 * for the loss alone
 *  @return scaled sum */
double network_loss(struct network *network, const real *params, const struct network_batch *batch,
                    real *gradient);

#endif
