/* gru.h - one GRU layer over sequences, forward and backward in time, for training.
 * The reset gate works after the recurrent product (PyTorch, cuDNN, tf.keras 2 and Keras 3):
 *     r = s(x W_r + b_ir + h U_r + b_hr)      z = s(x W_z + b_iz + h U_z + b_hz)
 *     n = tanh(x W_n + b_in + r (h U_n + b_hn))              h' = (1-z) n + z h
 * PyTorch's parameters: gates r z n, weights (out, in), two biases. B sequences, T steps, I inputs,
 * H hidden. */
#ifndef OUTRO_NN_GRU_H
#define OUTRO_NN_GRU_H

#include <stddef.h>

#include "nn/real.h"

struct gru_shape {
    size_t inputs, hidden; /* I, H */
};

struct gru_params {
    const real *weight_ih; /* (3H,I) */
    const real *weight_hh; /* (3H,H) */
    const real *bias_ih;   /* (3H) */
    const real *bias_hh;   /* (3H) */
};

struct gru_gradients { /* shapes as above; backward adds to them */
    real *weight_ih, *weight_hh, *bias_ih, *bias_hh;
};

/* All borrowed. What forward leaves in states and gates is what backward reads. */
struct gru_sequences {
    size_t batch, steps; /* B, T */
    const real *x;       /* (B,T,I) */
    real *states; /* (B,T+1,H): [b][0] is the state carried in, set by the caller; forward writes
                     the rest */
    real *gates;  /* (B,T,4H): r, z, hU_n + b_hn, and n */
};

void gru_forward(const struct gru_shape *shape, const struct gru_params *params,
                 const struct gru_sequences *sequences);

/** @param d_states (B,T+1,H): in, the gradient of the loss by every state as far as it comes from
 * outside the layer; out, [b][0] the whole gradient by the state carried in (the rest is used up)
 *  @param d_gates (B,T,4H) scratch  @param d_x (B,T,I) written, or NULL  @param gradients added to
 */
void gru_backward(const struct gru_shape *shape, const struct gru_params *params,
                  const struct gru_sequences *sequences, real *d_states, real *d_gates, real *d_x,
                  const struct gru_gradients *gradients);

#endif
