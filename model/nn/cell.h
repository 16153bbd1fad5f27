/* cell.h - recurrent cells over sequences, forward and backward in time, for training. One row a
 * cell, one driver for all: the driver has the products over all steps, masks and the gradients by
 * the parameters; a row has what happens within one step.
 *     gru         r,z = s(x W + b + h U + b')   n = tanh(x W_n + b_n + r (h U_n + b'_n))
 *                 h' = (1-z) n + z h                                    gates r z n
 *     gru-before  the same, but n = tanh(x W_n + b_n + (r h) U_n)        gates r z n
 *     lstm        i,f,o = s(..)   g = tanh(..)   c' = f c + i g   h' = o tanh(c')   gates i f g o
 * s is the gate function. Everything is time-major, so that what one step works on lies together:
 * T steps, B sequences, I inputs, H width, G gates. All memory is the caller's. */
#ifndef OUTRO_NN_CELL_H
#define OUTRO_NN_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/net_spec.h"
#include "nn/real.h"

#define CELL_GATES_MAX 4
#define CELL_SAVED     4 /* blocks of H that a step of a sequence leaves for the way back */

struct cell_shape {
    enum cell_kind kind;
    enum gate_function gate;
    size_t inputs, width;               /* I, H */
    const struct cell_kernels *kernels; /* NULL: the best of this CPU */
};

struct cell_params {                   /* borrowed; a bias that the layer does not have is NULL */
    const real *weight_ih, *weight_hh; /* (G H,I), (G H,H) */
    const real *bias_ih, *bias_hh;     /* (G H) */
};

struct cell_gradients { /* as above; backward adds to them */
    real *weight_ih, *weight_hh, *bias_ih, *bias_hh;
};

/* Factors of dropout, the same at all steps: 0, or 1/(1-p). */
struct cell_masks {
    const real *input;     /* (input_gates,B,I), NULL for none */
    size_t input_gates;    /* 1: one for all gates; G: one a gate */
    const real *recurrent; /* (G,B,H) of h in the products with U alone; NULL for none */
};

/* All borrowed. What forward leaves in h, c and saved is what backward reads. x must be finite
 * where there is no step, too. */
struct cell_sequences {
    size_t batch, steps;  /* B, T */
    const real *x;        /* (T,B,I) */
    const uint8_t *valid; /* (T,B) 0: no step, h and c stay as they are; NULL: all are steps */
    struct cell_masks masks;
    bool from_zero; /* h[0] and c[0] are zero and their gradient is not wanted: saves the first
                     * step's products */
    real *h; /* (T+1,B,H): [0] the state carried in, set by the caller; forward writes the rest */
    real *c; /* the same of an LSTM's c; NULL for others */
    real *saved; /* (T,B,4H) */
    real *work;  /* cell_work_count() numbers of scratch */
};

/** Gates of a cell: blocks of H rows in its weights. */
size_t cell_gates(enum cell_kind kind);
/** Is a product with weights of that size a small one: ours, not BLAS's? */
bool cell_product_is_small(size_t inputs, size_t outputs);
/** Numbers of work that forward and backward need for up to so many sequences and steps. */
size_t cell_work_count(const struct cell_shape *shape, size_t batch, size_t steps);

/** Runs all steps; one step of many sequences is that with T = 1. */
void cell_forward(const struct cell_shape *shape, const struct cell_params *params,
                  const struct cell_sequences *sequences);

/** @param first steps before it only moved the state: no gradient comes from them or passes them
 *  @param d_h (T+1,B,H): in, the gradient by every state as far as it comes from outside the layer;
 * out, [first] the whole gradient by the state carried into step `first`, unless from_zero (the
 * rest is used up)
 *  @param d_c (B,H) of an LSTM: in, the gradient by the last c; out, by the c carried into `first`
 *  @param d_x (T,B,I) written from step `first` on, or NULL  @param gradients added to */
void cell_backward(const struct cell_shape *shape, const struct cell_params *params,
                   const struct cell_sequences *sequences, size_t first, real *d_h, real *d_c,
                   real *d_x, const struct cell_gradients *gradients);

#endif
