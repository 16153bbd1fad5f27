#include "nn/net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nn/cell.h"
#include "nn/dense.h"

#define NO_TENSOR SIZE_MAX

/* Of a recurrent layer, all time-major. */
struct rnn_layer {
    struct cell_shape shape;
    size_t weight_ih, weight_hh, bias_ih, bias_hh; /* offsets in the block */
    size_t state;                                  /* where its h begins in a sequence's state */
    real *h, *d_h;                                 /* (T+1,B,H) */
    real *c;                                       /* (T+1,B,H), an LSTM's */
    real *d_c;                                     /* (B,H) */
    real *saved;                                   /* (T,B,4H) */
};

struct head_layer {
    struct dense_shape shape;
    size_t weight, bias;
    real *active;       /* (rows,O) what the activation gave */
    real *dropped;      /* the same under its mask */
    real *d;            /* (rows,O) */
    const real *output; /* the one or the other */
};

struct net {
    struct net_spec spec;
    size_t sequences, steps, rows;    /* capacity */
    size_t state_width, output_width; /* of a sequence's state; of the last layer, 0 without */
    struct rnn_layer rnn[NET_LAYERS_MAX];
    struct head_layer head[NET_LAYERS_MAX];
    real *memory;          /* owned; the rest points into it */
    real *input, *d_input; /* (rows,H+F) */
    real *work;            /* of one recurrent layer at a time */
};

/* ---- new, free ---- */

/* First counts, then gives out: the same calls twice. */
struct carver {
    real *memory;
    size_t used;
};

static real *carve(struct carver *carver, size_t count)
{
    real *at = carver->memory ? carver->memory + carver->used : NULL;
    carver->used += count;
    return at;
}

static void carve_net(struct net *n, struct carver *carver)
{
    size_t work = 0, states = (n->steps + 1) * n->sequences, steps = n->steps * n->sequences;
    for (size_t k = 0; k < n->spec.recurrent_layers; k++) {
        struct rnn_layer *layer = &n->rnn[k];
        size_t h = layer->shape.width, lstm = layer->shape.kind == CELL_LSTM ? h : 0;
        size_t own = cell_work_count(&layer->shape, n->sequences, n->steps);
        layer->h = carve(carver, states * h);
        layer->d_h = carve(carver, states * h);
        layer->c = carve(carver, states * lstm);
        layer->d_c = carve(carver, n->sequences * lstm);
        layer->saved = carve(carver, steps * CELL_SAVED * h);
        work = own > work ? own : work;
    }
    n->work = carve(carver, work);
    n->input = carve(carver, n->rows * n->head[0].shape.inputs);
    n->d_input = carve(carver, n->rows * n->head[0].shape.inputs);
    for (size_t k = 0; k < n->spec.dense_layers; k++) {
        struct head_layer *layer = &n->head[k];
        layer->active = carve(carver, n->rows * layer->shape.outputs);
        layer->dropped = carve(carver, n->rows * layer->shape.outputs);
        layer->d = carve(carver, n->rows * layer->shape.outputs);
    }
}

static void set_recurrent(struct net *n, const struct net_tensor **tensor)
{
    size_t inputs = n->spec.inputs;
    for (size_t k = 0; k < n->spec.recurrent_layers; k++) {
        const struct recurrent_spec *spec = &n->spec.recurrent[k];
        struct rnn_layer *layer = &n->rnn[k];
        layer->shape = (struct cell_shape){spec->cell, spec->gate, inputs, spec->width, NULL};
        layer->weight_ih = (*tensor)++->offset;
        layer->weight_hh = (*tensor)++->offset;
        layer->bias_ih = spec->bias == BIAS_NONE ? NO_TENSOR : (*tensor)++->offset;
        layer->bias_hh = spec->bias == BIAS_TWO ? (*tensor)++->offset : NO_TENSOR;
        layer->state = n->state_width;
        n->state_width += spec->cell == CELL_LSTM ? 2 * (size_t)spec->width : spec->width;
        inputs = spec->width;
    }
    n->output_width = n->spec.recurrent_layers ? inputs : 0;
}

static void set_head(struct net *n, const struct net_tensor **tensor)
{
    size_t inputs = n->output_width + n->spec.features;
    for (size_t k = 0; k < n->spec.dense_layers; k++) {
        const struct dense_spec *spec = &n->spec.dense[k];
        n->head[k].shape = (struct dense_shape){inputs, spec->width, spec->activation};
        n->head[k].weight = (*tensor)++->offset;
        n->head[k].bias = spec->bias ? (*tensor)++->offset : NO_TENSOR;
        inputs = spec->width;
    }
}

struct net *net_new(const struct net_spec *spec, size_t sequences, size_t steps, size_t rows,
                    struct err *err)
{
    struct net_tensor tensors[NET_TENSORS_MAX];
    const struct net_tensor *tensor = tensors;
    struct carver carver = {0};
    struct net *n = calloc(1, sizeof *n);
    if (!n)
        goto fail;
    n->spec = *spec;
    n->sequences = sequences;
    n->steps = steps;
    n->rows = rows;
    net_tensors(spec, tensors);
    set_recurrent(n, &tensor);
    set_head(n, &tensor);
    carve_net(n, &carver);
    carver.memory = calloc(carver.used + 1, sizeof *n->memory);
    if (!carver.memory)
        goto fail;
    n->memory = carver.memory;
    carver.used = 0;
    carve_net(n, &carver);
    return n;
fail:
    free(n);
    err_set(err, ERR_MEMORY, "no memory to train on %zu sequences and %zu rows at once", sequences,
            rows);
    return NULL;
}

void net_free(struct net *net)
{
    if (!net)
        return;
    free(net->memory);
    free(net);
}

/* ---- recurrent layers ---- */

static const real *tensor_at(const real *params, size_t offset)
{
    return offset == NO_TENSOR ? NULL : params + offset;
}

static struct cell_params layer_params(const struct rnn_layer *layer, const real *params)
{
    return (struct cell_params){params + layer->weight_ih, params + layer->weight_hh,
                                tensor_at(params, layer->bias_ih),
                                tensor_at(params, layer->bias_hh)};
}

static struct cell_sequences layer_sequences(const struct net *n, size_t k,
                                             const struct net_batch *batch)
{
    const struct rnn_layer *layer = &n->rnn[k], *below = k ? layer - 1 : NULL;
    struct cell_sequences s = {
        .batch = batch->sequences,
        .steps = batch->steps,
        .x = below ? below->h + batch->sequences * below->shape.width : batch->x,
        .valid = batch->valid,
        .from_zero = !batch->state,
        .h = layer->h,
        .c = layer->shape.kind == CELL_LSTM ? layer->c : NULL,
        .saved = layer->saved,
        .work = n->work,
    };
    if (batch->masks)
        s.masks = (struct cell_masks){batch->masks->input[k], batch->masks->input_gates[k],
                                      batch->masks->recurrent[k]};
    return s;
}

/* The states carried in, from (B,state_width) to the first rows of h and c. */
static void carry_in(const struct net *n, const struct rnn_layer *layer,
                     const struct net_batch *batch)
{
    size_t h = layer->shape.width, size = h * sizeof(real);
    bool lstm = layer->shape.kind == CELL_LSTM;
    for (size_t b = 0; b < batch->sequences; b++) {
        const real *from = batch->state ? batch->state + b * n->state_width + layer->state : NULL;
        if (from)
            memcpy(layer->h + b * h, from, size);
        else
            memset(layer->h + b * h, 0, size);
        if (lstm && from)
            memcpy(layer->c + b * h, from + h, size);
        else if (lstm)
            memset(layer->c + b * h, 0, size);
    }
}

void net_carry(const struct net *net, const struct net_batch *batch, real *state)
{
    for (size_t k = 0; k < net->spec.recurrent_layers; k++) {
        const struct rnn_layer *layer = &net->rnn[k];
        size_t h = layer->shape.width, last = batch->steps * batch->sequences * h;
        for (size_t b = 0; b < batch->sequences; b++) {
            real *to = state + b * net->state_width + layer->state;
            memcpy(to, layer->h + last + b * h, h * sizeof *to);
            if (layer->shape.kind == CELL_LSTM)
                memcpy(to + h, layer->c + last + b * h, h * sizeof *to);
        }
    }
}

static void recurrent_backward(struct net *n, const real *params, const struct net_batch *batch,
                               real *gradient)
{
    for (size_t k = n->spec.recurrent_layers; k-- > 0;) {
        struct rnn_layer *layer = &n->rnn[k], *below = k ? layer - 1 : NULL;
        struct cell_params p = layer_params(layer, params);
        struct cell_sequences s = layer_sequences(n, k, batch);
        struct cell_gradients d = {gradient + layer->weight_ih, gradient + layer->weight_hh, NULL,
                                   NULL};
        if (layer->bias_ih != NO_TENSOR)
            d.bias_ih = gradient + layer->bias_ih;
        if (layer->bias_hh != NO_TENSOR)
            d.bias_hh = gradient + layer->bias_hh;
        real *d_below = NULL;
        if (below) { /* a step's output is the state behind it */
            size_t numbers = batch->sequences * below->shape.width;
            d_below = below->d_h + numbers;
            memset(below->d_h + batch->warmup * numbers, 0, numbers * sizeof *below->d_h);
        }
        if (layer->shape.kind == CELL_LSTM)
            memset(layer->d_c, 0, batch->sequences * layer->shape.width * sizeof *layer->d_c);
        cell_backward(&layer->shape, &p, &s, batch->warmup, layer->d_h, layer->d_c, d_below, &d);
    }
}

/* ---- the head ---- */

static const real *state_mask(const struct net_batch *batch)
{
    return batch->masks ? batch->masks->state : NULL;
}

static const real *dense_mask(const struct net_batch *batch, size_t k)
{
    return batch->masks ? batch->masks->dense[k] : NULL;
}

static void multiply(size_t count, const real *factor, const real *in, real *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = in[i] * factor[i];
}

/* Input rows: [h ; features]. */
static void gather_inputs(struct net *n, const struct net_batch *batch)
{
    size_t h = n->output_width, features = n->spec.features, width = n->head[0].shape.inputs;
    const real *states = h ? n->rnn[n->spec.recurrent_layers - 1].h : NULL;
    const real *mask = state_mask(batch);
    for (size_t row = 0; row < batch->rows; row++) {
        real *input = n->input + row * width;
        if (h)
            memcpy(input, states + batch->at[row] * h, h * sizeof *input);
        if (mask)
            multiply(h, mask + row * h, input, input);
        if (features)
            memcpy(input + h, batch->features + row * features, features * sizeof *input);
    }
}

static void scatter_states(struct net *n, const struct net_batch *batch)
{
    size_t h = n->output_width, width = n->head[0].shape.inputs;
    real *d_h = n->rnn[n->spec.recurrent_layers - 1].d_h;
    const real *mask = state_mask(batch);
    memset(d_h, 0, batch->sequences * (batch->steps + 1) * h * sizeof *d_h);
    for (size_t row = 0; row < batch->rows; row++) {
        real *from = n->d_input + row * width, *to = d_h + batch->at[row] * h;
        if (mask)
            multiply(h, mask + row * h, from, from);
        for (size_t j = 0; j < h; j++)
            to[j] += from[j];
    }
}

static const real *head_forward(struct net *n, const real *params, const struct net_batch *batch)
{
    const real *x = n->input;
    for (size_t k = 0; k < n->spec.dense_layers; k++) {
        struct head_layer *layer = &n->head[k];
        const real *mask = dense_mask(batch, k);
        dense_forward(&layer->shape, params + layer->weight, tensor_at(params, layer->bias),
                      batch->rows, x, layer->active);
        layer->output = layer->active;
        if (mask) {
            multiply(batch->rows * layer->shape.outputs, mask, layer->active, layer->dropped);
            layer->output = layer->dropped;
        }
        x = layer->output;
    }
    return x;
}

static void head_backward(struct net *n, const real *params, const struct net_batch *batch,
                          real *gradient)
{
    for (size_t k = n->spec.dense_layers; k-- > 0;) {
        struct head_layer *layer = &n->head[k];
        const real *mask = dense_mask(batch, k);
        if (mask)
            multiply(batch->rows * layer->shape.outputs, mask, layer->d, layer->d);
        real *d_x = k ? layer[-1].d : n->output_width ? n->d_input : NULL;
        dense_backward(&layer->shape, params + layer->weight, batch->rows,
                       k ? layer[-1].output : n->input, layer->active, layer->d, d_x,
                       gradient + layer->weight,
                       layer->bias == NO_TENSOR ? NULL : gradient + layer->bias);
    }
}

/* ---- the whole ---- */

const real *net_forward(struct net *net, const real *params, const struct net_batch *batch)
{
    assert(batch->sequences <= net->sequences && batch->steps <= net->steps &&
           batch->rows <= net->rows && batch->warmup <= batch->steps);
    for (size_t k = 0; k < net->spec.recurrent_layers; k++) {
        struct cell_params p = layer_params(&net->rnn[k], params);
        struct cell_sequences s = layer_sequences(net, k, batch);
        carry_in(net, &net->rnn[k], batch);
        cell_forward(&net->rnn[k].shape, &p, &s);
    }
    gather_inputs(net, batch);
    return head_forward(net, params, batch);
}

void net_backward(struct net *net, const real *params, const struct net_batch *batch,
                  const real *d_outputs, real *gradient)
{
    struct head_layer *last = &net->head[net->spec.dense_layers - 1];
    memcpy(last->d, d_outputs, batch->rows * last->shape.outputs * sizeof *last->d);
    head_backward(net, params, batch, gradient);
    if (!net->spec.recurrent_layers)
        return;
    scatter_states(net, batch);
    recurrent_backward(net, params, batch, gradient);
}

void net_rows_last(size_t steps, size_t sequences, uint32_t *at)
{
    for (size_t b = 0; b < sequences; b++)
        at[b] = (uint32_t)(steps * sequences + b);
}

void net_rows_every(size_t steps, size_t sequences, uint32_t *at)
{
    for (size_t i = 0; i < steps * sequences; i++)
        at[i] = (uint32_t)(sequences + i);
}

const real *net_states(const struct net *net, size_t recurrent_layer)
{
    return net->rnn[recurrent_layer].h;
}

const real *net_dense(const struct net *net, size_t head_layer)
{
    return net->head[head_layer].output;
}
