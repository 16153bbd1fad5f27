#include "nn/gru.h"

#include <string.h>

#include "nn/activation.h"
#include "nn/tensor.h"

/* Within a row of gates: r at 0, z at H, hU_n + b_hn at 2H, n at 3H. So r, z and the candidate's
 * recurrent part are one product with weight_hh as it stands; the input products are r z in one and
 * n in another, over all steps at once. */

/* gates = x W + b_ih everywhere, plus b_hh where no reset stands between. */
static void input_products(const struct gru_shape *shape, const struct gru_params *params,
                           const struct gru_sequences *s)
{
    size_t h = shape->hidden, inputs = shape->inputs, rows = s->batch * s->steps;
    struct matrix gates = matrix_of(s->gates, rows, 4 * h);
    for (size_t row = 0; row < rows; row++) {
        real *g = s->gates + row * 4 * h;
        for (size_t j = 0; j < 2 * h; j++)
            g[j] = params->bias_ih[j] + params->bias_hh[j];
        memcpy(g + 2 * h, params->bias_hh + 2 * h, h * sizeof *g);
        memcpy(g + 3 * h, params->bias_ih + 2 * h, h * sizeof *g);
    }
    struct const_matrix x = const_matrix_of(s->x, rows, inputs);
    tensor_multiply_transposed(x, const_matrix_of(params->weight_ih, 2 * h, inputs), 1,
                               matrix_columns(gates, 0, 2 * h));
    tensor_multiply_transposed(x, const_matrix_of(params->weight_ih + 2 * h * inputs, h, inputs), 1,
                               matrix_columns(gates, 3 * h, h));
}

static void gate_row(size_t h, real *restrict g, const real *restrict before, real *restrict after)
{
    for (size_t j = 0; j < h; j++) {
        real r = sigmoid_real(g[j]);
        real z = sigmoid_real(g[h + j]);
        real n = tanh_real(g[3 * h + j] + r * g[2 * h + j]);
        g[j] = r;
        g[h + j] = z;
        g[3 * h + j] = n;
        after[j] = n + z * (before[j] - n);
    }
}

void gru_forward(const struct gru_shape *shape, const struct gru_params *params,
                 const struct gru_sequences *s)
{
    size_t h = shape->hidden, gate_stride = s->steps * 4 * h, state_stride = (s->steps + 1) * h;
    input_products(shape, params, s);
    for (size_t t = 0; t < s->steps; t++) {
        real *gates = s->gates + t * 4 * h, *states = s->states + t * h;
        tensor_multiply_transposed((struct const_matrix){states, s->batch, h, state_stride},
                                   const_matrix_of(params->weight_hh, 3 * h, h), 1,
                                   (struct matrix){gates, s->batch, 3 * h, gate_stride});
        for (size_t b = 0; b < s->batch; b++) {
            real *state = states + b * state_stride;
            gate_row(h, gates + b * gate_stride, state, state + h);
        }
    }
}

/* From the gradient by h' (d_after) those by the four sums before their activations (d), and what
 * reaches h directly (added to d_before). With h' = n + z (h - n):  dn = dh' (1-z),  dz = dh'
 * (h-n),  dh += dh' z. */
static void gate_row_backward(size_t h, const real *restrict g, const real *restrict before,
                              const real *restrict d_after, real *restrict d,
                              real *restrict d_before)
{
    for (size_t j = 0; j < h; j++) {
        real r = g[j], z = g[h + j], recurrent = g[2 * h + j], n = g[3 * h + j];
        real d_n = d_after[j] * (1 - z) * (1 - n * n);
        d[j] = d_n * recurrent * r * (1 - r);
        d[h + j] = d_after[j] * (before[j] - n) * z * (1 - z);
        d[2 * h + j] = d_n * r;
        d[3 * h + j] = d_n;
        d_before[j] += d_after[j] * z;
    }
}

static void backward_in_time(const struct gru_shape *shape, const struct gru_params *params,
                             const struct gru_sequences *s, real *d_states, real *d_gates)
{
    size_t h = shape->hidden, gate_stride = s->steps * 4 * h, state_stride = (s->steps + 1) * h;
    for (size_t t = s->steps; t-- > 0;) {
        for (size_t b = 0; b < s->batch; b++) {
            size_t gate = b * gate_stride + t * 4 * h, state = b * state_stride + t * h;
            gate_row_backward(h, s->gates + gate, s->states + state, d_states + state + h,
                              d_gates + gate, d_states + state);
        }
        tensor_multiply((struct const_matrix){d_gates + t * 4 * h, s->batch, 3 * h, gate_stride},
                        const_matrix_of(params->weight_hh, 3 * h, h), 1,
                        (struct matrix){d_states + t * h, s->batch, h, state_stride});
    }
}

static void parameter_gradients(const struct gru_shape *shape, const struct gru_sequences *s,
                                real *d_gates, const struct gru_gradients *gradients)
{
    size_t h = shape->hidden, inputs = shape->inputs, rows = s->batch * s->steps;
    struct matrix d = matrix_of(d_gates, rows, 4 * h);
    struct const_matrix d_rz = matrix_read(matrix_columns(d, 0, 2 * h));
    struct const_matrix d_recurrent = matrix_read(matrix_columns(d, 2 * h, h));
    struct const_matrix d_n = matrix_read(matrix_columns(d, 3 * h, h));
    struct const_matrix x = const_matrix_of(s->x, rows, inputs);
    tensor_transposed_multiply(d_rz, x, 1, matrix_of(gradients->weight_ih, 2 * h, inputs));
    tensor_transposed_multiply(d_n, x, 1,
                               matrix_of(gradients->weight_ih + 2 * h * inputs, h, inputs));
    tensor_add_column_sums(d_rz, gradients->bias_ih);
    tensor_add_column_sums(d_n, gradients->bias_ih + 2 * h);
    tensor_add_column_sums(d_rz, gradients->bias_hh);
    tensor_add_column_sums(d_recurrent, gradients->bias_hh + 2 * h);
    for (size_t b = 0; b < s->batch; b++) /* states have a row more than gates a sequence */
        tensor_transposed_multiply(
            (struct const_matrix){d_gates + b * s->steps * 4 * h, s->steps, 3 * h, 4 * h},
            const_matrix_of(s->states + b * (s->steps + 1) * h, s->steps, h), 1,
            matrix_of(gradients->weight_hh, 3 * h, h));
}

void gru_backward(const struct gru_shape *shape, const struct gru_params *params,
                  const struct gru_sequences *s, real *d_states, real *d_gates, real *d_x,
                  const struct gru_gradients *gradients)
{
    size_t h = shape->hidden, inputs = shape->inputs, rows = s->batch * s->steps;
    backward_in_time(shape, params, s, d_states, d_gates);
    parameter_gradients(shape, s, d_gates, gradients);
    if (!d_x)
        return;
    struct matrix d = matrix_of(d_gates, rows, 4 * h);
    tensor_multiply(matrix_read(matrix_columns(d, 0, 2 * h)),
                    const_matrix_of(params->weight_ih, 2 * h, inputs), 0,
                    matrix_of(d_x, rows, inputs));
    tensor_multiply(matrix_read(matrix_columns(d, 3 * h, h)),
                    const_matrix_of(params->weight_ih + 2 * h * inputs, h, inputs), 1,
                    matrix_of(d_x, rows, inputs));
}
