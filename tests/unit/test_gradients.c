/* The gradients of training against central differences, in double (linked with outro-nn-double):
 * of every cell with every gate function and form of biases by everything it is given, of networks,
 * and of the predictor's whole loss, by every parameter. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/cell.h"
#include "nn/net.h"
#include "nn/net_dropout.h"
#include "nn/network.h"
#include "core/random.h"

#define STEP      1e-5 /* of the differences: their error is about its square */
#define TOLERANCE 1e-6 /* relative to the largest gradient of a tensor */

_Static_assert(sizeof(real) == sizeof(double), "differences of float32 tell nothing at 1e-6");

static real *drawn(struct random *random, size_t count, double size)
{
    real *values = calloc(count + 1, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = size * (2 * random_uniform(random) - 1);
    return values;
}

/* Compares gradient with the differences of loss(ctx) by each of count values. */
static void assert_gradient(const char *name, double (*loss)(void *ctx), void *ctx, real *values,
                            const real *gradient, size_t count)
{
    double worst = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        real kept = values[i];
        values[i] = kept + STEP;
        double above = loss(ctx);
        values[i] = kept - STEP;
        double below = loss(ctx);
        values[i] = kept;
        worst = fmax(worst, fabs((above - below) / (2 * STEP) - gradient[i]));
        largest = fmax(largest, fabs(gradient[i]));
    }
    if (!(largest > 0 && worst <= TOLERANCE * largest))
        fail_msg("%s: off by %.3g where the largest is %.3g", name, worst, largest);
}

/* ---- a cell: loss = sum of weight * state over all states that a step left, and the last c ----
 */

enum { B = 3, T = 5, I = 4, H = 6, G = CELL_GATES_MAX };

enum masks { NO_MASKS, ONE_INPUT_MASK, ALL_MASKS };

struct layer {
    struct cell_shape shape;
    struct cell_params params;
    struct cell_sequences sequences;
    real *weight; /* (T+1,B,H) of h, then (B,H) of the last c */
};

static double layer_loss(void *ctx)
{
    struct layer *l = ctx;
    const struct cell_sequences *s = &l->sequences;
    double sum = 0;
    cell_forward(&l->shape, &l->params, s);
    for (size_t i = B * H; i < (T + 1) * B * H; i++)
        sum += l->weight[i] * s->h[i];
    for (size_t i = 0; s->c && i < B * H; i++)
        sum += l->weight[(T + 1) * B * H + i] * s->c[T * B * H + i];
    return sum;
}

/* Factors, a third of them 0. */
static void make_factors(size_t count, real *factor)
{
    for (size_t i = 0; i < count; i++)
        factor[i] = factor[i] < -1. / 3 ? 0 : 1.5;
}

/* All that a cell is given and gives. */
struct cell_memory {
    real *w_ih, *w_hh, *b_ih, *b_hh, *d_w_ih, *d_w_hh, *d_b_ih, *d_b_hh;
    real *x, *h, *c, *saved, *work, *weight, *d_h, *d_c, *d_x, *input_masks, *recurrent_masks;
};

static void draw_cell(struct cell_memory *m, size_t work)
{
    struct random random;
    random_init(&random, 2, 0);
    const struct {
        real **at;
        size_t count;
        double size;
    } parts[] = {
        {&m->w_ih, G * H * I, .6},
        {&m->w_hh, G * H * H, .6},
        {&m->b_ih, G * H, .4},
        {&m->b_hh, G * H, .4},
        {&m->d_w_ih, G * H * I, 0},
        {&m->d_w_hh, G * H * H, 0},
        {&m->d_b_ih, G * H, 0},
        {&m->d_b_hh, G * H, 0},
        {&m->x, T * B * I, 1.5},
        {&m->h, (T + 1) * B * H, .9},
        {&m->c, (T + 1) * B * H, .9},
        {&m->saved, T * B * CELL_SAVED * H, 0},
        {&m->work, work, 0},
        {&m->weight, (T + 2) * B * H, 1},
        {&m->d_h, (T + 1) * B * H, 0},
        {&m->d_c, B * H, 0},
        {&m->d_x, T * B * I, 0},
        {&m->input_masks, G * B * I, 1},
        {&m->recurrent_masks, G * B * H, 1},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        *parts[i].at = drawn(&random, parts[i].count, parts[i].size);
    make_factors(G * B * I, m->input_masks);
    make_factors(G * B * H, m->recurrent_masks);
}

static void release_cell(struct cell_memory *m)
{
    real *blocks[] = {m->w_ih,           m->w_hh,   m->b_ih, m->b_hh, m->d_w_ih, m->d_w_hh,
                      m->d_b_ih,         m->d_b_hh, m->x,    m->h,    m->c,      m->saved,
                      m->work,           m->weight, m->d_h,  m->d_c,  m->d_x,    m->input_masks,
                      m->recurrent_masks};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
}

static void check_cell(enum cell_kind kind, enum gate_function gate, enum bias_form bias,
                       enum masks masks, const uint8_t *valid)
{
    struct cell_memory m;
    struct layer layer = {.shape = {.kind = kind, .gate = gate, .inputs = I, .width = H}};
    size_t gates = cell_gates(kind);
    draw_cell(&m, cell_work_count(&layer.shape, B, T));
    layer.params = (struct cell_params){m.w_ih, m.w_hh, bias == BIAS_NONE ? NULL : m.b_ih,
                                        bias == BIAS_TWO ? m.b_hh : NULL};
    layer.sequences = (struct cell_sequences){.batch = B,
                                              .steps = T,
                                              .x = m.x,
                                              .valid = valid,
                                              .h = m.h,
                                              .c = kind == CELL_LSTM ? m.c : NULL,
                                              .saved = m.saved,
                                              .work = m.work};
    if (masks != NO_MASKS)
        layer.sequences.masks = (struct cell_masks){m.input_masks, masks == ALL_MASKS ? gates : 1,
                                                    masks == ALL_MASKS ? m.recurrent_masks : NULL};
    layer.weight = m.weight;
    layer_loss(&layer);
    memcpy(m.d_h + B * H, m.weight + B * H, T * B * H * sizeof(real));
    memcpy(m.d_c, m.weight + (T + 1) * B * H, B * H * sizeof(real));
    const struct cell_gradients gradients = {m.d_w_ih, m.d_w_hh,
                                             layer.params.bias_ih ? m.d_b_ih : NULL,
                                             layer.params.bias_hh ? m.d_b_hh : NULL};
    cell_backward(&layer.shape, &layer.params, &layer.sequences, 0, m.d_h, m.d_c, m.d_x,
                  &gradients);
    assert_gradient("weight_ih", layer_loss, &layer, m.w_ih, m.d_w_ih, gates * H * I);
    assert_gradient("weight_hh", layer_loss, &layer, m.w_hh, m.d_w_hh, gates * H * H);
    if (gradients.bias_ih)
        assert_gradient("bias_ih", layer_loss, &layer, m.b_ih, m.d_b_ih, gates * H);
    if (gradients.bias_hh)
        assert_gradient("bias_hh", layer_loss, &layer, m.b_hh, m.d_b_hh, gates * H);
    assert_gradient("x", layer_loss, &layer, m.x, m.d_x, T * B * I);
    assert_gradient("state carried in", layer_loss, &layer, m.h, m.d_h, B * H);
    if (kind == CELL_LSTM)
        assert_gradient("c carried in", layer_loss, &layer, m.c, m.d_c, B * H);
    release_cell(&m);
}

static bool has_form(enum cell_kind kind, enum bias_form bias)
{
    return bias == BIAS_NONE || kind == CELL_LSTM || (kind == CELL_GRU) == (bias == BIAS_TWO);
}

static void test_gradients_of_cells(void **state)
{
    (void)state;
    for (int kind = 0; kind < CELL_KINDS; kind++)
        for (int gate = 0; gate < GATE_FUNCTIONS; gate++)
            for (int bias = 0; bias < BIAS_FORMS; bias++)
                if (has_form((enum cell_kind)kind, (enum bias_form)bias))
                    check_cell((enum cell_kind)kind, (enum gate_function)gate, (enum bias_form)bias,
                               NO_MASKS, NULL);
}

static void test_gradients_of_cells_under_dropout(void **state)
{
    (void)state;
    for (int kind = 0; kind < CELL_KINDS; kind++)
        for (int masks = ONE_INPUT_MASK; masks <= ALL_MASKS; masks++)
            check_cell((enum cell_kind)kind, GATE_SIGMOID,
                       kind == CELL_GRU_BEFORE ? BIAS_ONE : BIAS_TWO, (enum masks)masks, NULL);
}

/* Sequences of 5, 2 and 4 steps, the last with a hole and a late start. */
static void test_gradients_of_cells_over_missing_steps(void **state)
{
    static const uint8_t valid[T * B] = {1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 0, 1};
    (void)state;
    for (int kind = 0; kind < CELL_KINDS; kind++)
        for (int masks = NO_MASKS; masks <= ALL_MASKS; masks += ALL_MASKS)
            check_cell((enum cell_kind)kind, GATE_SIGMOID,
                       kind == CELL_GRU_BEFORE ? BIAS_ONE : BIAS_TWO, (enum masks)masks, valid);
}

/* ---- a network: loss = sum of weight * output ---- */

struct plain {
    struct net *net;
    struct net_batch batch;
    real *params, *weight;
    size_t numbers; /* of outputs */
};

static double plain_loss(void *ctx)
{
    struct plain *p = ctx;
    const real *output = net_forward(p->net, p->params, &p->batch);
    double sum = 0;
    for (size_t i = 0; i < p->numbers; i++)
        sum += p->weight[i] * output[i];
    return sum;
}

/* Every step read but the first, holes in the sequences, a state carried in or none, dropout where
 * the description asks for it. */
static void check_net(const char *net_text, const char *head_text, size_t features, bool carry)
{
    struct net_spec spec = {.inputs = I, .features = (uint32_t)features};
    static const uint8_t valid[T * B] = {1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 0, 1};
    struct net_tensor tensor[NET_TENSORS_MAX];
    struct net_dropout dropout;
    struct random random;
    struct err err = {0};
    enum { ROWS = T * B };
    uint32_t at[ROWS];
    random_init(&random, 7, 0);
    if (net_spec_parse(net_text, head_text, &spec, &err) || net_spec_check(&spec, &err))
        fail_msg("%s", err.text);
    size_t tensors = net_tensors(&spec, tensor), count = net_params_count(&spec);
    struct plain p = {.numbers = ROWS * spec.dense[spec.dense_layers - 1].width};
    p.net = net_new(&spec, B, T, ROWS, &err);
    assert_non_null(p.net);
    assert_int_equal(net_dropout_init(&dropout, &spec, .3, B, ROWS, &err), 0);
    net_dropout_draw(&dropout, B, ROWS, &random);
    net_rows_every(T, B, at);
    real *x = drawn(&random, T * B * I, 1.5), *gradient = drawn(&random, count, 0);
    real *carried = drawn(&random, B * net_state_width(&spec), .8);
    real *given = drawn(&random, ROWS * features, 1);
    p.params = drawn(&random, count, .7);
    p.weight = drawn(&random, p.numbers, 1);
    p.batch = (struct net_batch){.steps = T,
                                 .sequences = B,
                                 .x = x,
                                 .valid = valid,
                                 .state = carry ? carried : NULL,
                                 .rows = ROWS,
                                 .at = at,
                                 .features = given,
                                 .masks = &dropout.masks};
    plain_loss(&p);
    net_backward(p.net, p.params, &p.batch, p.weight, gradient);
    for (size_t i = 0; i < tensors; i++)
        assert_gradient(tensor[i].name, plain_loss, &p, p.params + tensor[i].offset,
                        gradient + tensor[i].offset, (size_t)tensor[i].rows * tensor[i].columns);
    real *blocks[] = {x, gradient, carried, given, p.params, p.weight};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    net_dropout_release(&dropout);
    net_free(p.net);
}

static void test_gradients_of_networks(void **state)
{
    (void)state;
    for (int carry = 0; carry < 2; carry++) {
        check_net("gru:6", "1", 0, carry);
        check_net("lstm:6,5 dropout=.3 recurrent_dropout=.2 gru-before:7 dropout=.25", "3", 0,
                  carry);
    }
    check_net("gru:5,4 recurrent_dropout=.4", "7 tanh dropout=.3, 6 relu dropout=.2, 2 biases=0", 3,
              true);
    check_net("none", "7 tanh, 6 relu dropout=.2, 2", 4, false);
}

/* ---- the predictor ---- */

struct whole {
    struct network *network;
    struct network_batch batch;
    real *params;
};

static double whole_loss(void *ctx)
{
    struct whole *w = ctx;
    return network_loss(w->network, w->params, &w->batch, NULL);
}

/* Rows read states of all ages, the first and the last too; a third of the units are dropped. */
static void check_predictor(struct net_spec spec, const char *loss_text, bool dropout)
{
    enum { ROWS = 17 };
    struct random random;
    struct err err = {0};
    struct net_tensor tensor[NET_TENSORS_MAX];
    struct loss loss;
    assert_int_equal(loss_by_name(loss_text, &loss, &err), 0);
    size_t outputs = spec.dense[2].width = loss_outputs(&loss) ? (uint32_t)loss_outputs(&loss) : 1;
    size_t hidden = net_output_width(&spec), dense = spec.dense[0].width;
    random_init(&random, 4, 0);
    size_t tensors = net_tensors(&spec, tensor), count = net_params_count(&spec);
    uint32_t at[ROWS];
    real *params = drawn(&random, count, .5), *gradient = drawn(&random, count, 0);
    real *x = drawn(&random, B * T * STEP_INPUTS, 2);
    real *features = drawn(&random, ROWS * ROW_FEATURES, 2);
    real *base = drawn(&random, ROWS * QUANTILES, 3), *target = drawn(&random, ROWS, 3);
    real *factor = drawn(&random, ROWS * dense, 1);
    real *state_factor = drawn(&random, ROWS * hidden + 1, 1);
    for (size_t i = 0; i < ROWS; i++)
        at[i] = (uint32_t)(i % (T + 1) * B + i % B);
    make_factors(ROWS * dense, factor);
    make_factors(ROWS * hidden, state_factor);
    const struct net_masks masks = {.state = state_factor, .dense = {factor}};
    struct whole whole = {.network = network_new(&spec, B, T, ROWS, &err), .params = params};
    assert_non_null(whole.network);
    whole.batch = (struct network_batch){.sequences = B,
                                         .steps = T,
                                         .rows = ROWS,
                                         .x = x,
                                         .state = at,
                                         .features = features,
                                         .base = base,
                                         .target = target,
                                         .masks = dropout ? &masks : NULL,
                                         .loss = &loss,
                                         .scale = 1. / (ROWS * (double)outputs)};
    network_loss(whole.network, params, &whole.batch, gradient);
    for (size_t i = 0; i < tensors; i++)
        assert_gradient(tensor[i].name, whole_loss, &whole, params + tensor[i].offset,
                        gradient + tensor[i].offset, (size_t)tensor[i].rows * tensor[i].columns);
    real *blocks[] = {params, gradient, x, features, base, target, factor, state_factor};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    network_free(whole.network);
}

static void test_gradients_of_the_predictor(void **state)
{
    (void)state;
    check_predictor(PREDICTOR_SPEC(5, 8), "pinball:.1,.5,.9", false);
    check_predictor(PREDICTOR_SPEC(5, 8), "pinball:.1,.5,.9", true);
    check_predictor(PREDICTOR_SPEC(5, 8), "huber:.7", true);
}

static void test_gradients_of_the_head_alone(void **state)
{
    (void)state;
    check_predictor(PREDICTOR_SPEC(0, 8), "pinball:.1,.5,.9", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_of_cells),
        cmocka_unit_test(test_gradients_of_cells_under_dropout),
        cmocka_unit_test(test_gradients_of_cells_over_missing_steps),
        cmocka_unit_test(test_gradients_of_networks),
        cmocka_unit_test(test_gradients_of_the_predictor),
        cmocka_unit_test(test_gradients_of_the_head_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
