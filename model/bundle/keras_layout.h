/* keras_layout.h - tensors of Keras in the layout of net_spec.h. Keras has weights (in, gates H)
 * with the gates of a GRU z r h and of an LSTM i f c o; here they are (gates H, in) with r z n and
 * i f g o. Values are moved, never changed. Pure. */
#ifndef OUTRO_BUNDLE_KERAS_LAYOUT_H
#define OUTRO_BUNDLE_KERAS_LAYOUT_H

#include <stddef.h>

#include "nn/net_spec.h"

/** @param kernel (inputs, gates H), or (H, gates H) of the recurrence  @param weight (gates H,
 * inputs) out */
void keras_gates_weight(enum cell_kind cell, size_t inputs, size_t width, const double *kernel,
                        double *weight);
/** @param from, to (gates H) */
void keras_gates_bias(enum cell_kind cell, size_t width, const double *from, double *to);
/** @param kernel (inputs, outputs)  @param weight (outputs, inputs) out */
void keras_dense_weight(size_t inputs, size_t outputs, const double *kernel, double *weight);

#endif
