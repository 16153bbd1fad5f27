/* Every file of ../shared/golden/keras that holds a model, in every form, and the parameters of
 * ../shared/golden/rnn as a state dict: imported, the weights are those of the reference bit for
 * bit, the outputs its predictions, in double by the formulas and in float32 by what serves; and
 * they stay so through files of ours and of PyTorch. */
#include <dirent.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "bundle/keras_import.h"
#include "bundle/net_file.h"
#include "bundle/torch_names.h"
#include "golden_case.h"
#include "golden_file.h"
#include "nn/net.h"

/* Of errors / max(1, value); ten times what the reference says of itself, whose _f32 are float
 * runs. */
#define FLOAT_TOLERANCE 3e-6
#define TOLERANCE       (sizeof(real) == sizeof(float) ? FLOAT_TOLERANCE : 7e-15)
#define LABEL_MAX       512

struct text {
    void *bytes;
    size_t size;
};

static struct text read_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s", OUTRO_GOLDEN, folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        print_message("SKIPPED: no reference values at %s\n", path);
        skip();
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    struct text text = {NULL, (size_t)ftell(file)};
    rewind(file);
    text.bytes = malloc(text.size + 1);
    assert_non_null(text.bytes);
    assert_int_equal(fread(text.bytes, 1, text.size, file), text.size);
    fclose(file);
    return text;
}

/* A tensor of either width as doubles. */
static double *fetch(const struct golden_file *golden, const char *name, size_t *count)
{
    const struct safetensor *found = safetensors_find(&golden->file, name);
    if (!found)
        return NULL;
    *count = safetensor_values(found);
    double *out = calloc(*count + 1, sizeof *out);
    float *narrow = calloc(*count + 1, sizeof *narrow);
    assert_true(out && narrow);
    if (found->dtype == DTYPE_F64) {
        safetensor_read_f64(&golden->file, found, out);
    } else {
        safetensor_read_f32(&golden->file, found, narrow);
        for (size_t i = 0; i < *count; i++)
            out[i] = (double)narrow[i];
    }
    free(narrow);
    return out;
}

/* ---- weights ---- */

/* Our tensor of that name. */
static const double *tensor_of(const struct net_file *net, const char *kind, size_t k,
                               const char *part, struct net_tensor *shape)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    char name[32];
    size_t count = net_tensors(&net->spec, tensor);
    snprintf(name, sizeof name, "%s.%zu.%s", kind, k, part);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tensor[i].name, name) == 0) {
            *shape = tensor[i];
            return net->params + tensor[i].offset;
        }
    }
    return NULL;
}

/* Where Keras has the row r of ours: of a GRU z r h against r z n. */
static size_t keras_column(const struct net_spec *spec, bool recurrent, size_t k, size_t r)
{
    if (!recurrent || spec->recurrent[k].cell == CELL_LSTM)
        return r;
    size_t width = spec->recurrent[k].width;
    return r < width ? r + width : r < 2 * width ? r - width : r;
}

static bool same(double a, double b)
{
    uint64_t bits[2];
    memcpy(&bits[0], &a, sizeof a);
    memcpy(&bits[1], &b, sizeof b);
    return bits[0] == bits[1];
}

/* One matrix of ours against Keras' (columns, rows), or a bias against its row `first`. */
static bool same_tensor(const struct net_file *net, bool recurrent, size_t k, const char *part,
                        const double *keras, size_t count)
{
    struct net_tensor shape = {.rows = 0};
    const double *ours = tensor_of(net, recurrent ? "rnn" : "head", k, part, &shape);
    if (!ours || (size_t)shape.rows * shape.columns != count)
        return false;
    for (size_t r = 0; r < shape.rows; r++)
        for (size_t c = 0; c < shape.columns; c++)
            if (!same(ours[r * shape.columns + c],
                      keras[c * shape.rows + keras_column(&net->spec, recurrent, k, r)]))
                return false;
    return true;
}

/* All weights of one layer of the case. @param spoil changes one value of the reference */
static bool same_layer(const struct golden_file *golden, const struct net_file *net,
                       const char *layer, bool recurrent, size_t k, bool spoil)
{
    static const char *const names[] = {"kernel", "recurrent_kernel", "bias"};
    bool result = true;
    size_t checked = 0;
    for (size_t i = 0; i < 3; i++) {
        char name[LABEL_MAX];
        size_t count = 0;
        snprintf(name, sizeof name, "%s.%s", layer, names[i]);
        double *keras = fetch(golden, name, &count);
        if (!keras)
            continue;
        checked += count;
        if (spoil && i == 0)
            keras[count / 2] = nextafter(keras[count / 2], 1e9);
        bool two = i == 2 && recurrent && net->spec.recurrent[k].bias == BIAS_TWO;
        const char *part = i == 2      ? (recurrent ? "bias_ih" : "bias")
                           : i == 1    ? "weight_hh"
                           : recurrent ? "weight_ih"
                                       : "weight";
        result = result && same_tensor(net, recurrent, k, part, keras, two ? count / 2 : count);
        if (two)
            result =
                result && same_tensor(net, recurrent, k, "bias_hh", keras + count / 2, count / 2);
        free(keras);
    }
    return result && checked > 0;
}

static bool same_weights(const struct golden_file *golden, const json_t *layers,
                         const struct net_file *net, bool spoil)
{
    size_t recurrent = 0, dense = 0;
    bool result = true;
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i);
        const char *kind = json_string_value(json_object_get(layer, "kind"));
        const char *name = json_string_value(json_object_get(layer, "name"));
        if (strcmp(kind, "dense") == 0)
            result = result && same_layer(golden, net, name, false, dense++, spoil);
        else if (strcmp(kind, "lstm") == 0 || strcmp(kind, "gru") == 0)
            result = result && same_layer(golden, net, name, true, recurrent++, spoil);
    }
    return result && dense == net->spec.dense_layers && recurrent == net->spec.recurrent_layers;
}

/* ---- outputs ---- */

struct inputs {
    size_t batch, steps;
    const double *x; /* (B,T,I) */
};

/* @return (T,B), 0 where no step is */
static uint8_t *valid_steps(const struct net_file *net, const struct inputs *in)
{
    size_t width = net->spec.inputs;
    uint8_t *valid = calloc(in->batch * in->steps + 1, sizeof *valid);
    assert_non_null(valid);
    for (size_t b = 0; b < in->batch; b++)
        for (size_t t = 0; t < in->steps; t++) {
            const double *x = in->x + (b * in->steps + t) * width;
            uint8_t *step = &valid[t * in->batch + b];
            *step = !net->masked;
            for (size_t k = 0; k < width; k++)
                *step |= x[k] != net->mask_value;
        }
    return valid;
}

static real *reals(const double *from, size_t count)
{
    real *out = calloc(count + 1, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++)
        out[i] = (real)from[i];
    return out;
}

/* The head on the last state of each sequence. @return (B,outputs) new, caller frees */
static double *outputs_of(const struct net_file *net, const struct inputs *in)
{
    size_t width = net->spec.inputs, outputs = net->spec.dense[net->spec.dense_layers - 1].width;
    size_t count = in->batch * outputs;
    real *params = reals(net->params, net_params_count(&net->spec));
    real *sequences = reals(in->x, in->batch * in->steps * width);
    real *x = golden_turn(sequences, in->batch, in->steps, width);
    uint8_t *valid = valid_steps(net, in);
    uint32_t *at = calloc(in->batch, sizeof *at);
    double *out = calloc(count + 1, sizeof *out);
    struct net *engine = net_new(&net->spec, in->batch, in->steps, in->batch, NULL);
    assert_true(at && out && engine);
    net_rows_last(in->steps, in->batch, at);
    const struct net_batch batch = {.steps = in->steps,
                                    .sequences = in->batch,
                                    .x = x,
                                    .valid = valid,
                                    .rows = in->batch,
                                    .at = at};
    const real *got = net_forward(engine, params, &batch);
    for (size_t i = 0; i < count; i++)
        out[i] = (double)got[i];
    net_free(engine);
    free(at);
    free(valid);
    free(x);
    free(sequences);
    free(params);
    return out;
}

static double distance(const double *got, const double *expected, size_t count)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        double off = fabs(got[i] - expected[i]) / fmax(1, fabs(expected[i]));
        worst = off <= worst ? worst : isfinite(off) ? off : (double)INFINITY;
    }
    return worst;
}

struct errors {
    double worst; /* of a case */
    size_t forms;
};

/* A checker that lets a spoilt value pass checks nothing. */
static void note_error(const char *what, const double *got, double *expected, size_t count,
                       double tolerance, double *worst)
{
    double off = distance(got, expected, count);
    if (off > tolerance)
        fail_msg("%s: off by %.3g, %.3g allowed", what, off, tolerance);
    *worst = fmax(*worst, off);
    double kept = expected[count / 2];
    expected[count / 2] += 3 * tolerance * fmax(1, fabs(kept));
    assert_true(distance(got, expected, count) > tolerance);
    expected[count / 2] = kept;
}

static void check_outputs(const char *what, const struct golden_file *golden,
                          const struct net_file *net, bool keras3, struct errors *errors)
{
    const struct safetensor *shape = safetensors_find(&golden->file, "x");
    bool sixth = keras3 && safetensors_find(&golden->file, "prediction.hard_sixth");
    double tolerance = strstr(what, "_f32") ? FLOAT_TOLERANCE : TOLERANCE;
    size_t count = 0, values = 0;
    assert_non_null(shape);
    double *x = fetch(golden, "x", &values);
    double *expected = fetch(golden, sixth ? "prediction.hard_sixth" : "prediction", &count);
    const struct inputs in = {(size_t)shape->shape[0], (size_t)shape->shape[1], x};
    assert_int_equal(shape->shape[2], net->spec.inputs);
    assert_int_equal(count, in.batch * net->spec.dense[net->spec.dense_layers - 1].width);
    double *got = outputs_of(net, &in);
    note_error(what, got, expected, count, tolerance, &errors->worst);
    free(x);
    free(expected);
    free(got);
}

/* ---- there and back ---- */

static void assert_equal_nets(const char *what, const struct net_file *a, const struct net_file *b)
{
    char lines[4][NET_TEXT_MAX];
    net_spec_print(&a->spec, lines[0], lines[1]);
    net_spec_print(&b->spec, lines[2], lines[3]);
    assert_string_equal(lines[0], lines[2]);
    assert_string_equal(lines[1], lines[3]);
    assert_int_equal(a->spec.inputs, b->spec.inputs);
    assert_int_equal(a->spec.features, b->spec.features);
    assert_string_equal(a->source, b->source);
    if (a->masked != b->masked || !same(a->mask_value, b->mask_value))
        fail_msg("%s: another mask came back", what);
    assert_non_null(b->params);
    for (size_t i = 0; b->params && i < net_params_count(&a->spec); i++)
        if (!same(a->params[i], b->params[i]))
            fail_msg("%s: parameter %zu came back another", what, i);
}

static bool torch_has(const struct net_spec *spec)
{
    for (uint32_t k = 0; k < spec->recurrent_layers; k++)
        if (spec->recurrent[k].cell == CELL_GRU_BEFORE || spec->recurrent[k].gate != GATE_SIGMOID)
            return false;
    return true;
}

static void check_round_trips(const char *what, const struct net_file *net)
{
    struct net_file back = {0};
    struct err err = {0};
    unsigned char *bytes;
    size_t size;
    if (net_file_encode(net, &bytes, &size, &err) || net_file_decode(bytes, size, &back, &err))
        fail_msg("%s: %s", what, err.text);
    assert_equal_nets(what, net, &back);
    free(bytes);
    net_file_release(&back);
    if (!torch_has(&net->spec)) {
        assert_int_equal(torch_encode(net, &bytes, &size, &err), -1);
        return;
    }
    if (torch_encode(net, &bytes, &size, &err) || torch_decode(bytes, size, "", NULL, &back, &err))
        fail_msg("%s: %s", what, err.text);
    assert_equal_nets(what, net, &back);
    free(bytes);
    net_file_release(&back);
}

/* ---- Keras ---- */

/* @param architecture may be NULL */
static void check_form(const char *name, const json_t *layers, const char *architecture,
                       const char *weights, bool keras3, struct errors *errors)
{
    char values[LABEL_MAX];
    struct golden_file golden;
    struct err err = {0};
    struct net_file net;
    struct text json = {NULL, 0}, file = read_file("keras", weights);
    if (architecture)
        json = read_file("keras", architecture);
    snprintf(values, sizeof values, "keras/%s.safetensors", name);
    golden_open(&golden, values);
    if (keras_import(json.bytes, json.size, file.bytes, file.size, &net, &err))
        fail_msg("%s: %s", weights, err.text);
    if (!same_weights(&golden, layers, &net, false))
        fail_msg("%s: the weights are not the reference's", weights);
    assert_false(same_weights(&golden, layers, &net, true));
    check_outputs(weights, &golden, &net, keras3, errors);
    check_round_trips(weights, &net);
    errors->forms++;
    net_file_release(&net);
    golden_close(&golden);
    free(json.bytes);
    free(file.bytes);
}

static void check_case(const char *name, const json_t *about, size_t *forms)
{
    const json_t *layers = json_object_get(json_object_get(about, "metadata"), "layers");
    json_t *files = json_object_get(about, "files"), *made;
    struct errors errors = {0};
    const char *producer, *form;
    json_t *file;
    json_object_foreach(files, producer, made)
    {
        const char *architecture = json_string_value(json_object_get(made, "architecture"));
        json_object_foreach(made, form, file)
        {
            bool whole = strcmp(form, "model") == 0 || strcmp(form, "keras") == 0;
            if (strcmp(form, "producer") != 0 && strcmp(form, "architecture") != 0)
                check_form(name, layers, whole ? NULL : architecture, json_string_value(file),
                           strcmp(producer, "k3") == 0, &errors);
        }
    }
    print_message("  %-24s %zu files  %.1e\n", name, errors.forms, errors.worst);
    *forms += errors.forms;
}

static size_t count_model_files(void)
{
    size_t count = 0;
    DIR *folder = opendir(OUTRO_GOLDEN "/keras");
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        const char *dot = strrchr(entry->d_name, '.');
        count += dot && (strcmp(dot, ".h5") == 0 || strcmp(dot, ".keras") == 0);
    }
    closedir(folder);
    return count;
}

static void test_golden_import_keras(void **state)
{
    (void)state;
    struct text json = read_file("keras", "cases.json");
    json_t *cases = json_loadb(json.bytes, json.size, 0, NULL), *about;
    const char *name;
    size_t forms = 0;
    assert_non_null(cases);
    json_object_foreach(cases, name, about) if (json_object_get(about, "files"))
        check_case(name, about, &forms);
    print_message("  %zu files of Keras\n", forms);
    assert_int_equal(forms, count_model_files());
    json_decref(cases);
    free(json.bytes);
}

/* ---- PyTorch ---- */

/* @return whether ours is the tensor `param.NAME` of the file, to the bit */
static bool same_param(const struct golden_file *golden, const struct net_file *net,
                       const char *kind, size_t k, const char *part, const char *name)
{
    struct net_tensor shape = {.rows = 0};
    size_t count = 0;
    double *expected = fetch(golden, name, &count);
    const double *ours = tensor_of(net, kind, k, part, &shape);
    bool result = expected && ours && count == (size_t)shape.rows * shape.columns &&
                  memcmp(expected, ours, count * sizeof *ours) == 0;
    if (result) {
        expected[count / 2] = nextafter(expected[count / 2], 1e9);
        assert_memory_not_equal(expected, ours, count * sizeof *ours);
    }
    free(expected);
    return result;
}

static void check_state_dict(const char *file, const json_t *about)
{
    static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    char path[LABEL_MAX], name[64];
    struct golden_file golden;
    struct net_file net;
    struct err err = {0};
    snprintf(path, sizeof path, "rnn/%s", file);
    golden_open(&golden, path);
    struct text bytes = read_file("rnn", file);
    if (torch_decode(bytes.bytes, bytes.size, "param.", NULL, &net, &err))
        fail_msg("%s: %s", file, err.text);
    bool lstm = strcmp(json_string_value(json_object_get(about, "cell")), "lstm") == 0;
    assert_int_equal(net.spec.recurrent_layers,
                     json_integer_value(json_object_get(about, "layers")));
    assert_int_equal(net.spec.inputs, json_integer_value(json_object_get(about, "inputs")));
    for (size_t k = 0; k < net.spec.recurrent_layers; k++) {
        assert_int_equal(net.spec.recurrent[k].cell, lstm ? CELL_LSTM : CELL_GRU);
        for (size_t i = 0; i < 4; i++) {
            snprintf(name, sizeof name, "param.%s_l%zu", parts[i], k);
            assert_true(same_param(&golden, &net, "rnn", k, parts[i], name));
        }
    }
    assert_true(same_param(&golden, &net, "head", 0, "weight", "param.head.weight"));
    assert_true(same_param(&golden, &net, "head", 0, "bias", "param.head.bias"));
    check_round_trips(file, &net);
    print_message("  %-32s every tensor to the bit\n", file);
    net_file_release(&net);
    golden_close(&golden);
    free(bytes.bytes);
}

static void test_golden_import_torch(void **state)
{
    (void)state;
    struct text json = read_file("rnn", "cases.json");
    json_t *cases = json_loadb(json.bytes, json.size, 0, NULL), *about;
    size_t i;
    assert_true(json_array_size(cases) > 0);
    json_array_foreach(cases, i, about)
        check_state_dict(json_string_value(json_object_get(about, "file")), about);
    json_decref(cases);
    free(json.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden_import_keras),
                                       cmocka_unit_test(test_golden_import_torch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
