/* Every model case of ../shared/golden/keras: outputs after every layer and the prediction, with
 * both meanings of hard_sigmoid, from weights in Keras' layout. Built in float32 and in double. */
#include <jansson.h>
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
#include "nn/net.h"
#include "nn/tensor.h"

/* Of values that the reference has in float64, and of its own float32 runs. */
#define TOLERANCE     (sizeof(real) == sizeof(float) ? 1e-5 : 1e-12)
#define TOLERANCE_F32 (sizeof(real) == sizeof(float) ? 1e-5 : 5e-6)

struct model {
    struct golden_file file;
    struct golden_case report;
    json_t *layers; /* as the reference describes them */
    size_t batch, steps, inputs;
    struct net_spec spec;
    bool hard; /* a layer says hard_sigmoid */
    struct net *net;
    real *params, *x, *masked;
    uint8_t *valid; /* NULL: no masking layer */
    uint32_t *last;
};

static const char *text_of(json_t *layer, const char *key)
{
    const char *text = json_string_value(json_object_get(layer, key));
    return text ? text : "";
}

static size_t size_of(json_t *layer, const char *key)
{
    return (size_t)json_integer_value(json_object_get(layer, key));
}

static bool is(json_t *layer, const char *kind)
{
    return strcmp(text_of(layer, "kind"), kind) == 0;
}

static bool is_recurrent(json_t *layer)
{
    return is(layer, "lstm") || is(layer, "gru");
}

static size_t metadata_size(const struct model *m, const char *key)
{
    return strtoul(safetensors_metadata(&m->file.file, key), NULL, 10);
}

static void add_recurrent(struct model *m, json_t *layer)
{
    struct recurrent_spec *spec = &m->spec.recurrent[m->spec.recurrent_layers++];
    bool after = json_is_true(json_object_get(layer, "reset_after"));
    spec->width = (uint32_t)size_of(layer, "units");
    spec->cell = is(layer, "lstm") ? CELL_LSTM : after ? CELL_GRU : CELL_GRU_BEFORE;
    spec->bias = spec->cell == CELL_GRU ? BIAS_TWO : BIAS_ONE;
    if (json_is_false(json_object_get(layer, "use_bias")))
        spec->bias = BIAS_NONE;
    if (strcmp(text_of(layer, "ra"), "hard_sigmoid") == 0)
        m->hard = true;
    else
        assert_string_equal(text_of(layer, "ra"), "sigmoid");
}

static void add_dense(struct model *m, json_t *layer)
{
    struct dense_spec *spec = &m->spec.dense[m->spec.dense_layers++];
    spec->width = (uint32_t)size_of(layer, "units");
    spec->bias = true;
    spec->activation =
        strcmp(text_of(layer, "activation"), "relu") == 0 ? DENSE_RELU : DENSE_LINEAR;
}

/* A step is masked when all its inputs equal the layer's value. */
static void mask_steps(struct model *m, json_t *layer)
{
    real value = (real)json_number_value(json_object_get(layer, "value"));
    m->valid = calloc(m->steps * m->batch, 1);
    assert_non_null(m->valid);
    for (size_t row = 0; row < m->steps * m->batch; row++)
        for (size_t i = 0; i < m->inputs; i++)
            m->valid[row] |= m->x[row * m->inputs + i] != value;
    for (size_t i = 0; i < m->steps * m->batch * m->inputs; i++)
        m->masked[i] = m->valid[i / m->inputs] ? m->x[i] : 0;
}

static void read_params(struct model *m)
{
    size_t inputs = m->inputs, k = 0, d = 0, i;
    json_t *layer;
    real *at = m->params;
    json_array_foreach(m->layers, i, layer)
    {
        const char *name = text_of(layer, "name");
        if (is_recurrent(layer)) {
            const struct recurrent_spec *spec = &m->spec.recurrent[k++];
            keras_read_recurrent(&m->file, name, spec, inputs, at);
            at += keras_recurrent_count(spec, inputs);
            inputs = spec->width;
        } else if (is(layer, "dense")) {
            size_t outputs = m->spec.dense[d++].width;
            keras_read_dense(&m->file, name, inputs, outputs, at);
            at += (inputs + 1) * outputs;
            inputs = outputs;
        }
    }
    assert_int_equal(at - m->params, net_params_count(&m->spec));
}

static void load(struct model *m, const char *name)
{
    char path[128];
    json_t *layer;
    size_t i;
    struct err err = {0};
    memset(m, 0, sizeof *m);
    m->report.name = name;
    snprintf(path, sizeof path, "keras/%s.safetensors", name);
    golden_open(&m->file, path);
    m->layers = json_loads(safetensors_metadata(&m->file.file, "layers"), 0, NULL);
    assert_non_null(m->layers);
    m->batch = metadata_size(m, "batch");
    m->steps = metadata_size(m, "steps");
    m->inputs = m->spec.inputs = (uint32_t)metadata_size(m, "inputs");
    m->x = golden_fetch_turned(&m->file, "x", m->batch, m->steps, m->inputs);
    m->masked = golden_block(m->steps * m->batch * m->inputs);
    json_array_foreach(m->layers, i, layer)
    {
        if (is_recurrent(layer))
            add_recurrent(m, layer);
        else if (is(layer, "dense"))
            add_dense(m, layer);
        else if (is(layer, "masking"))
            mask_steps(m, layer);
        else
            assert_string_equal(text_of(layer, "kind"), "dropout");
    }
    if (net_spec_check(&m->spec, &err))
        fail_msg("%s: %s", name, err.text);
    m->params = golden_block(net_params_count(&m->spec));
    m->last = calloc(m->batch, sizeof *m->last);
    assert_non_null(m->last);
    net_rows_last(m->steps, m->batch, m->last);
    read_params(m);
}

static void release(struct model *m)
{
    free(m->params);
    free(m->x);
    free(m->masked);
    free(m->valid);
    free(m->last);
    json_decref(m->layers);
    golden_close(&m->file);
}

/* Holds (T,B,n), or (B,n) when steps is 1, against a tensor where the reference has it. @return
 * whether */
static bool hold(struct model *m, const char *tensor, const real *got, size_t steps, size_t n)
{
    const struct safetensor *found = safetensors_find(&m->file.file, tensor);
    if (!found)
        return false;
    real *turned = golden_turn(got, steps, m->batch, n);
    golden_hold_tensor(&m->report, &m->file, tensor, turned, steps * m->batch * n,
                       found->dtype == DTYPE_F32 ? TOLERANCE_F32 : TOLERANCE);
    free(turned);
    return true;
}

/* Outputs of all layers; in inference dropout hands on what it is given. @return held */
static size_t hold_layers(struct model *m, const char *prefix)
{
    size_t k = 0, d = 0, held = 0, i, steps = m->steps, n = m->inputs;
    const real *at = m->masked;
    json_t *layer;
    json_array_foreach(m->layers, i, layer)
    {
        char tensor[64];
        snprintf(tensor, sizeof tensor, "%s.%s", prefix, text_of(layer, "name"));
        if (is_recurrent(layer)) {
            bool all = json_is_true(json_object_get(layer, "return_sequences"));
            n = m->spec.recurrent[k].width;
            at = net_states(m->net, k++) + (all ? 1 : m->steps) * m->batch * n;
            steps = all ? m->steps : 1;
        } else if (is(layer, "dense")) {
            n = m->spec.dense[d].width;
            at = net_dense(m->net, d++);
        }
        held += hold(m, tensor, at, steps, n);
    }
    return held;
}

static size_t run(struct model *m, enum gate_function hard, const char *outputs,
                  const char *const predictions[2])
{
    struct err err = {0};
    for (size_t k = 0; k < m->spec.recurrent_layers && m->hard; k++)
        m->spec.recurrent[k].gate = hard;
    m->net = net_new(&m->spec, m->batch, m->steps, m->batch, &err);
    assert_non_null(m->net);
    struct net_batch batch = {.steps = m->steps,
                              .sequences = m->batch,
                              .x = m->x,
                              .valid = m->valid,
                              .rows = m->batch,
                              .at = m->last};
    const real *prediction = net_forward(m->net, m->params, &batch);
    size_t held = hold_layers(m, outputs), n = m->spec.dense[m->spec.dense_layers - 1].width;
    for (size_t i = 0; i < 2; i++)
        held += hold(m, predictions[i], prediction, 1, n);
    net_free(m->net);
    return held;
}

/* All the file's outputs and predictions must have been held. */
static size_t outputs_in(const struct safetensors *file)
{
    size_t count = 0;
    for (size_t i = 0; i < file->count; i++)
        count += strncmp(file->tensor[i].name, "output.", 7) == 0 ||
                 strncmp(file->tensor[i].name, "prediction", 10) == 0;
    return count;
}

static void check_model(const char *name)
{
    static const char *const fifth[] = {"prediction", "prediction.f64"};
    static const char *const sixth[] = {"prediction.hard_sixth", "prediction.hard_sixth.f64"};
    struct model m;
    load(&m, name);
    size_t held = run(&m, GATE_HARD_FIFTH, "output", fifth);
    if (m.hard)
        held += run(&m, GATE_HARD_SIXTH, "output.hard_sixth", sixth);
    assert_int_equal(held, outputs_in(&m.file.file));
    golden_report(&m.report);
    release(&m);
}

static void test_golden_keras_models_match(void **state)
{
    (void)state;
    const char *name;
    json_t *value, *cases = json_load_file(OUTRO_GOLDEN "/keras/cases.json", 0, NULL);
    if (!cases) {
        print_message("SKIPPED: no reference values at " OUTRO_GOLDEN "/keras\n");
        skip();
    }
    assert_true(json_object_size(cases) > 0);
    json_object_foreach(cases, name, value) check_model(name);
    json_decref(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden_keras_models_match)};
    tensor_use_one_thread();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
