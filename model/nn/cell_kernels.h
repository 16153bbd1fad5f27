/* cell_kernels.h - the loops of one step of a recurrent cell in training, forward and backward,
 * once a vector width; the widest that this CPU has is chosen at run time. All rows of matrices are
 * without gaps unless a stride is named. B sequences of the step ("rows"), H width. */
#ifndef OUTRO_NN_CELL_KERNELS_H
#define OUTRO_NN_CELL_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "nn/net_spec.h"
#include "nn/real.h"
#include "core/simd.h"

/* One step. What a row of saved holds, in blocks of H: first the sums, then what they became.
 *     gru          r, z, hU_n + b'_n, n
 *     gru-before   r, z, r h, n
 *     lstm         i, f, g, o
 * d_saved is the gradient by the sums; of gru-before's third block, which is none, it is not used.
 */
struct cell_step {
    size_t rows, width; /* B, H */
    enum gate_function gate;
    const uint8_t *valid;   /* (B), NULL: all; a row without a step keeps h and c */
    real *saved;            /* (B,4H) */
    const real *h, *c;      /* (B,H) before the step; c of an LSTM */
    real *h_next, *c_next;  /* (B,H) after it */
    const real *reset_mask; /* (B,H) dropout of h in gru-before's candidate; NULL for none */
    const real *d_h_next;   /* (B,H) backward: gradient by h_next */
    real *d_h;              /* (B,H) added to, as far as h goes past the products */
    real *d_c;              /* (B,H) in by c_next, out by c */
    real *d_reset;          /* (B,H) gru-before's, by r h */
    real *d_saved;          /* (B,4H) written */
};

struct cell_kernels {
    const char *name; /* "avx512", "avx2", "portable" */
    /** c += a w, each row summed over k in order, alone or in any batch the same bits.
     *  @param a (rows,inner)  @param w (inner,columns)  @param c (rows,columns) */
    void (*product)(size_t rows, size_t inner, size_t columns, const real *a, size_t a_stride,
                    const real *w, size_t w_stride, real *c, size_t c_stride);
    void (*gru)(const struct cell_step *step), (*gru_back)(const struct cell_step *step);
    /* reset: r, z and r h; then, between two products, the candidate. Backward: candidate first. */
    void (*reset)(const struct cell_step *step), (*reset_back)(const struct cell_step *step);
    void (*candidate)(const struct cell_step *step),
        (*candidate_back)(const struct cell_step *step);
    void (*lstm)(const struct cell_step *step), (*lstm_back)(const struct cell_step *step);
};

/** The best of this CPU; static. */
const struct cell_kernels *cell_kernels_best(void);
/** Every one this CPU can run, for tests and benchmarks. @return how many, at least 1 */
size_t cell_kernels_usable(const struct cell_kernels *out[SIMDS]);

#endif
