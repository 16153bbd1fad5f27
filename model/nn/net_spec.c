#include "nn/net_spec.h"

#include <stdio.h>

static const size_t cell_gates[CELL_KINDS] = {
    [CELL_GRU] = 3, [CELL_GRU_BEFORE] = 3, [CELL_LSTM] = 4};

static struct net_tensor *tensor_add(struct net_tensor *at, const struct net_tensor *first,
                                     size_t rows, size_t columns)
{
    at->rows = (uint32_t)rows;
    at->columns = (uint32_t)columns;
    at->offset = at == first ? 0 : at[-1].offset + (size_t)at[-1].rows * at[-1].columns;
    return at + 1;
}

static struct net_tensor *recurrent_tensors(const struct recurrent_spec *layer, size_t k,
                                            size_t inputs, struct net_tensor *at,
                                            const struct net_tensor *first)
{
    size_t width = layer->width, rows = cell_gates[layer->cell] * width;
    const struct {
        const char *name;
        size_t columns;
        bool present;
    } parts[] = {
        {"weight_ih", inputs, true},
        {"weight_hh", width, true},
        {"bias_ih", 1, layer->bias != BIAS_NONE},
        {"bias_hh", 1, layer->bias == BIAS_TWO},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i].present)
            continue;
        snprintf(at->name, sizeof at->name, "rnn.%zu.%s", k, parts[i].name);
        at = tensor_add(at, first, rows, parts[i].columns);
    }
    return at;
}

size_t net_tensors(const struct net_spec *spec, struct net_tensor out[NET_TENSORS_MAX])
{
    struct net_tensor *at = out;
    size_t inputs = spec->inputs;
    for (size_t k = 0; k < spec->recurrent_layers; k++) {
        at = recurrent_tensors(&spec->recurrent[k], k, inputs, at, out);
        inputs = spec->recurrent[k].width;
    }
    inputs = spec->features + (spec->recurrent_layers ? inputs : 0);
    for (size_t k = 0; k < spec->dense_layers; k++) {
        const struct dense_spec *layer = &spec->dense[k];
        snprintf(at->name, sizeof at->name, "head.%zu.weight", k);
        at = tensor_add(at, out, layer->width, inputs);
        if (layer->bias) {
            snprintf(at->name, sizeof at->name, "head.%zu.bias", k);
            at = tensor_add(at, out, layer->width, 1);
        }
        inputs = layer->width;
    }
    return (size_t)(at - out);
}

size_t net_params_count(const struct net_spec *spec)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t count = net_tensors(spec, tensor);
    if (!count)
        return 0;
    const struct net_tensor *last = &tensor[count - 1];
    return last->offset + (size_t)last->rows * last->columns;
}

static size_t layer_state(const struct recurrent_spec *layer)
{
    return layer->cell == CELL_LSTM ? 2 * (size_t)layer->width : layer->width;
}

size_t net_state_width(const struct net_spec *spec)
{
    size_t width = 0;
    for (size_t k = 0; k < spec->recurrent_layers; k++)
        width += layer_state(&spec->recurrent[k]);
    return width;
}

size_t net_state_output(const struct net_spec *spec)
{
    if (!spec->recurrent_layers)
        return 0;
    return net_state_width(spec) - layer_state(&spec->recurrent[spec->recurrent_layers - 1]);
}

size_t net_output_width(const struct net_spec *spec)
{
    return spec->recurrent_layers ? spec->recurrent[spec->recurrent_layers - 1].width : 0;
}

static int check_recurrent(const struct recurrent_spec *layer, size_t k, struct err *err)
{
    if (layer->cell >= CELL_KINDS || layer->gate >= GATE_FUNCTIONS || layer->bias >= BIAS_FORMS)
        return err_set(err, ERR_SHAPE, "recurrent layer %zu: unknown cell, gates or biases", k);
    if (layer->width < 1 || layer->width > NET_WIDTH_MAX)
        return err_set(err, ERR_SHAPE, "recurrent layer %zu: width %u, it may be 1 to %d", k,
                       layer->width, NET_WIDTH_MAX);
    if (layer->cell == CELL_GRU && layer->bias == BIAS_ONE)
        return err_set(err, ERR_SHAPE,
                       "recurrent layer %zu: a gru has two biases or none, gru-before takes one",
                       k);
    if (layer->cell == CELL_GRU_BEFORE && layer->bias == BIAS_TWO)
        return err_set(err, ERR_SHAPE, "recurrent layer %zu: gru-before has one bias or none", k);
    if (!(layer->dropout >= 0 && layer->dropout < 1) ||
        !(layer->recurrent_dropout >= 0 && layer->recurrent_dropout < 1))
        return err_set(err, ERR_SHAPE,
                       "recurrent layer %zu: dropout %g and %g, each may be 0 to below 1", k,
                       layer->dropout, layer->recurrent_dropout);
    return 0;
}

static int check_dense(const struct dense_spec *layer, size_t k, struct err *err)
{
    if (layer->activation >= DENSE_ACTIVATIONS)
        return err_set(err, ERR_SHAPE, "head layer %zu: unknown activation", k);
    if (layer->width < 1 || layer->width > NET_WIDTH_MAX)
        return err_set(err, ERR_SHAPE, "head layer %zu: width %u, it may be 1 to %d", k,
                       layer->width, NET_WIDTH_MAX);
    if (!(layer->dropout >= 0 && layer->dropout < 1))
        return err_set(err, ERR_SHAPE, "head layer %zu: dropout %g, it may be 0 to below 1", k,
                       layer->dropout);
    return 0;
}

int net_spec_check(const struct net_spec *spec, struct err *err)
{
    if (spec->recurrent_layers > NET_LAYERS_MAX || spec->dense_layers > NET_LAYERS_MAX)
        return err_set(err, ERR_SHAPE, "%u recurrent and %u head layers, %d of each may be",
                       spec->recurrent_layers, spec->dense_layers, NET_LAYERS_MAX);
    if (!spec->dense_layers)
        return err_set(err, ERR_SHAPE, "a network needs a head: at least its outputs");
    if (!spec->recurrent_layers && !spec->features)
        return err_set(err, ERR_SHAPE, "without a recurrent layer the head has no inputs");
    if (spec->inputs > NET_WIDTH_MAX || spec->features > NET_WIDTH_MAX ||
        (spec->recurrent_layers && !spec->inputs))
        return err_set(err, ERR_SHAPE, "%u inputs and %u features, it may be up to %d",
                       spec->inputs, spec->features, NET_WIDTH_MAX);
    for (size_t k = 0; k < spec->recurrent_layers; k++)
        if (check_recurrent(&spec->recurrent[k], k, err))
            return -1;
    for (size_t k = 0; k < spec->dense_layers; k++)
        if (check_dense(&spec->dense[k], k, err))
            return -1;
    return 0;
}
