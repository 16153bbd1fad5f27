/* Twenty full-batch steps of a cell with a head as Keras 3 and PyTorch train it
 * (../shared/golden/keras/curve_*.safetensors): losses, first gradients and final weights, over
 * full and over padded sequences, with both forms of Adam. Built in float32 and in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_case.h"
#include "golden_keras.h"
#include "nn/loss.h"
#include "nn/net.h"
#include "nn/optimizer.h"
#include "nn/tensor.h"

/* float32 where an independent recomputation was 2e-7 and 1e-6 off; the two forms of Adam are 3e-5
 * apart in the losses. */
#define LOSS_TOLERANCE   (sizeof(real) == sizeof(float) ? 2e-6 : 1e-12)
#define WEIGHT_TOLERANCE (sizeof(real) == sizeof(float) ? 1e-5 : 1e-12)

enum { B = 6, T = 12, I = 5, H = 8, CURVE_STEPS = 20 };

struct curve {
    struct golden_file file;
    struct golden_case report;
    struct net_spec spec;
    struct net *net;
    struct net_batch batch;
    struct loss loss;
    const char *head; /* "head1" or "head3" */
    size_t outputs, cell_count;
    real *x, *params, *gradient, *target, *d_outputs;
    uint8_t valid[T * B];
    uint32_t at[T * B];
};

static const struct task {
    const char *name, *loss, *head, *target;
    size_t outputs;
    bool every;
} tasks[] = {
    {"last_mse", "mse", "head1", "target.last", 1, false},
    {"last_pinball", "pinball:.1,.5,.9", "head3", "target.last", 3, false},
    {"steps_pinball", "pinball:.1,.5,.9", "head3", "target.steps", 3, true},
};

/* Rows read the last states, or those behind every valid step; targets in their order. */
static void choose_rows(struct curve *c, const struct task *task, bool masked)
{
    double *lengths = golden_fetch(&c->file, "lengths", B);
    for (size_t t = 0; t < T; t++)
        for (size_t b = 0; b < B; b++)
            c->valid[t * B + b] = !masked || (double)t < lengths[b];
    free(lengths);
    c->batch.valid = masked ? c->valid : NULL;
    c->batch.at = c->at;
    if (!task->every) {
        net_rows_last(T, B, c->at);
        c->target = golden_fetch_real(&c->file, task->target, B);
        c->batch.rows = B;
        return;
    }
    c->target = golden_fetch_turned(&c->file, task->target, B, T, 1);
    c->batch.rows = 0;
    for (size_t i = 0; i < T * B; i++)
        if (c->valid[i]) {
            c->target[c->batch.rows] = c->target[i];
            c->at[c->batch.rows++] = (uint32_t)(B + i);
        }
}

static void read_params(struct curve *c)
{
    char head[32];
    snprintf(head, sizeof head, "init.%s", c->head);
    keras_read_recurrent(&c->file, "init", &c->spec.recurrent[0], I, c->params);
    keras_read_dense(&c->file, head, H, c->outputs, c->params + c->cell_count);
}

static void begin(struct curve *c, const char *name, enum cell_kind kind, const struct task *task,
                  bool masked)
{
    char path[64];
    struct err err = {0};
    memset(c, 0, sizeof *c);
    snprintf(path, sizeof path, "keras/%s.safetensors", name);
    golden_open(&c->file, path);
    c->report.name = name;
    c->head = task->head;
    c->outputs = task->outputs;
    c->spec = (struct net_spec){
        .inputs = I,
        .recurrent_layers = 1,
        .recurrent = {{.cell = kind, .bias = kind == CELL_GRU ? BIAS_TWO : BIAS_ONE, .width = H}},
        .dense_layers = 1,
        .dense = {{.bias = true, .width = (uint32_t)task->outputs}}};
    c->cell_count = keras_recurrent_count(&c->spec.recurrent[0], I);
    assert_int_equal(loss_by_name(task->loss, &c->loss, &err), 0);
    c->net = net_new(&c->spec, B, T, T * B, &err);
    assert_non_null(c->net);
    c->params = golden_block(net_params_count(&c->spec));
    c->gradient = golden_block(net_params_count(&c->spec));
    c->d_outputs = golden_block(T * B * task->outputs);
    c->x = golden_fetch_turned(&c->file, "x", B, T, I);
    c->batch = (struct net_batch){.steps = T, .sequences = B, .x = c->x};
    choose_rows(c, task, masked);
}

static void end(struct curve *c)
{
    real *blocks[] = {c->x, c->params, c->gradient, c->target, c->d_outputs};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        free(blocks[i]);
    net_free(c->net);
    golden_close(&c->file);
}

static double step_loss(struct curve *c)
{
    struct loss_rows rows = {.rows = c->batch.rows,
                             .outputs = c->outputs,
                             .prediction = net_forward(c->net, c->params, &c->batch),
                             .target = c->target,
                             .scale = 1 / (double)(c->batch.rows * c->outputs)};
    double loss = loss_compute(&c->loss, &rows, c->d_outputs);
    memset(c->gradient, 0, net_params_count(&c->spec) * sizeof *c->gradient);
    net_backward(c->net, c->params, &c->batch, c->d_outputs, c->gradient);
    return loss;
}

/* A block of parameters or their gradients against PREFIX.kernel, ..., PREFIX.headN.bias. */
static void hold_block(struct curve *c, const char *prefix, const real *block, double tolerance)
{
    char name[96];
    const struct recurrent_spec *cell = &c->spec.recurrent[0];
    for (int p = 0; p < KERAS_PARTS; p++) {
        real *part = keras_part_of(cell, I, (enum keras_part)p, block);
        snprintf(name, sizeof name, "%s.%s", prefix, keras_part_names[p]);
        golden_hold_tensor(&c->report, &c->file, name, part,
                           keras_part_count(cell, I, (enum keras_part)p), tolerance);
        free(part);
    }
    const real *head = block + c->cell_count;
    real *kernel = keras_dense_kernel_of(H, c->outputs, head);
    snprintf(name, sizeof name, "%s.%s.kernel", prefix, c->head);
    golden_hold_tensor(&c->report, &c->file, name, kernel, H * c->outputs, tolerance);
    snprintf(name, sizeof name, "%s.%s.bias", prefix, c->head);
    golden_hold_tensor(&c->report, &c->file, name, head + H * c->outputs, c->outputs, tolerance);
    free(kernel);
}

/* @param form "keras" or "torch" */
static void train(struct curve *c, const char *prefix, const char *form)
{
    char name[96];
    real losses[CURVE_STEPS];
    struct optimizer_settings settings;
    snprintf(name, sizeof name, "adam.%s lr=1e-2 epsilon=1e-7", form);
    assert_int_equal(optimizer_parse(name, &settings, NULL), 0);
    struct optimizer *optimizer = optimizer_new(&settings, net_params_count(&c->spec), NULL);
    assert_non_null(optimizer);
    read_params(c);
    for (size_t step = 0; step < CURVE_STEPS; step++) {
        losses[step] = (real)step_loss(c);
        snprintf(name, sizeof name, "%s.gradient", prefix);
        if (step == 0)
            hold_block(c, name, c->gradient, WEIGHT_TOLERANCE);
        optimizer_step(optimizer, settings.learning_rate, c->params, c->gradient);
    }
    optimizer_free(optimizer);
    snprintf(name, sizeof name, "%s.%s.loss", prefix, form);
    golden_hold_tensor(&c->report, &c->file, name, losses, CURVE_STEPS, LOSS_TOLERANCE);
    snprintf(name, sizeof name, "%s.%s.final", prefix, form);
    if (strcmp(form, "keras") == 0)
        hold_block(c, name, c->params, WEIGHT_TOLERANCE);
}

static void check_curves(const char *name, enum cell_kind kind)
{
    struct golden_case worst = {.name = name};
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        for (int masked = 0; masked < 2; masked++) {
            char prefix[64];
            struct curve c;
            begin(&c, name, kind, &tasks[i], masked);
            snprintf(prefix, sizeof prefix, "%s.%s", masked ? "masked" : "full", tasks[i].name);
            train(&c, prefix, "keras");
            if (kind != CELL_GRU_BEFORE) /* PyTorch has none */
                train(&c, prefix, "torch");
            if (c.report.worst >= worst.worst)
                worst = c.report;
            end(&c);
        }
    golden_report(&worst);
}

static void test_golden_curves_match(void **state)
{
    (void)state;
    check_curves("curve_lstm", CELL_LSTM);
    check_curves("curve_gru_after", CELL_GRU);
    check_curves("curve_gru_before", CELL_GRU_BEFORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden_curves_match)};
    tensor_use_one_thread();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
