/* The gradients of training against central differences, in double (linked with outro-nn-double):
 * of the GRU by everything it is given, and of the predictor's whole loss by every parameter. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/gru.h"
#include "nn/network.h"
#include "nn/random.h"

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

/* ---- the layer: loss = sum of weight * state over all states after the first ---- */

struct layer {
    struct gru_shape shape;
    struct gru_params params;
    struct gru_sequences sequences;
    real *weight; /* (B,T+1,H) */
};

static double layer_loss(void *ctx)
{
    struct layer *l = ctx;
    size_t h = l->shape.hidden, row = (l->sequences.steps + 1) * h;
    double sum = 0;
    gru_forward(&l->shape, &l->params, &l->sequences);
    for (size_t b = 0; b < l->sequences.batch; b++)
        for (size_t i = b * row + h; i < (b + 1) * row; i++)
            sum += l->weight[i] * l->sequences.states[i];
    return sum;
}

static void test_gradients_of_the_gru(void **state)
{
    (void)state;
    enum { B = 3, T = 5, I = 4, H = 6 };
    struct random random;
    random_init(&random, 2, 0);
    real *w_ih = drawn(&random, 3 * H * I, .6), *w_hh = drawn(&random, 3 * H * H, .6);
    real *b_ih = drawn(&random, 3 * H, .4), *b_hh = drawn(&random, 3 * H, .4);
    real *x = drawn(&random, B * T * I, 1.5), *states = drawn(&random, B * (T + 1) * H, .9);
    real *weight = drawn(&random, B * (T + 1) * H, 1), *gates = drawn(&random, B * T * 4 * H, 0);
    real *d_gates = drawn(&random, B * T * 4 * H, 0), *d_x = drawn(&random, B * T * I, 0);
    real *d_states = drawn(&random, B * (T + 1) * H, 0);
    real *d_w_ih = drawn(&random, 3 * H * I, 0), *d_w_hh = drawn(&random, 3 * H * H, 0);
    real *d_b_ih = drawn(&random, 3 * H, 0), *d_b_hh = drawn(&random, 3 * H, 0);
    struct layer layer = {{I, H}, {w_ih, w_hh, b_ih, b_hh}, {B, T, x, states, gates}, weight};
    struct gru_gradients gradients = {d_w_ih, d_w_hh, d_b_ih, d_b_hh};

    layer_loss(&layer);
    memcpy(d_states, weight, B * (T + 1) * H * sizeof *weight);
    for (size_t b = 0; b < B; b++) /* the state carried in is not in the loss itself */
        memset(d_states + b * (T + 1) * H, 0, H * sizeof *d_states);
    gru_backward(&layer.shape, &layer.params, &layer.sequences, d_states, d_gates, d_x, &gradients);

    assert_gradient("weight_ih", layer_loss, &layer, w_ih, d_w_ih, 3 * H * I);
    assert_gradient("weight_hh", layer_loss, &layer, w_hh, d_w_hh, 3 * H * H);
    assert_gradient("bias_ih", layer_loss, &layer, b_ih, d_b_ih, 3 * H);
    assert_gradient("bias_hh", layer_loss, &layer, b_hh, d_b_hh, 3 * H);
    assert_gradient("x", layer_loss, &layer, x, d_x, B * T * I);
    for (size_t b = 0; b < B; b++)
        assert_gradient("state carried in", layer_loss, &layer, states + b * (T + 1) * H,
                        d_states + b * (T + 1) * H, H);

    real *blocks[] = {w_ih, w_hh,    b_ih,     b_hh,   x,      states, weight, gates,
                      d_x,  d_gates, d_states, d_w_ih, d_w_hh, d_b_ih, d_b_hh};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
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
    enum { B = 3, T = 6, ROWS = 17 };
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
        at[i] = (uint32_t)(i % B * (T + 1) + i % (T + 1));
    for (size_t i = 0; i < ROWS * dense; i++)
        factor[i] = factor[i] < -1. / 3 ? 0 : 1.5;
    for (size_t i = 0; i < ROWS * hidden; i++)
        state_factor[i] = state_factor[i] < 0 ? 0 : 2;
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
                                         .dropout = dropout ? factor : NULL,
                                         .state_dropout = dropout ? state_factor : NULL,
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
        cmocka_unit_test(test_gradients_of_the_gru),
        cmocka_unit_test(test_gradients_of_the_predictor),
        cmocka_unit_test(test_gradients_of_the_head_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
