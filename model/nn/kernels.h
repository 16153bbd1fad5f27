/* kernels.h - the small dense loops of serving, once a vector width; the widest that this CPU has
 * is chosen at run time. Not BLAS: there, how a row is summed depends on the size of its batch.
 * Here every row is summed over its inputs in order, so that its result is the same bits alone and
 * in any batch, at any place in it. Rows are read where they lie, by a pointer each, and worked on
 * in blocks: what is written has room for KERNEL_ROWS rows, those behind `rows` may be overwritten.
 */
#ifndef OUTRO_NN_KERNELS_H
#define OUTRO_NN_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/net_spec.h"
#include "core/simd.h"

#define KERNEL_ROWS  24 /* largest `rows` of a call: its scratch stays in the nearer caches */
#define KERNEL_PAD   16 /* widths of layers are padded to this many floats: the widest vector */
#define KERNEL_HALF  8  /* those of few outputs to this many */
#define KERNEL_PANEL 32 /* columns of weights that lie together */

/* Weights as the kernels want them: columns in panels, a panel's rows one after the other, so that
 * they are read from end to end. What pads them is zero. */
struct packed {
    size_t inputs, outputs; /* outputs a multiple of KERNEL_HALF */
    float *panels;          /* (panels,inputs,KERNEL_PANEL) */
    float *bias;            /* (outputs) */
};

/* Columns at .. at + count - 1 of rows, each behind a pointer of its own. */
struct kernel_input {
    const float *const *row;
    size_t at, count;
};

/* A block of rows of one recurrent layer, H its width, W the padded. */
struct cell_block {
    enum gate_function gate;
    size_t rows, width, padded; /* H, W */
    float *gates;               /* (rows,4W), sums that no function has seen */
    float *const *state;        /* h (H) of row r at state[r] + at, replaced; an LSTM's c behind */
    size_t at;
    float *reset; /* (rows,W) r h of a gru-before, written by gru_reset */
};

struct kernels {
    const char *name; /* "avx512", "avx2", "portable" */
    /** y = x w + bias, or y += x w. @param x two inputs side by side, the second perhaps of none
     *  @param y (rows,outputs), y_stride floats apart */
    void (*product)(const struct packed *w, bool add, size_t rows, const struct kernel_input x[2],
                    float *y, size_t y_stride);
    /** A GRU's step: gates r z xW_n+b_n hU_n+b'_n; h' = (1-z) n + z h. */
    void (*gru)(const struct cell_block *block);
    /** A gru-before's step in two: gates r z; reset = r h; then, gates[2] filled, the rest. */
    void (*gru_reset)(const struct cell_block *block);
    void (*gru_blend)(const struct cell_block *block);
    /** An LSTM's step: gates i f g o; c' = f c + i g, h' = o tanh(c'). */
    void (*lstm)(const struct cell_block *block);
    /** y = the activation of y, over count floats. */
    void (*activate)(enum dense_activation activation, size_t count, float *y);
    /** e^d over count floats, d clamped first so that nothing overflows. */
    void (*exponentials)(size_t count, float *d);
};

/** The best of this CPU; static. */
const struct kernels *kernels_best(void);

/** Every one this CPU can run, the portable one among them, for tests and benchmarks. @return how
 * many (<= 3) */
size_t kernels_usable(const struct kernels *out[SIMDS]);

/** Width rounded up to whole vectors. */
static inline size_t kernel_padded(size_t width)
{
    return (width + KERNEL_PAD - 1) / KERNEL_PAD * KERNEL_PAD;
}

/** Floats of the panels of so many inputs and padded outputs. */
static inline size_t packed_panels(size_t inputs, size_t outputs)
{
    return (outputs + KERNEL_PANEL - 1) / KERNEL_PANEL * KERNEL_PANEL * inputs;
}

/** Adds w to the packed weights: input first_input + i and output first_output + o from w[o][i].
 *  @param w (outputs,inputs), w_stride floats apart */
void packed_add(const struct packed *to, size_t first_input, size_t first_output, const float *w,
                size_t w_stride, size_t outputs, size_t inputs);

#endif
