/* Cells run by Keras with given masks of dropout (../shared/golden/keras/dropout.safetensors): one
 * of the inputs for all gates, one a gate, and of the recurrence; and a Dropout layer, which is
 * drawn for every row as a head layer's is. Built in float32 and in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_case.h"
#include "golden_keras.h"
#include "nn/cell.h"
#include "nn/net.h"
#include "nn/tensor.h"

#define TOLERANCE (sizeof(real) == sizeof(float) ? 1e-5 : 1e-12)

enum { B = 2, T = 5, I = 3, H = 4 };

/* Masks (G,B,n) in the order of our gates. */
static real *fetch_masks(const struct golden_file *file, const char *cell, const char *part,
                         enum cell_kind kind, size_t n)
{
    char name[64];
    size_t gates = cell_gates(kind), one = B * n;
    snprintf(name, sizeof name, "%s.%s", cell, part);
    real *stored = golden_fetch_real(file, name, gates * one), *out = golden_block(gates * one);
    for (size_t k = 0; k < gates; k++)
        memcpy(out + k * one, stored + keras_gate(kind, k) * one, one * sizeof *out);
    free(stored);
    return out;
}

static void check_cell(const char *name, enum cell_kind kind)
{
    struct golden_file file;
    struct golden_case report = {.name = name};
    struct err err = {0};
    golden_open(&file, "keras/dropout.safetensors");
    struct net_spec spec = {
        .inputs = I,
        .recurrent_layers = 1,
        .recurrent = {{.cell = kind, .bias = kind == CELL_GRU ? BIAS_TWO : BIAS_ONE, .width = H}},
        .dense_layers = 1,
        .dense = {{.width = 1}}};
    struct net *net = net_new(&spec, B, T, 0, &err);
    assert_non_null(net);
    real *params = golden_block(net_params_count(&spec));
    keras_read_recurrent(&file, name, &spec.recurrent[0], I, params);
    real *x = golden_fetch_turned(&file, "x", B, T, I);
    real *one = golden_fetch_real(&file, "input_mask", B * I);
    real *input = fetch_masks(&file, name, "input_masks", kind, I);
    real *recurrent = fetch_masks(&file, name, "recurrent_masks", kind, H);
    const struct {
        const char *output;
        struct net_masks masks;
    } cases[] = {
        {"inference", {.dense = {NULL}}},
        {"one_input_mask", {.input = {one}, .input_gates = {1}}},
        {"gate_input_masks", {.input = {input}, .input_gates = {cell_gates(kind)}}},
        {"gate_both_masks",
         {.input = {input}, .input_gates = {cell_gates(kind)}, .recurrent = {recurrent}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char tensor[64];
        struct net_batch batch = {.steps = T, .sequences = B, .x = x, .masks = &cases[i].masks};
        net_forward(net, params, &batch);
        real *output = golden_turn(net_states(net, 0) + B * H, T, B, H);
        snprintf(tensor, sizeof tensor, "%s.output.%s", name, cases[i].output);
        golden_hold_tensor(&report, &file, tensor, output, B * T * H, TOLERANCE);
        free(output);
    }
    golden_report(&report);
    real *blocks[] = {params, x, one, input, recurrent};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    net_free(net);
    golden_close(&file);
}

static void test_golden_dropout_of_cells(void **state)
{
    (void)state;
    check_cell("lstm", CELL_LSTM);
    check_cell("gru_after", CELL_GRU);
    check_cell("gru_before", CELL_GRU_BEFORE);
}

/* A head of one linear layer that copies its inputs, and its dropout. */
static void test_golden_dropout_of_a_layer(void **state)
{
    struct golden_file file;
    struct golden_case report = {.name = "layer"};
    struct err err = {0};
    struct net_spec spec = {
        .features = I, .dense_layers = 1, .dense = {{.width = I, .dropout = .5}}};
    static const real copy[I * I] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    (void)state;
    golden_open(&file, "keras/dropout.safetensors");
    struct net *net = net_new(&spec, 0, 0, B * T, &err);
    assert_non_null(net);
    real *x = golden_fetch_real(&file, "x", B * T * I);
    real *mask = golden_fetch_real(&file, "layer.mask", B * T * I);
    real *rate = golden_fetch_real(&file, "layer.rate", 1);
    for (size_t i = 0; i < B * T * I; i++)
        mask[i] /= 1 - rate[0];
    const struct net_masks masks = {.dense = {mask}};
    struct net_batch batch = {.rows = B * T, .features = x, .masks = &masks};
    golden_hold_tensor(&report, &file, "layer.output", net_forward(net, copy, &batch), B * T * I,
                       TOLERANCE);
    golden_report(&report);
    real *blocks[] = {x, mask, rate};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    net_free(net);
    golden_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_dropout_of_cells),
        cmocka_unit_test(test_golden_dropout_of_a_layer),
    };
    tensor_use_one_thread();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
