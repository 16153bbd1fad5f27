/* cell_pass.h - what a step of any cell is made of: products over all steps or over one, under the
 * masks of dropout, forward and backward. Private to cell.c and cell_pass.c; T, B, I, H, G as in
 * cell.h. */
#ifndef OUTRO_NN_CELL_PASS_H
#define OUTRO_NN_CELL_PASS_H

#include "nn/cell.h"
#include "nn/cell_kernels.h"
#include "nn/tensor.h"

/* What a pass over a layer works with. */
struct cell_pass {
    const struct cell *cell;
    const struct cell_kernels *kernels;
    const struct cell_params *params;
    const struct cell_sequences *s;
    enum gate_function gate;
    size_t inputs, width, columns; /* I, H, G H */
    /* parts of work */
    real *turned_ih; /* (I,G H) weights as the way forward reads them */
    real *turned_hh; /* (H,G H) */
    real *masked;    /* (T,B,max(I,H)) x or h under one gate's mask */
    real *d_saved;   /* (T,B,4H) */
    real *d_part;    /* (T,B,I) or (B,H): one gate's share of a gradient */
    /* backward */
    real *d_h, *d_c;
};

/* A cell: where the sums of its gates stand among the blocks of saved, and one step each way. The
 * sums are the product with x (in place already) and that with h, which may stand elsewhere. */
struct cell {
    size_t gates;
    size_t x_block[CELL_GATES_MAX], h_block[CELL_GATES_MAX];
    size_t from_saved; /* the gate whose product is with a block of saved (2), not with h; or G */
    void (*step)(const struct cell_pass *p, size_t t);
    void (*step_back)(const struct cell_pass *p, size_t t);
};

/* Numbers of a state of all sequences. */
static inline size_t step_numbers(const struct cell_pass *p)
{
    return p->s->batch * p->width;
}

/* Blocks of H columns within rows of saved or d_saved. */
static inline struct matrix block_of(real *saved, size_t rows, size_t width, size_t block,
                                     size_t blocks)
{
    return (struct matrix){saved + block * width, rows, blocks * width, CELL_SAVED * width};
}

static inline const real *recurrent_mask(const struct cell_pass *p, size_t k)
{
    const real *masks = p->s->masks.recurrent;
    return masks ? masks + k * step_numbers(p) : NULL;
}

/* Does step t start from a state that is zero, and whose gradient nobody asks for? */
static inline bool cell_is_zero(const struct cell_pass *p, size_t t)
{
    return t == 0 && p->s->from_zero;
}

/** c += a w. */
void cell_product(const struct cell_pass *p, struct const_matrix a, struct const_matrix w,
                  struct matrix c);
/** out (columns,rows) = weight (rows,columns), turned. */
void cell_turn(const real *weight, size_t rows, size_t columns, real *out);
/** saved = biases + x W, for all steps at once. */
void cell_input_sums(const struct cell_pass *p);
/** saved of step t += h U for gates first .. last - 1. */
void cell_recurrent_sums(const struct cell_pass *p, size_t t, size_t first, size_t last);
/** d_h of step t += d_saved U^T for gates first .. last - 1. */
void cell_recurrent_back(const struct cell_pass *p, size_t t, size_t first, size_t last);
/** By weights from step `first` on, one product over all steps for each; by biases. */
void cell_input_gradients(const struct cell_pass *p, size_t first, const struct cell_gradients *d);
void cell_recurrent_gradients(const struct cell_pass *p, size_t first,
                              const struct cell_gradients *d);
void cell_bias_gradients(const struct cell_pass *p, size_t first, const struct cell_gradients *d);
/** d_x from step `first` on = d_saved W^T. */
void cell_input_back(const struct cell_pass *p, size_t first, real *d_x);

#endif
