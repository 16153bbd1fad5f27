#include "nn/cell.h"

#include <assert.h>
#include <string.h>

#include "nn/cell_pass.h"

/* ---- the cells ---- */

static struct cell_step step_of(const struct cell_pass *p, size_t t)
{
    const struct cell_sequences *s = p->s;
    size_t numbers = step_numbers(p), at = t * numbers;
    struct cell_step step = {
        .rows = s->batch,
        .width = p->width,
        .gate = p->gate,
        .valid = s->valid ? s->valid + t * s->batch : NULL,
        .saved = s->saved + CELL_SAVED * at,
        .h = s->h + at,
        .h_next = s->h + at + numbers,
        .d_saved = p->d_saved + CELL_SAVED * at,
        .d_c = p->d_c,
        .d_reset = p->d_part,
    };
    if (s->c) {
        step.c = s->c + at;
        step.c_next = s->c + at + numbers;
    }
    if (p->cell->from_saved < p->cell->gates)
        step.reset_mask = recurrent_mask(p, p->cell->from_saved);
    if (p->d_h) {
        step.d_h = p->d_h + at;
        step.d_h_next = p->d_h + at + numbers;
    }
    return step;
}

static void gru_step(const struct cell_pass *p, size_t t)
{
    struct cell_step step = step_of(p, t);
    cell_recurrent_sums(p, t, 0, 3);
    p->kernels->gru(&step);
}

static void gru_step_back(const struct cell_pass *p, size_t t)
{
    struct cell_step step = step_of(p, t);
    p->kernels->gru_back(&step);
    cell_recurrent_back(p, t, 0, 3);
}

/* The candidate's recurrent weights, and its sums in a step of saved or d_saved. */
enum { CANDIDATE = 2, CANDIDATE_BLOCK = 3, RESET_BLOCK = 2 };

static void gru_before_step(const struct cell_pass *p, size_t t)
{
    size_t h = p->width, rows = p->s->batch;
    struct cell_step step = step_of(p, t);
    cell_recurrent_sums(p, t, 0, CANDIDATE);
    p->kernels->reset(&step);
    if (!cell_is_zero(p, t))
        cell_product(p, matrix_read(block_of(step.saved, rows, h, RESET_BLOCK, 1)),
                     (struct const_matrix){p->turned_hh + CANDIDATE * h, h, h, p->columns},
                     block_of(step.saved, rows, h, CANDIDATE_BLOCK, 1));
    p->kernels->candidate(&step);
}

static void gru_before_step_back(const struct cell_pass *p, size_t t)
{
    size_t h = p->width, rows = p->s->batch;
    struct cell_step step = step_of(p, t);
    p->kernels->candidate_back(&step);
    memset(step.d_reset, 0, rows * h * sizeof *step.d_reset);
    if (!cell_is_zero(p, t))
        cell_product(p, matrix_read(block_of(step.d_saved, rows, h, CANDIDATE_BLOCK, 1)),
                     const_matrix_of(p->params->weight_hh + CANDIDATE * h * h, h, h),
                     matrix_of(step.d_reset, rows, h));
    p->kernels->reset_back(&step);
    cell_recurrent_back(p, t, 0, CANDIDATE);
}

static void lstm_step(const struct cell_pass *p, size_t t)
{
    struct cell_step step = step_of(p, t);
    cell_recurrent_sums(p, t, 0, 4);
    p->kernels->lstm(&step);
}

static void lstm_step_back(const struct cell_pass *p, size_t t)
{
    struct cell_step step = step_of(p, t);
    p->kernels->lstm_back(&step);
    cell_recurrent_back(p, t, 0, 4);
}

static const struct cell cells[CELL_KINDS] = {
    [CELL_GRU] = {3, {0, 1, 3}, {0, 1, 2}, 3, gru_step, gru_step_back},
    [CELL_GRU_BEFORE] = {3, {0, 1, 3}, {0, 1, 3}, CANDIDATE, gru_before_step, gru_before_step_back},
    [CELL_LSTM] = {4, {0, 1, 2, 3}, {0, 1, 2, 3}, 4, lstm_step, lstm_step_back},
};

/* ---- the driver ---- */

size_t cell_gates(enum cell_kind kind)
{
    return cells[kind].gates;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The parts of work, in its order. @return their numbers in all */
static size_t work_parts(const struct cell_shape *shape, size_t batch, size_t steps, size_t part[5])
{
    size_t columns = cells[shape->kind].gates * shape->width;
    size_t widest = larger(shape->inputs, shape->width);
    part[0] = shape->inputs * columns;
    part[1] = shape->width * columns;
    part[2] = steps * batch * widest;
    part[3] = steps * batch * CELL_SAVED * shape->width;
    part[4] = larger(steps * batch * shape->inputs, batch * shape->width);
    return part[0] + part[1] + part[2] + part[3] + part[4];
}

size_t cell_work_count(const struct cell_shape *shape, size_t batch, size_t steps)
{
    size_t part[5];
    return work_parts(shape, batch, steps, part);
}

static struct cell_pass pass_of(const struct cell_shape *shape, const struct cell_params *params,
                                const struct cell_sequences *s)
{
    size_t part[5];
    work_parts(shape, s->batch, s->steps, part);
    struct cell_pass p = {
        .cell = &cells[shape->kind],
        .kernels = shape->kernels ? shape->kernels : cell_kernels_best(),
        .params = params,
        .s = s,
        .gate = shape->gate,
        .inputs = shape->inputs,
        .width = shape->width,
        .columns = cells[shape->kind].gates * shape->width,
        .turned_ih = s->work,
    };
    p.turned_hh = p.turned_ih + part[0];
    p.masked = p.turned_hh + part[1];
    p.d_saved = p.masked + part[2];
    p.d_part = p.d_saved + part[3];
    return p;
}

void cell_forward(const struct cell_shape *shape, const struct cell_params *params,
                  const struct cell_sequences *sequences)
{
    struct cell_pass p = pass_of(shape, params, sequences);
    assert(shape->kind != CELL_LSTM || sequences->c);
    cell_turn(params->weight_ih, p.columns, p.inputs, p.turned_ih);
    if (sequences->steps > sequences->from_zero)
        cell_turn(params->weight_hh, p.columns, p.width, p.turned_hh);
    cell_input_sums(&p);
    for (size_t t = 0; t < sequences->steps; t++)
        p.cell->step(&p, t);
}

void cell_backward(const struct cell_shape *shape, const struct cell_params *params,
                   const struct cell_sequences *sequences, size_t first, real *d_h, real *d_c,
                   real *d_x, const struct cell_gradients *gradients)
{
    struct cell_pass p = pass_of(shape, params, sequences);
    assert(first <= sequences->steps);
    p.d_h = d_h;
    p.d_c = d_c;
    for (size_t t = sequences->steps; t-- > first;)
        p.cell->step_back(&p, t);
    cell_input_gradients(&p, first, gradients);
    cell_recurrent_gradients(&p, first, gradients);
    cell_bias_gradients(&p, first, gradients);
    if (d_x)
        cell_input_back(&p, first, d_x);
}
