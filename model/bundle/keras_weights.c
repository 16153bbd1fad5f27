#include "bundle/keras_weights.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/keras_layout.h"

#define TENSORS_MAX 3 /* kernel, recurrent kernel, bias */
#define PLACE_MAX   512
#define LISTS_MAX   10000 /* layer_names0, layer_names1, ... */
#define NEW_ROOT    "/layers/"

/* Where the tensors of one layer are, in Keras' order. */
struct places {
    char path[TENSORS_MAX][PLACE_MAX];
};

struct reader {
    const struct hdf5_file *file;
    const struct keras_model *model;
    struct net_file *out;
    struct places layer[KERAS_LAYERS_MAX];
    struct err *err;
};

static size_t tensors_of(const struct net_spec *spec, const struct keras_layer *layer)
{
    if (!layer->recurrent)
        return spec->dense[layer->index].bias ? 2 : 1;
    return spec->recurrent[layer->index].bias == BIAS_NONE ? 2 : 3;
}

/* ---- the legacy form: by lists of names ---- */

/* A list that is too long for one attribute is split into NAME0, NAME1, ... */
static int read_list(const struct reader *r, const char *path, const char *name,
                     struct hdf5_names *out)
{
    char part[32];
    if (hdf5_has_attribute(r->file, path, name))
        return hdf5_names_read(r->file, path, name, out, r->err);
    for (int i = 0; i < LISTS_MAX; i++) {
        snprintf(part, sizeof part, "%s%d", name, i);
        if (!hdf5_has_attribute(r->file, path, part))
            return i ? 0 : err_set(r->err, ERR_INPUT, "%.200s has no attribute %s", path, name);
        if (hdf5_names_read(r->file, path, part, out, r->err))
            return -1;
    }
    return 0;
}

/* Joins a group and a name. @return 0, or -1 when it is no name, or the path too long */
static int join(char out[PLACE_MAX], const char *root, const char *name)
{
    for (const char *at = name; *at; at++)
        if (iscntrl((unsigned char)*at))
            return -1;
    int length = snprintf(out, PLACE_MAX, "%s%s%s", root, strcmp(root, "/") == 0 ? "" : "/", name);
    return length >= 0 && length < PLACE_MAX ? 0 : -1;
}

/* The tensors of one group, which are those of layer number `at` of the layers that have any.
 * Layers are matched by their order, as Keras does: names are the user's and may have changed. */
static int take_group(struct reader *r, const char *group, const struct hdf5_names *weights,
                      uint32_t at)
{
    if (at >= r->model->layers)
        return err_set(r->err, ERR_SHAPE,
                       "%.200s: weights of a layer that the architecture does not have (it has %u "
                       "with weights)",
                       group, r->model->layers);
    const struct keras_layer *layer = &r->model->layer[at];
    size_t wanted = tensors_of(&r->out->spec, layer);
    if (weights->count != wanted)
        return err_set(r->err, ERR_SHAPE, "layer %.80s: %zu tensors expected, %zu found in %.200s",
                       layer->name, wanted, weights->count, group);
    for (size_t i = 0; i < wanted; i++)
        if (join(r->layer[at].path[i], group, weights->name[i]))
            return err_set(r->err, ERR_INPUT, "%.200s: a name that cannot be one", group);
    return 0;
}

static int find_by_names(struct reader *r, const char *root)
{
    struct hdf5_names groups = {0}, weights = {0};
    uint32_t found = 0;
    int result = read_list(r, root, "layer_names", &groups);
    for (size_t i = 0; result == 0 && i < groups.count; i++) {
        char group[PLACE_MAX];
        if (join(group, root, groups.name[i])) {
            result = err_set(r->err, ERR_INPUT, "layer_names: a name that cannot be one");
            break;
        }
        result = read_list(r, group, "weight_names", &weights);
        if (result == 0 && weights.count)
            result = take_group(r, group, &weights, found++);
        hdf5_names_release(&weights);
    }
    hdf5_names_release(&groups);
    if (result == 0 && found < r->model->layers)
        result = err_set(r->err, ERR_SHAPE,
                         "layer %.80s: its weights are missing, the file has %u "
                         "layers with weights",
                         r->model->layer[found].name, found);
    return result;
}

/* ---- the newer form: by number within a class ---- */

static int find_by_class(struct reader *r)
{
    for (uint32_t k = 0; k < r->model->layers; k++) {
        const struct keras_layer *layer = &r->model->layer[k];
        size_t wanted = tensors_of(&r->out->spec, layer);
        for (size_t i = 0; i <= wanted; i++) {
            char path[PLACE_MAX];
            snprintf(path, sizeof path, NEW_ROOT "%s/%zu", layer->vars, i);
            bool there = hdf5_has(r->file, path);
            if (there != (i < wanted))
                return err_set(r->err, ERR_SHAPE, "layer %.80s: %zu tensors expected, %s is %s",
                               layer->name, wanted, path, there ? "there as well" : "missing");
            if (i < wanted)
                memcpy(r->layer[k].path[i], path, sizeof path);
        }
    }
    return 0;
}

/* @return 0, or -1 with ERR_INPUT when it is neither form */
static int find_tensors(struct reader *r)
{
    static const char *const roots[] = {"/", "/model_weights"};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if ((i == 0 || hdf5_has(r->file, roots[i])) &&
            (hdf5_has_attribute(r->file, roots[i], "layer_names") ||
             hdf5_has_attribute(r->file, roots[i], "layer_names0")))
            return find_by_names(r, roots[i]);
    if (hdf5_has(r->file, "/layers"))
        return find_by_class(r);
    return err_set(r->err, ERR_INPUT,
                   "no weights of Keras: neither layer_names (at / or /model_weights) nor a group "
                   "/layers");
}

/* ---- values ---- */

/* The tensor of our block with that name; its place in the params. */
static double *params_of(const struct reader *r, const char *kind, uint32_t index, const char *part)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    char name[sizeof tensor->name];
    size_t count = net_tensors(&r->out->spec, tensor);
    snprintf(name, sizeof name, "%s.%u.%s", kind, index, part);
    for (size_t i = 0; i < count; i++)
        if (strcmp(tensor[i].name, name) == 0)
            return r->out->params + tensor[i].offset;
    return NULL;
}

static int read_gates_weight(const struct reader *r, const struct recurrent_spec *layer,
                             const char *path, size_t inputs, double *scratch, double *to)
{
    const size_t gates = layer->cell == CELL_LSTM ? 4 : 3;
    const size_t shape[2] = {inputs, gates * layer->width};
    if (hdf5_read(r->file, path, 2, shape, scratch, r->err))
        return -1;
    keras_gates_weight(layer->cell, inputs, layer->width, scratch, to);
    return 0;
}

/* Row 0 of two is for x, row 1 for h. */
static int read_gates_bias(const struct reader *r, uint32_t index, const char *path,
                           double *scratch)
{
    const struct recurrent_spec *layer = &r->out->spec.recurrent[index];
    const size_t row = (layer->cell == CELL_LSTM ? 4 : 3) * (size_t)layer->width;
    const size_t one[1] = {row}, two[2] = {2, row};
    bool both = layer->bias == BIAS_TWO;
    if (hdf5_read(r->file, path, both ? 2 : 1, both ? two : one, scratch, r->err))
        return -1;
    keras_gates_bias(layer->cell, layer->width, scratch, params_of(r, "rnn", index, "bias_ih"));
    if (both)
        keras_gates_bias(layer->cell, layer->width, scratch + row,
                         params_of(r, "rnn", index, "bias_hh"));
    return 0;
}

static int read_recurrent(const struct reader *r, const struct places *at, uint32_t index,
                          double *scratch)
{
    const struct net_spec *spec = &r->out->spec;
    const struct recurrent_spec *layer = &spec->recurrent[index];
    size_t inputs = index ? spec->recurrent[index - 1].width : spec->inputs;
    if (read_gates_weight(r, layer, at->path[0], inputs, scratch,
                          params_of(r, "rnn", index, "weight_ih")) ||
        read_gates_weight(r, layer, at->path[1], layer->width, scratch,
                          params_of(r, "rnn", index, "weight_hh")))
        return -1;
    return layer->bias == BIAS_NONE ? 0 : read_gates_bias(r, index, at->path[2], scratch);
}

static int read_dense(const struct reader *r, const struct places *at, uint32_t index,
                      double *scratch)
{
    const struct net_spec *spec = &r->out->spec;
    const struct dense_spec *layer = &spec->dense[index];
    size_t inputs = index                    ? spec->dense[index - 1].width
                    : spec->recurrent_layers ? spec->recurrent[spec->recurrent_layers - 1].width
                                             : spec->features;
    const size_t shape[2] = {inputs, layer->width};
    if (hdf5_read(r->file, at->path[0], 2, shape, scratch, r->err))
        return -1;
    keras_dense_weight(inputs, layer->width, scratch, params_of(r, "head", index, "weight"));
    if (!layer->bias)
        return 0;
    return hdf5_read(r->file, at->path[1], 1, &shape[1], params_of(r, "head", index, "bias"),
                     r->err);
}

/* An architecture need not say how wide its inputs are; the first kernel knows. */
static int measure_inputs(const struct reader *r)
{
    struct net_spec *spec = &r->out->spec;
    uint32_t *inputs = spec->recurrent_layers ? &spec->inputs : &spec->features;
    size_t rows = 0;
    if (*inputs)
        return 0;
    if (hdf5_rows(r->file, r->layer[0].path[0], &rows, r->err))
        return -1;
    if (rows < 1 || rows > NET_WIDTH_MAX)
        return err_set(r->err, ERR_SHAPE, "tensor %.160s: %zu inputs, it may be 1 to %d",
                       r->layer[0].path[0], rows, NET_WIDTH_MAX);
    *inputs = (uint32_t)rows;
    return 0;
}

static int read_all(struct reader *r)
{
    if (find_tensors(r) || measure_inputs(r) || net_file_init(r->out, r->err))
        return -1;
    size_t count = net_params_count(&r->out->spec);
    double *scratch = malloc(count * sizeof *scratch); /* no tensor is larger than all of them */
    int result = scratch ? 0 : err_set(r->err, ERR_MEMORY, "out of memory for %zu values", count);
    for (uint32_t k = 0; result == 0 && k < r->model->layers; k++) {
        const struct keras_layer *layer = &r->model->layer[k];
        result = layer->recurrent ? read_recurrent(r, &r->layer[k], layer->index, scratch)
                                  : read_dense(r, &r->layer[k], layer->index, scratch);
    }
    free(scratch);
    return result;
}

int keras_weights_read(const struct hdf5_file *file, const struct keras_model *model,
                       struct net_file *out, struct err *err)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return err_set(err, ERR_MEMORY, "out of memory for the places of weights");
    *reader = (struct reader){.file = file, .model = model, .out = out, .err = err};
    int result = read_all(reader);
    free(reader);
    return result;
}
