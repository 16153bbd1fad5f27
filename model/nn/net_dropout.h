/* net_dropout.h - draws the masks of dropout that net.h is given, at the probabilities of a spec:
 * factors 0 or 1/(1-p). A recurrent layer's inputs share one mask for all steps, and for all gates
 * unless its recurrence has dropout too, which is one mask a gate for both (Keras); a head layer's
 * outputs, and the states that the head reads, are drawn for every row. */
#ifndef OUTRO_NN_NET_DROPOUT_H
#define OUTRO_NN_NET_DROPOUT_H

#include <stddef.h>

#include "core/err.h"
#include "nn/net.h"
#include "core/random.h"

struct net_dropout {
    struct net_masks masks; /* of the last draw: what net_batch borrows */
    struct net_spec spec;
    double state; /* probability for the states that the head reads */
    size_t rows;  /* room for */
    real *memory; /* owned */
    real *input[NET_LAYERS_MAX], *recurrent[NET_LAYERS_MAX], *dense[NET_LAYERS_MAX], *states;
};

/** @param spec its probabilities count, copied  @param state in 0 .. below 1  @param sequences,
 * rows the largest a batch may have  @return 0, or -1 with ERR_MEMORY; release it either way */
int net_dropout_init(struct net_dropout *dropout, const struct net_spec *spec, double state,
                     size_t sequences, size_t rows, struct err *err) MUST_CHECK;
void net_dropout_release(struct net_dropout *dropout);

/** Draws all masks of a batch anew. */
void net_dropout_draw(struct net_dropout *dropout, size_t sequences, size_t rows,
                      struct random *random);

#endif
