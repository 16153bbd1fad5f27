/* kernels.h - the small dense loops of serving, once a vector width; the widest that this CPU has
 * is chosen at run time. Not BLAS: there, how a row is summed depends on the size of its batch.
 * Here every row is summed over its inputs in order, so that its result is the same bits alone and
 * in any batch, at any place in it. Rows are worked on in blocks: every matrix has room for
 * KERNEL_ROWS rows, and those behind `rows` may be overwritten. */
#ifndef OUTRO_NN_KERNELS_H
#define OUTRO_NN_KERNELS_H

#include <stddef.h>

#define KERNEL_ROWS 24 /* largest `rows` of a call: its scratch stays in the first-level cache */
#define KERNEL_PAD                                                                                 \
    16 /* widths of weights and results are padded to this many floats: the widest vector */

struct kernels {
    const char *name; /* "avx512", "avx2", "portable" */
    /** y += x w. @param x (rows,inputs), x_stride floats apart  @param w (inputs,outputs), w_stride
     * (a multiple of KERNEL_PAD, >= outputs) apart  @param y (rows,outputs) rounded up to a whole
     * vector, y_stride apart */
    void (*product)(size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride,
                    const float *w, size_t w_stride, float *y, size_t y_stride);
    /** The GRU's gates, h' = (1-z) n + z h. @param width padded H  @param gates (rows,4 width): r
     * and z summed, then hU_n + b_hn, then xW_n + b_in  @param h (rows,width), replaced */
    void (*gru_gates)(size_t rows, size_t width, const float *gates, float *h);
    /** y = max(y, 0) over count floats. */
    void (*relu)(size_t count, float *y);
    /** e^d over KERNEL_ROWS * 4 floats, d clamped first so that nothing overflows. */
    void (*exponentials)(float *d);
};

/** The best of this CPU; static. */
const struct kernels *kernels_best(void);

/** Every one this CPU can run, the portable one among them, for tests and benchmarks. @return how
 * many (<= 3) */
size_t kernels_usable(const struct kernels *out[3]);

/** Makes a runner use others than the best, for the same. */
struct predictor_runner;
void predictor_runner_use(struct predictor_runner *runner, const struct kernels *kernels);

#endif
