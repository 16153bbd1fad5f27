/* initializer.h - how parameters start: a table of rows, found by name. A tensor is (out, in),
 * gates one below the other, as net_spec.h lays it out; Keras' (in, out) drawn there and
 * transposed. zeros ones glorot_uniform  U(+-sqrt(6/(in + out))), out the fused width of all gates
 *     orthogonal      Q of a normal matrix, columns (in) orthonormal if out >= in, else rows
 *     torch_uniform   U(+-1/sqrt(fan)): PyTorch's recurrent layers, fan the hidden width; the bias
 * of its Linear, fan the weight's in kaiming_uniform U(+-1/sqrt(in)): the weight of its Linear
 * (Kaiming with a = sqrt 5) lstm_forget_one 0, and 1 in the second of four blocks: Keras'
 * unit_forget_bias Sources: Glorot and Bengio 2010; Saxe et al. 2014; Jozefowicz et al. 2015. */
#ifndef OUTRO_NN_INITIALIZER_H
#define OUTRO_NN_INITIALIZER_H

#include <stddef.h>

#include "core/err.h"
#include "core/random.h"
#include "nn/real.h"

struct initializer_shape {
    size_t out, in; /* rows and columns of the tensor; in is 1 for a bias */
    size_t fan;     /* of torch_uniform */
};

/** @return a row of the table, or NULL with ERR_INPUT and the names it may be */
const struct initializer *initializer_by_name(const char *name, struct err *err) MUST_CHECK;
/** Fills a tensor. @param values (out,in) written  @return 0, or -1 with ERR_MEMORY (orthogonal) */
int initializer_fill(const struct initializer *initializer, const struct initializer_shape *shape,
                     struct random *random, real *values, struct err *err) MUST_CHECK;

#endif
