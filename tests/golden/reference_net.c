#include "reference_net.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double *find(const struct net_spec *spec, const double *params, const char *kind,
                          size_t k, const char *part)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    char name[32];
    size_t count = net_tensors(spec, tensor);
    snprintf(name, sizeof name, "%s.%zu.%s", kind, k, part);
    for (size_t i = 0; i < count; i++)
        if (strcmp(tensor[i].name, name) == 0)
            return params + tensor[i].offset;
    return NULL;
}

/* b_row + w_row x */
static double row(const double *weight, const double *bias, size_t r, size_t inputs,
                  const double *x)
{
    double sum = bias ? bias[r] : 0;
    assert(weight);
    for (size_t i = 0; i < inputs; i++)
        sum += weight[r * inputs + i] * x[i];
    return sum;
}

static double gate(enum gate_function function, double x)
{
    if (function == GATE_SIGMOID)
        return 1 / (1 + exp(-x));
    return fmin(fmax(x / (function == GATE_HARD_FIFTH ? 5 : 6) + .5, 0), 1);
}

struct cell {
    const struct recurrent_spec *spec;
    const double *w, *u, *b, *v; /* of x and h, their biases or NULL */
    size_t inputs;
};

static double sum_x(const struct cell *c, size_t g, size_t k, const double *x)
{
    return row(c->w, c->b, g * c->spec->width + k, c->inputs, x);
}

static double sum_h(const struct cell *c, size_t g, size_t k, const double *h)
{
    return row(c->u, c->v, g * c->spec->width + k, c->spec->width, h);
}

/* @param state h, replaced */
static void gru(const struct cell *c, const double *x, double *state)
{
    size_t width = c->spec->width;
    double h[NET_WIDTH_MAX], reset[NET_WIDTH_MAX], rh[NET_WIDTH_MAX];
    memcpy(h, state, width * sizeof *h);
    for (size_t k = 0; k < width; k++) {
        reset[k] = gate(c->spec->gate, sum_x(c, 0, k, x) + sum_h(c, 0, k, h));
        rh[k] = reset[k] * h[k];
    }
    for (size_t k = 0; k < width; k++) {
        double z = gate(c->spec->gate, sum_x(c, 1, k, x) + sum_h(c, 1, k, h));
        double of_h = c->spec->cell == CELL_GRU ? reset[k] * sum_h(c, 2, k, h) : sum_h(c, 2, k, rh);
        state[k] = z * h[k] + (1 - z) * tanh(sum_x(c, 2, k, x) + of_h);
    }
}

/* @param state h then c, replaced */
static void lstm(const struct cell *c, const double *x, double *state)
{
    size_t width = c->spec->width;
    double h[NET_WIDTH_MAX], *carry = state + width;
    memcpy(h, state, width * sizeof *h);
    for (size_t k = 0; k < width; k++) {
        double sum[4];
        for (size_t g = 0; g < 4; g++)
            sum[g] = sum_x(c, g, k, x) + sum_h(c, g, k, h);
        carry[k] =
            gate(c->spec->gate, sum[1]) * carry[k] + gate(c->spec->gate, sum[0]) * tanh(sum[2]);
        state[k] = gate(c->spec->gate, sum[3]) * tanh(carry[k]);
    }
}

static void head(const struct net_spec *spec, const double *params, const double *h,
                 double *outputs)
{
    double from[NET_WIDTH_MAX], to[NET_WIDTH_MAX];
    size_t inputs = spec->recurrent[spec->recurrent_layers - 1].width;
    memcpy(from, h, inputs * sizeof *from);
    for (size_t k = 0; k < spec->dense_layers; k++) {
        const double *weight = find(spec, params, "head", k, "weight");
        const double *bias = find(spec, params, "head", k, "bias");
        for (size_t o = 0; o < spec->dense[k].width; o++) {
            double y = row(weight, bias, o, inputs, from);
            to[o] = spec->dense[k].activation == DENSE_RELU   ? fmax(y, 0)
                    : spec->dense[k].activation == DENSE_TANH ? tanh(y)
                                                              : y;
        }
        inputs = spec->dense[k].width;
        memcpy(from, to, inputs * sizeof *from);
    }
    memcpy(outputs, from, inputs * sizeof *outputs);
}

void reference_outputs(const struct net_spec *spec, const double *params, size_t steps,
                       const double *x, const bool *skip, double *outputs)
{
    double *state = calloc(net_state_width(spec) + 1, sizeof *state);
    assert(state && spec->recurrent_layers && !spec->features);
    for (size_t t = 0; t < steps; t++) {
        const double *input = x + t * spec->inputs;
        double *at = state;
        size_t inputs = spec->inputs;
        for (size_t k = 0; !(skip && skip[t]) && k < spec->recurrent_layers; k++) {
            const struct recurrent_spec *layer = &spec->recurrent[k];
            struct cell cell = {layer,
                                find(spec, params, "rnn", k, "weight_ih"),
                                find(spec, params, "rnn", k, "weight_hh"),
                                find(spec, params, "rnn", k, "bias_ih"),
                                find(spec, params, "rnn", k, "bias_hh"),
                                inputs};
            if (layer->cell == CELL_LSTM)
                lstm(&cell, input, at);
            else
                gru(&cell, input, at);
            input = at;
            inputs = layer->width;
            at += (layer->cell == CELL_LSTM ? 2 : 1) * (size_t)layer->width;
        }
    }
    head(spec, params, state + net_state_output(spec), outputs);
    free(state);
}
