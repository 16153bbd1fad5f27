/* net.h - a network of net_spec.h as training computes it: recurrent layers over a batch of
 * sequences, a head over rows that each read one state of one sequence, and the gradient by every
 * parameter. Computes in `real`; parameters and gradient are blocks in the order of net_tensors().
 * A net is scratch for one thread: it holds no parameters and no state between two calls, and
 * allocates nothing after net_new(). T steps, B sequences, I inputs, H width of a layer, F
 * features, O outputs.
 *
 * What does not depend on what: a row's outputs depend on the other sequences and rows of its batch
 * by rounding alone (1e-6 of their size), a layer's states not at all, to the bit, as long as
 * cell_product_is_small() of its weights (cell.h). Steps behind a sequence's end, and steps that
 * are masked, change no bit of its states. */
#ifndef OUTRO_NN_NET_H
#define OUTRO_NN_NET_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "nn/net_spec.h"
#include "nn/real.h"

/* Factors of dropout, 0 or 1/(1-p); NULL where there is none. net_dropout.h draws them. */
struct net_masks {
    const real *input[NET_LAYERS_MAX]; /* (1 or gates,B,inputs) of a recurrent layer's inputs */
    size_t input_gates[NET_LAYERS_MAX];
    const real *recurrent[NET_LAYERS_MAX]; /* (gates,B,H) of its h in the products */
    const real *state;                     /* (rows,H) of the states that the head reads */
    const real *dense[NET_LAYERS_MAX];     /* (rows,width) of a head layer's outputs */
};

/* All borrowed. */
struct net_batch {
    size_t steps, sequences; /* T, B */
    const real *x;           /* (T,B,I) */
    const uint8_t *valid;    /* (T,B) 0: no step, the state stays; NULL: all are steps */
    size_t warmup;      /* steps that only move the state: no gradient comes from or passes them */
    const real *state;  /* (B,net_state_width) carried in; NULL: zero */
    size_t rows;        /* of the head */
    const uint32_t *at; /* (rows) t B + b: the row reads the state of sequence b after t steps; NULL
                         * without recurrent layers */
    const real *features;          /* (rows,F), NULL when F is 0 */
    const struct net_masks *masks; /* NULL: no dropout */
};

struct net;
/** @param spec checked, copied  @param sequences, steps, rows the largest a batch may have
 *  @return NULL with ERR_MEMORY */
struct net *net_new(const struct net_spec *spec, size_t sequences, size_t steps, size_t rows,
                    struct err *err) MUST_CHECK;
void net_free(struct net *net); /* NULL is fine */

/** Writes the rows that read the last state of each sequence (masked steps repeat the last).
 *  @param at (sequences) out */
void net_rows_last(size_t steps, size_t sequences, uint32_t *at);
/** Writes the rows that read the states after every step, time-major. @param at (steps,sequences)
 * out */
void net_rows_every(size_t steps, size_t sequences, uint32_t *at);

/** @param params the whole block  @return (rows,O) outputs, the net's, until its next call */
const real *net_forward(struct net *net, const real *params, const struct net_batch *batch);

/** After net_forward() of the same batch and params. @param d_outputs (rows,O) gradient of the loss
 * by the outputs  @param gradient the whole block, added to */
void net_backward(struct net *net, const real *params, const struct net_batch *batch,
                  const real *d_outputs, real *gradient);

/** The state after the last step. @param state (B,net_state_width) out */
void net_carry(const struct net *net, const struct net_batch *batch, real *state);

/** What a layer gave in the last net_forward(). @return (T+1,B,H), the state carried in first */
const real *net_states(const struct net *net, size_t recurrent_layer);
/** @return (rows,width), after activation and dropout */
const real *net_dense(const struct net *net, size_t head_layer);

#endif
