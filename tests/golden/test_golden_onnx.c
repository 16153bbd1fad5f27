/* A GRU and an LSTM with a dense head as onnxruntime computes them in float32
 * (../shared/golden/keras/onnx_*.safetensors), states carried in. Built in float32 and in double;
 * gates there are z r h and i o f c, sequences time-major as ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_case.h"
#include "nn/cell.h"
#include "nn/net.h"
#include "nn/tensor.h"

#define TOLERANCE 2e-6 /* of the reference's own float32; 2e-7 of it in an independent run */

enum { B = 4, T = 12, I = 9, H = 16, D = 8, O = 3 };

/* Rows k H .. of ours are rows order[k] H .. of theirs. @return behind what was written */
static real *read_gates(const struct golden_file *file, const char *tensor,
                        const size_t order[CELL_GATES_MAX], size_t gates, size_t columns,
                        size_t parts, real *out)
{
    size_t part = gates * H * columns;
    assert_true(gates <= CELL_GATES_MAX);
    real *stored = golden_fetch_real(file, tensor, parts * part);
    for (size_t p = 0; p < parts; p++)
        for (size_t k = 0; k < gates; k++, out += H * columns)
            memcpy(out, stored + p * part + order[k] * H * columns, H * columns * sizeof *out);
    free(stored);
    return out;
}

static real *read_dense(const struct golden_file *file, const char *weight, const char *bias,
                        size_t inputs, size_t outputs, real *out)
{
    real *w = golden_fetch_turned(file, weight, inputs, outputs, 1);
    real *b = golden_fetch_real(file, bias, outputs);
    memcpy(out, w, inputs * outputs * sizeof *out);
    memcpy(out + inputs * outputs, b, outputs * sizeof *out);
    free(w);
    free(b);
    return out + (inputs + 1) * outputs;
}

static void put_state(const struct golden_file *file, const char *tensor, size_t width, real *to)
{
    real *stored = golden_fetch_real(file, tensor, B * H);
    for (size_t b = 0; b < B; b++)
        memcpy(to + b * width, stored + b * H, H * sizeof *to);
    free(stored);
}

static void check_file(const char *name, const char *path, enum cell_kind kind,
                       const size_t order[CELL_GATES_MAX])
{
    struct golden_file file;
    struct golden_case report = {.name = name};
    struct err err = {0};
    struct net_spec spec = {.inputs = I,
                            .recurrent_layers = 1,
                            .recurrent = {{.cell = kind, .width = H}},
                            .dense_layers = 2,
                            .dense = {{.activation = DENSE_RELU, .bias = true, .width = D},
                                      {.bias = true, .width = O}}};
    size_t gates = cell_gates(kind), width = net_state_width(&spec);
    uint32_t at[B];
    golden_open(&file, path);
    struct net *net = net_new(&spec, B, T, B, &err);
    assert_non_null(net);
    real *params = golden_block(net_params_count(&spec)), *carried = golden_block(B * width);
    real *end = read_gates(&file, "W", order, gates, I, 1, params);
    end = read_gates(&file, "R", order, gates, H, 1, end);
    end = read_gates(&file, "B", order, gates, 1, 2, end);
    end = read_dense(&file, "Dw", "Db", H, D, end);
    end = read_dense(&file, "Ow", "Ob", D, O, end);
    assert_int_equal(end - params, net_params_count(&spec));
    put_state(&file, "h0", width, carried);
    if (kind == CELL_LSTM)
        put_state(&file, "c0", width, carried + H);
    real *x = golden_fetch_real(&file, "x", T * B * I), *c_n = golden_block(B * H);
    net_rows_last(T, B, at);
    struct net_batch batch = {
        .steps = T, .sequences = B, .x = x, .state = carried, .rows = B, .at = at};
    const real *prediction = net_forward(net, params, &batch), *h = net_states(net, 0);
    golden_hold_tensor(&report, &file, "y", h + B * H, T * B * H, TOLERANCE);
    golden_hold_tensor(&report, &file, "h_n", h + T * B * H, B * H, TOLERANCE);
    golden_hold_tensor(&report, &file, "prediction", prediction, B * O, TOLERANCE);
    net_carry(net, &batch, carried);
    for (size_t b = 0; kind == CELL_LSTM && b < B; b++)
        memcpy(c_n + b * H, carried + b * width + H, H * sizeof *c_n);
    if (kind == CELL_LSTM)
        golden_hold_tensor(&report, &file, "c_n", c_n, B * H, TOLERANCE);
    golden_report(&report);
    real *blocks[] = {params, carried, x, c_n};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    net_free(net);
    golden_close(&file);
}

static void test_golden_onnx_matches(void **state)
{
    static const size_t gru[CELL_GATES_MAX] = {1, 0, 2}, lstm[CELL_GATES_MAX] = {0, 2, 3, 1};
    (void)state;
    check_file("onnx_gru", "keras/onnx_gru.safetensors", CELL_GRU, gru);
    check_file("onnx_lstm", "keras/onnx_lstm.safetensors", CELL_LSTM, lstm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden_onnx_matches)};
    tensor_use_one_thread();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
