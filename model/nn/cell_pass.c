#include "nn/cell_pass.h"

#include <string.h>

/* Numbers of a weight matrix up to which our product is as fast as BLAS's in a step (measured:
 * bench_rnn_train; widths to 64), and sums a row in the same order in every batch. */
#define SMALL_WEIGHTS 20000

bool cell_product_is_small(size_t inputs, size_t outputs)
{
    return inputs * outputs <= SMALL_WEIGHTS;
}

void cell_product(const struct cell_pass *p, struct const_matrix a, struct const_matrix w,
                  struct matrix c)
{
    if (cell_product_is_small(w.rows, w.columns))
        p->kernels->product(a.rows, w.rows, w.columns, a.data, a.stride, w.data, w.stride, c.data,
                            c.stride);
    else
        tensor_multiply(a, w, 1, c);
}

/* Gates from k on that one product serves: their sums lie together, their inputs are the same. */
static size_t run_of(const struct cell_pass *p, const size_t *block, size_t k, bool masked)
{
    size_t end = k + 1;
    while (!masked && end < p->cell->gates && block[end] == block[end - 1] + 1)
        end++;
    return end;
}

/* out (steps,B,width) = in times mask (B,width) at every step */
static void apply_mask(size_t steps, size_t count, const real *in, const real *mask, real *out)
{
    for (size_t t = 0; t < steps; t++)
        for (size_t i = 0; i < count; i++)
            out[t * count + i] = in[t * count + i] * mask[i];
}

/* Has every gate a mask of x of its own? */
static bool inputs_apart(const struct cell_pass *p)
{
    return p->s->masks.input && p->s->masks.input_gates > 1;
}

/* x as gate k sees it, from step `first` on. */
static const real *input_of(const struct cell_pass *p, size_t k, size_t first)
{
    const struct cell_masks *masks = &p->s->masks;
    size_t count = p->s->batch * p->inputs;
    const real *x = p->s->x + first * count;
    if (!masks->input)
        return x;
    if (k == 0 || inputs_apart(p))
        apply_mask(p->s->steps - first, count, x, masks->input + k * count, p->masked);
    return p->masked;
}

/* ---- forward ---- */

void cell_turn(const real *weight, size_t rows, size_t columns, real *out)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            out[j * rows + i] = weight[i * columns + j];
}

static void add_biases(const struct cell_pass *p, const real *bias, const size_t *block, real *row)
{
    for (size_t k = 0; bias && k < p->cell->gates; k++)
        for (size_t j = 0; j < p->width; j++)
            row[block[k] * p->width + j] += bias[k * p->width + j];
}

void cell_input_sums(const struct cell_pass *p)
{
    size_t rows = p->s->steps * p->s->batch, h = p->width;
    if (!rows)
        return;
    memset(p->s->saved, 0, CELL_SAVED * h * sizeof(real));
    add_biases(p, p->params->bias_ih, p->cell->x_block, p->s->saved);
    add_biases(p, p->params->bias_hh, p->cell->h_block, p->s->saved);
    for (size_t row = 1; row < rows; row++)
        memcpy(p->s->saved + row * CELL_SAVED * h, p->s->saved, CELL_SAVED * h * sizeof(real));
    for (size_t k = 0, end; k < p->cell->gates; k = end) {
        end = run_of(p, p->cell->x_block, k, inputs_apart(p));
        cell_product(
            p, const_matrix_of(input_of(p, k, 0), rows, p->inputs),
            (struct const_matrix){p->turned_ih + k * h, p->inputs, (end - k) * h, p->columns},
            block_of(p->s->saved, rows, h, p->cell->x_block[k], end - k));
    }
}

void cell_recurrent_sums(const struct cell_pass *p, size_t t, size_t first, size_t last)
{
    size_t h = p->width, rows = p->s->batch;
    const real *state = p->s->h + t * rows * h;
    if (cell_is_zero(p, t))
        return;
    for (size_t k = first, end; k < last; k = end) {
        const real *mask = recurrent_mask(p, k);
        end = run_of(p, p->cell->h_block, k, mask != NULL);
        end = end < last ? end : last;
        if (mask)
            apply_mask(1, rows * h, state, mask, p->masked);
        cell_product(p, const_matrix_of(mask ? p->masked : state, rows, h),
                     (struct const_matrix){p->turned_hh + k * h, h, (end - k) * h, p->columns},
                     block_of(p->s->saved + t * rows * CELL_SAVED * h, rows, h, p->cell->h_block[k],
                              end - k));
    }
}

/* ---- backward ---- */

void cell_recurrent_back(const struct cell_pass *p, size_t t, size_t first, size_t last)
{
    size_t h = p->width, rows = p->s->batch;
    real *d_h = p->d_h + t * rows * h, *d_saved = p->d_saved + t * rows * CELL_SAVED * h;
    if (cell_is_zero(p, t))
        return;
    for (size_t k = first, end; k < last; k = end) {
        const real *mask = recurrent_mask(p, k);
        end = run_of(p, p->cell->h_block, k, mask != NULL);
        end = end < last ? end : last;
        if (mask)
            memset(p->d_part, 0, rows * h * sizeof *p->d_part);
        cell_product(p, matrix_read(block_of(d_saved, rows, h, p->cell->h_block[k], end - k)),
                     const_matrix_of(p->params->weight_hh + k * h * h, (end - k) * h, h),
                     matrix_of(mask ? p->d_part : d_h, rows, h));
        for (size_t i = 0; mask && i < rows * h; i++)
            d_h[i] += p->d_part[i] * mask[i];
    }
}

void cell_input_gradients(const struct cell_pass *p, size_t first, const struct cell_gradients *d)
{
    size_t h = p->width, inputs = p->inputs, rows = (p->s->steps - first) * p->s->batch;
    real *d_saved = p->d_saved + first * p->s->batch * CELL_SAVED * h;
    for (size_t k = 0, end; k < p->cell->gates; k = end) {
        end = run_of(p, p->cell->x_block, k, inputs_apart(p));
        struct const_matrix sums =
            matrix_read(block_of(d_saved, rows, h, p->cell->x_block[k], end - k));
        tensor_transposed_multiply(sums, const_matrix_of(input_of(p, k, first), rows, inputs), 1,
                                   matrix_of(d->weight_ih + k * h * inputs, (end - k) * h, inputs));
    }
}

void cell_recurrent_gradients(const struct cell_pass *p, size_t first,
                              const struct cell_gradients *d)
{
    if (first == 0 && p->s->from_zero && p->s->steps)
        first = 1; /* a product with zeros */
    size_t h = p->width, steps = p->s->steps - first, rows = steps * p->s->batch;
    size_t begin = first * p->s->batch;
    real *d_saved = p->d_saved + begin * CELL_SAVED * h;
    for (size_t k = 0, end; k < p->cell->gates; k = end) {
        const real *mask = recurrent_mask(p, k);
        end = run_of(p, p->cell->h_block, k, mask != NULL);
        struct const_matrix from = const_matrix_of(p->s->h + begin * h, rows, h);
        if (k == p->cell->from_saved)
            from = matrix_read(block_of(p->s->saved + begin * CELL_SAVED * h, rows, h, 2, 1));
        else if (mask) {
            apply_mask(steps, step_numbers(p), from.data, mask, p->masked);
            from.data = p->masked;
        }
        struct const_matrix sums =
            matrix_read(block_of(d_saved, rows, h, p->cell->h_block[k], end - k));
        tensor_transposed_multiply(sums, from, 1,
                                   matrix_of(d->weight_hh + k * h * h, (end - k) * h, h));
    }
}

static void add_bias_gradients(const struct cell_pass *p, size_t first, const size_t *block,
                               real *bias)
{
    size_t h = p->width, rows = (p->s->steps - first) * p->s->batch;
    real *d_saved = p->d_saved + first * p->s->batch * CELL_SAVED * h;
    for (size_t k = 0; bias && k < p->cell->gates; k++)
        tensor_add_column_sums(matrix_read(block_of(d_saved, rows, h, block[k], 1)), bias + k * h);
}

void cell_bias_gradients(const struct cell_pass *p, size_t first, const struct cell_gradients *d)
{
    add_bias_gradients(p, first, p->cell->x_block, d->bias_ih);
    add_bias_gradients(p, first, p->cell->h_block, d->bias_hh);
}

void cell_input_back(const struct cell_pass *p, size_t first, real *d_x)
{
    size_t h = p->width, count = p->s->batch * p->inputs, steps = p->s->steps - first;
    size_t rows = steps * p->s->batch;
    const struct cell_masks *masks = &p->s->masks;
    real *d_saved = p->d_saved + first * p->s->batch * CELL_SAVED * h, *out = d_x + first * count;
    memset(out, 0, steps * count * sizeof *out);
    bool apart = inputs_apart(p);
    for (size_t k = 0, end; k < p->cell->gates; k = end) {
        end = run_of(p, p->cell->x_block, k, apart);
        if (apart)
            memset(p->d_part, 0, steps * count * sizeof *p->d_part);
        tensor_multiply(
            matrix_read(block_of(d_saved, rows, h, p->cell->x_block[k], end - k)),
            const_matrix_of(p->params->weight_ih + k * h * p->inputs, (end - k) * h, p->inputs), 1,
            matrix_of(apart ? p->d_part : out, rows, p->inputs));
        for (size_t i = 0; apart && i < steps * count; i++)
            out[i] += p->d_part[i] * masks->input[k * count + i % count];
    }
    if (masks->input && !apart)
        apply_mask(steps, count, out, masks->input, out);
}
