/* What a network's results do not depend on: who else is in the batch, padding and holes, where a
 * sequence is cut, the width of the vectors. To the bit where the products are our own, else to
 * rounding. */
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
#include "nn/cell_kernels.h"
#include "nn/net.h"
#include "core/random.h"
#include "nn/tensor.h"

enum { B = 7, T = 9, I = 5, F = 3 };

#define NEAR 1e-6 /* of values about 1 */

struct fixture {
    struct net_spec spec;
    struct net *net;
    float *params, *x, *features, *gradient;
    size_t count, outputs, state;
    uint32_t at[T * B];
};

static float *drawn(size_t count, uint64_t seed, float size)
{
    struct random random;
    float *values = calloc(count + 1, sizeof *values);
    assert_non_null(values);
    random_init(&random, seed, 0);
    for (size_t i = 0; i < count; i++)
        values[i] = size * (2 * (float)random_uniform(&random) - 1);
    return values;
}

static void begin(struct fixture *f, const char *net)
{
    struct err err = {0};
    memset(f, 0, sizeof *f);
    f->spec.inputs = I;
    f->spec.features = F;
    if (net_spec_parse(net, "6 tanh, 2", &f->spec, &err))
        fail_msg("%s", err.text);
    f->net = net_new(&f->spec, B, T, T * B, &err);
    assert_non_null(f->net);
    f->count = net_params_count(&f->spec);
    f->outputs = 2;
    f->state = net_state_width(&f->spec);
    f->params = drawn(f->count, 1, 2 / sqrtf((float)net_output_width(&f->spec)));
    f->x = drawn(T * B * I, 2, 1.5f);
    f->features = drawn(T * B * F, 3, 1);
    f->gradient = drawn(f->count, 4, 0);
}

static void end(struct fixture *f)
{
    float *blocks[] = {f->params, f->x, f->features, f->gradient};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    net_free(f->net);
}

/* Rows read the last states. */
static struct net_batch batch_of(struct fixture *f, size_t sequences, size_t steps, const float *x)
{
    net_rows_last(steps, sequences, f->at);
    return (struct net_batch){.steps = steps,
                              .sequences = sequences,
                              .x = x,
                              .rows = sequences,
                              .at = f->at,
                              .features = f->features};
}

/* Steps first .. first + steps - 1 of sequence b alone. */
static float *sequence(const float *x, size_t b, size_t first, size_t steps)
{
    float *out = drawn(steps * I, 0, 0);
    for (size_t t = 0; t < steps; t++)
        memcpy(out + t * I, x + ((first + t) * B + b) * I, I * sizeof *out);
    return out;
}

static float *carried(struct fixture *f, const struct net_batch *batch)
{
    float *state = drawn(batch->sequences * f->state, 0, 0);
    net_carry(f->net, batch, state);
    return state;
}

static void assert_near(const float *a, const float *b, size_t count, double near)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)a[i] - (double)b[i]) <= near * fmax(1, fabs((double)b[i]))))
            fail_msg("number %zu: %.9g, not %.9g", i, (double)a[i], (double)b[i]);
}

/* To the bit, or to rounding where a product is BLAS's. */
static void assert_states(const float *a, const float *b, size_t count, bool exact)
{
    if (exact)
        assert_memory_equal(a, b, count * sizeof *a);
    else
        assert_near(a, b, count, NEAR);
}

static const struct net_case {
    const char *net;
    bool exact;
} cases[] = {
    {"gru:16", true},       {"lstm:13", true},
    {"gru-before:7", true}, {"lstm:32,17 gates=hard_sigmoid_sixth gru:20", true},
    {"gru:150", false},     {"lstm:96", false},
};
#define CASES (sizeof cases / sizeof *cases)

static void test_net_cases_say_which_products_are_small(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct fixture f;
        bool small = true;
        begin(&f, cases[i].net);
        for (size_t k = 0, inputs = I; k < f.spec.recurrent_layers; k++) {
            const struct recurrent_spec *layer = &f.spec.recurrent[k];
            size_t columns = cell_gates(layer->cell) * layer->width;
            small = small && cell_product_is_small(inputs, columns) &&
                    cell_product_is_small(layer->width, columns);
            inputs = layer->width;
        }
        assert_int_equal(small, cases[i].exact);
        end(&f);
    }
}

static void test_net_batching_does_not_change_a_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct fixture f;
        begin(&f, cases[i].net);
        struct net_batch all = batch_of(&f, B, T, f.x);
        float *outputs = drawn(B * f.outputs, 0, 0), *states;
        memcpy(outputs, net_forward(f.net, f.params, &all), B * f.outputs * sizeof *outputs);
        states = carried(&f, &all);
        for (size_t b = 0; b < B; b++) {
            float *x = sequence(f.x, b, 0, T);
            struct net_batch one = batch_of(&f, 1, T, x);
            one.features = f.features + b * F;
            const float *output = net_forward(f.net, f.params, &one);
            float *alone = carried(&f, &one);
            assert_near(output, outputs + b * f.outputs, f.outputs, NEAR);
            assert_states(alone, states + b * f.state, f.state, cases[i].exact);
            free(alone);
            free(x);
        }
        free(outputs);
        free(states);
        end(&f);
    }
}

/* Sequences of unequal length, padded with numbers that must not matter; in the last one a hole,
 * which counts as if its steps were not there. */
static void test_net_padding_does_not_change_a_sequence(void **state)
{
    static const size_t lengths[B] = {9, 1, 4, 0, 8, 5, 6};
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct fixture f;
        uint8_t valid[T * B] = {0};
        begin(&f, cases[i].net);
        for (size_t b = 0; b < B; b++)
            for (size_t t = 0; t < lengths[b]; t++)
                valid[(b == B - 1 && t >= 2 ? t + 3 : t) * B + b] = 1;
        struct net_batch all = batch_of(&f, B, T, f.x);
        all.valid = valid;
        net_forward(f.net, f.params, &all);
        float *states = carried(&f, &all);
        for (size_t b = 0; b < B; b++) {
            float *x = sequence(f.x, b, 0, lengths[b]);
            if (b == B - 1)
                for (size_t t = 2; t < lengths[b]; t++)
                    memcpy(x + t * I, f.x + ((t + 3) * B + b) * I, I * sizeof *x);
            struct net_batch one = batch_of(&f, 1, lengths[b], x);
            net_forward(f.net, f.params, &one);
            float *alone = carried(&f, &one);
            assert_states(alone, states + b * f.state, f.state, cases[i].exact);
            free(alone);
            free(x);
        }
        free(states);
        end(&f);
    }
}

static void test_net_splitting_and_carrying_does_not_change_a_sequence(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        for (size_t cut = 0; cut <= T; cut += 3) {
            struct fixture f;
            begin(&f, cases[i].net);
            struct net_batch all = batch_of(&f, B, T, f.x);
            net_forward(f.net, f.params, &all);
            float *whole = carried(&f, &all);
            struct net_batch first = batch_of(&f, B, cut, f.x);
            net_forward(f.net, f.params, &first);
            float *middle = carried(&f, &first);
            struct net_batch second = batch_of(&f, B, T - cut, f.x + cut * B * I);
            second.state = middle;
            net_forward(f.net, f.params, &second);
            float *parts = carried(&f, &second);
            assert_states(parts, whole, B * f.state, cases[i].exact);
            free(whole);
            free(middle);
            free(parts);
            end(&f);
        }
}

/* Gradients of the second half alone, with the state carried in, are those of the whole sequence
 * whose first half only warms up. */
static void test_net_warmup_gives_no_gradient(void **state)
{
    enum { CUT = 4 };
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct fixture f;
        begin(&f, cases[i].net);
        float *d = drawn(B * 2, 6, 1), *half = drawn(f.count, 0, 0);
        struct net_batch first = batch_of(&f, B, CUT, f.x);
        net_forward(f.net, f.params, &first);
        float *middle = carried(&f, &first);
        struct net_batch second = batch_of(&f, B, T - CUT, f.x + CUT * B * I);
        second.state = middle;
        net_forward(f.net, f.params, &second);
        net_backward(f.net, f.params, &second, d, half);
        struct net_batch all = batch_of(&f, B, T, f.x);
        all.warmup = CUT;
        net_forward(f.net, f.params, &all);
        net_backward(f.net, f.params, &all, d, f.gradient);
        assert_near(f.gradient, half, f.count, 2 * NEAR);
        free(d);
        free(half);
        free(middle);
        end(&f);
    }
}

/* The gradient of a batch is the sum of its sequences' gradients. */
static void test_net_gradients_of_a_batch_add_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct fixture f;
        begin(&f, cases[i].net);
        float *d = drawn(B * 2, 6, 1), *sum = drawn(f.count, 0, 0);
        for (size_t b = 0; b < B; b++) {
            float *x = sequence(f.x, b, 0, T);
            struct net_batch one = batch_of(&f, 1, T, x);
            one.features = f.features + b * F;
            net_forward(f.net, f.params, &one);
            net_backward(f.net, f.params, &one, d + b * f.outputs, sum);
            free(x);
        }
        struct net_batch all = batch_of(&f, B, T, f.x);
        net_forward(f.net, f.params, &all);
        net_backward(f.net, f.params, &all, d, f.gradient);
        assert_near(f.gradient, sum, f.count, 4 * NEAR);
        free(d);
        free(sum);
        end(&f);
    }
}

static void test_net_rows_of_every_step(void **state)
{
    uint32_t last[2], every[6];
    (void)state;
    net_rows_last(3, 2, last);
    net_rows_every(3, 2, every);
    assert_true(last[0] == 6 && last[1] == 7);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(every[i], 2 + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net_cases_say_which_products_are_small),
        cmocka_unit_test(test_net_batching_does_not_change_a_row),
        cmocka_unit_test(test_net_padding_does_not_change_a_sequence),
        cmocka_unit_test(test_net_splitting_and_carrying_does_not_change_a_sequence),
        cmocka_unit_test(test_net_warmup_gives_no_gradient),
        cmocka_unit_test(test_net_gradients_of_a_batch_add_up),
        cmocka_unit_test(test_net_rows_of_every_step),
    };
    tensor_use_one_thread();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
