#include "nn/network.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nn/dense.h"
#include "nn/gru.h"
#include "nn/loss.h"

enum { FIRST, MIDDLE, LAST, LAYERS };

/* Where the tensors of one block are: of the parameters to read, of the gradient to add to. */
struct head_params {
    const real *weight[LAYERS], *bias[LAYERS];
};
struct head_gradients {
    real *weight[LAYERS], *bias[LAYERS];
};

struct network {
    struct net_tensor tensor[NET_TENSORS_MAX];
    struct gru_shape gru;
    struct dense_shape layer[LAYERS];
    size_t sequences, steps, rows; /* capacity */
    real *memory;                  /* owned; the rest points into it */
    real *states, *d_states;       /* (B,T+1,H) */
    real *gates, *d_gates;         /* (B,T,4H) */
    real *input, *d_input;         /* (rows,H+30) */
    real *first, *d_first;         /* (rows,D) */
    real *middle, *d_middle;       /* (rows,D) */
    real *output, *d_output;       /* (rows,O) */
};

static int network_allocate(struct network *n)
{
    size_t h = n->gru.hidden, d = n->layer[FIRST].outputs;
    const struct {
        real **forward, **backward;
        size_t count;
    } parts[] = {
        {&n->states, &n->d_states, n->sequences * (n->steps + 1) * h},
        {&n->gates, &n->d_gates, n->sequences * n->steps * 4 * h},
        {&n->input, &n->d_input, n->rows * n->layer[FIRST].inputs},
        {&n->first, &n->d_first, n->rows * d},
        {&n->middle, &n->d_middle, n->rows * d},
        {&n->output, &n->d_output, n->rows * n->layer[LAST].outputs},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        count += 2 * parts[i].count;
    n->memory = calloc(count + 1, sizeof *n->memory);
    if (!n->memory)
        return -1;
    real *cursor = n->memory;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].forward = cursor;
        *parts[i].backward = cursor + parts[i].count;
        cursor += 2 * parts[i].count;
    }
    return 0;
}

/* The one network that training knows: a GRU or none, two ReLU layers of one width, quantiles or
 * one value; dropout is what the batch says. */
static bool is_trainable(const struct net_spec *spec)
{
    struct net_spec known = PREDICTOR_SPEC((uint32_t)net_output_width(spec), spec->dense[0].width);
    char net[2][NET_TEXT_MAX], head[2][NET_TEXT_MAX];
    known.dense[0].dropout = spec->dense[0].dropout;
    known.dense[2].width = (uint32_t)predictor_outputs(spec);
    net_spec_print(spec, net[0], head[0]);
    net_spec_print(&known, net[1], head[1]);
    return strcmp(net[0], net[1]) == 0 && strcmp(head[0], head[1]) == 0;
}

struct network *network_new(const struct net_spec *spec, size_t sequences, size_t steps,
                            size_t rows, struct err *err)
{
    if (!is_trainable(spec)) {
        err_set(err, ERR_SHAPE, "training knows one GRU and two ReLU layers of one width only");
        return NULL;
    }
    struct network *n = calloc(1, sizeof *n);
    if (!n)
        goto fail;
    size_t h = net_output_width(spec), d = spec->dense[0].width;
    net_tensors(spec, n->tensor);
    n->gru = (struct gru_shape){STEP_INPUTS, h};
    n->layer[FIRST] = (struct dense_shape){h + ROW_FEATURES, d, DENSE_RELU};
    n->layer[MIDDLE] = (struct dense_shape){d, d, DENSE_RELU};
    n->layer[LAST] = (struct dense_shape){d, predictor_outputs(spec), DENSE_LINEAR};
    n->sequences = sequences;
    n->steps = steps;
    n->rows = rows;
    if (network_allocate(n))
        goto fail;
    return n;
fail:
    free(n);
    err_set(err, ERR_MEMORY, "no memory to train on %zu sequences and %zu rows at once", sequences,
            rows);
    return NULL;
}

void network_free(struct network *network)
{
    if (!network)
        return;
    free(network->memory);
    free(network);
}

static struct gru_params gru_params(const struct network *n, const real *params)
{
    return (struct gru_params){params + n->tensor[0].offset, params + n->tensor[1].offset,
                               params + n->tensor[2].offset, params + n->tensor[3].offset};
}

static struct gru_gradients gru_gradients(const struct network *n, real *gradient)
{
    return (struct gru_gradients){gradient + n->tensor[0].offset, gradient + n->tensor[1].offset,
                                  gradient + n->tensor[2].offset, gradient + n->tensor[3].offset};
}

static struct head_params head_params(const struct network *n, const real *params)
{
    const struct net_tensor *tensor = n->tensor + (n->gru.hidden ? 4 : 0);
    struct head_params head;
    for (size_t i = 0; i < LAYERS; i++) {
        head.weight[i] = params + tensor[2 * i].offset;
        head.bias[i] = params + tensor[2 * i + 1].offset;
    }
    return head;
}

static struct head_gradients head_gradients(const struct network *n, real *gradient)
{
    const struct net_tensor *tensor = n->tensor + (n->gru.hidden ? 4 : 0);
    struct head_gradients head;
    for (size_t i = 0; i < LAYERS; i++) {
        head.weight[i] = gradient + tensor[2 * i].offset;
        head.bias[i] = gradient + tensor[2 * i + 1].offset;
    }
    return head;
}

static struct gru_sequences sequences_of(const struct network *n, const struct network_batch *batch)
{
    return (struct gru_sequences){.batch = batch->sequences,
                                  .steps = batch->steps,
                                  .x = batch->x,
                                  .states = n->states,
                                  .gates = n->gates};
}

static void multiply_by(size_t count, const real *factor, real *values)
{
    for (size_t i = 0; factor && i < count; i++)
        values[i] *= factor[i];
}

/* Input rows: [h ; start ; live]. */
static void gather_inputs(struct network *n, const struct network_batch *batch)
{
    size_t h = n->gru.hidden, width = n->layer[FIRST].inputs;
    for (size_t row = 0; row < batch->rows; row++) {
        real *input = n->input + row * width;
        memcpy(input, n->states + batch->state[row] * h, h * sizeof *input);
        multiply_by(h, batch->state_dropout ? batch->state_dropout + row * h : NULL, input);
        memcpy(input + h, batch->features + row * ROW_FEATURES, ROW_FEATURES * sizeof *input);
    }
}

static void forward(struct network *n, const real *params, const struct network_batch *batch)
{
    size_t h = n->gru.hidden, rows = batch->rows;
    if (h) {
        struct gru_params gru = gru_params(n, params);
        struct gru_sequences sequences = sequences_of(n, batch);
        for (size_t b = 0; b < batch->sequences; b++)
            memset(n->states + b * (batch->steps + 1) * h, 0, h * sizeof *n->states);
        gru_forward(&n->gru, &gru, &sequences);
    }
    struct head_params head = head_params(n, params);
    gather_inputs(n, batch);
    dense_forward(&n->layer[FIRST], head.weight[FIRST], head.bias[FIRST], rows, n->input, n->first);
    multiply_by(rows * n->layer[FIRST].outputs, batch->dropout, n->first);
    dense_forward(&n->layer[MIDDLE], head.weight[MIDDLE], head.bias[MIDDLE], rows, n->first,
                  n->middle);
    dense_forward(&n->layer[LAST], head.weight[LAST], head.bias[LAST], rows, n->middle, n->output);
    for (size_t i = 0; batch->base && i < rows * n->layer[LAST].outputs; i++)
        n->output[i] += batch->base[i];
}

static void scatter_states(struct network *n, const struct network_batch *batch)
{
    size_t h = n->gru.hidden, width = n->layer[FIRST].inputs;
    memset(n->d_states, 0, batch->sequences * (batch->steps + 1) * h * sizeof *n->d_states);
    for (size_t row = 0; row < batch->rows; row++) {
        real *from = n->d_input + row * width;
        multiply_by(h, batch->state_dropout ? batch->state_dropout + row * h : NULL, from);
        real *to = n->d_states + batch->state[row] * h;
        for (size_t j = 0; j < h; j++)
            to[j] += from[j];
    }
}

static void backward(struct network *n, const real *params, const struct network_batch *batch,
                     real *gradient)
{
    size_t rows = batch->rows;
    struct head_params head = head_params(n, params);
    struct head_gradients d = head_gradients(n, gradient);
    dense_backward(&n->layer[LAST], head.weight[LAST], rows, n->middle, n->output, n->d_output,
                   n->d_middle, d.weight[LAST], d.bias[LAST]);
    dense_backward(&n->layer[MIDDLE], head.weight[MIDDLE], rows, n->first, n->middle, n->d_middle,
                   n->d_first, d.weight[MIDDLE], d.bias[MIDDLE]);
    /* n->first is masked already: its ReLU is shut where dropout was, which is right. */
    multiply_by(rows * n->layer[FIRST].outputs, batch->dropout, n->d_first);
    dense_backward(&n->layer[FIRST], head.weight[FIRST], rows, n->input, n->first, n->d_first,
                   n->gru.hidden ? n->d_input : NULL, d.weight[FIRST], d.bias[FIRST]);
    if (!n->gru.hidden)
        return;
    scatter_states(n, batch);
    struct gru_params gru = gru_params(n, params);
    struct gru_gradients d_gru = gru_gradients(n, gradient);
    struct gru_sequences sequences = sequences_of(n, batch);
    gru_backward(&n->gru, &gru, &sequences, n->d_states, n->d_gates, NULL, &d_gru);
}

double network_loss(struct network *network, const real *params, const struct network_batch *batch,
                    real *gradient)
{
    assert(batch->sequences <= network->sequences && batch->steps <= network->steps &&
           batch->rows <= network->rows);
    forward(network, params, batch);
    struct loss_rows rows = {.rows = batch->rows,
                             .outputs = network->layer[LAST].outputs,
                             .prediction = network->output,
                             .target = batch->target,
                             .scale = batch->scale};
    double loss = loss_compute(batch->loss, &rows, gradient ? network->d_output : NULL);
    if (gradient)
        backward(network, params, batch, gradient);
    return loss;
}
