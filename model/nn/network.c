#include "nn/network.h"

#include <stdlib.h>

struct network {
    struct net *net;
    size_t outputs;
    real *output, *d_output; /* (rows,O), one block */
};

struct network *network_new(const struct net_spec *spec, size_t sequences, size_t steps,
                            size_t rows, struct err *err)
{
    struct network *n = calloc(1, sizeof *n);
    if (!n)
        goto fail;
    n->outputs = predictor_outputs(spec);
    n->output = calloc(2 * rows * n->outputs + 1, sizeof *n->output);
    if (!n->output)
        goto fail;
    n->d_output = n->output + rows * n->outputs;
    n->net = net_new(spec, sequences, steps, rows, err);
    if (n->net)
        return n;
    network_free(n);
    return NULL;
fail:
    free(n);
    err_set(err, ERR_MEMORY, "no memory for the outputs of %zu rows", rows);
    return NULL;
}

void network_free(struct network *network)
{
    if (!network)
        return;
    net_free(network->net);
    free(network->output);
    free(network);
}

double network_loss(struct network *network, const real *params, const struct network_batch *batch,
                    real *gradient)
{
    struct net_batch net = {.steps = batch->steps,
                            .sequences = batch->sequences,
                            .x = batch->x,
                            .rows = batch->rows,
                            .at = batch->state,
                            .features = batch->features,
                            .masks = batch->masks};
    const real *correction = net_forward(network->net, params, &net);
    for (size_t i = 0; i < batch->rows * network->outputs; i++)
        network->output[i] = correction[i] + (batch->base ? batch->base[i] : 0);
    struct loss_rows rows = {.rows = batch->rows,
                             .outputs = network->outputs,
                             .prediction = network->output,
                             .target = batch->target,
                             .scale = batch->scale};
    double loss = loss_compute(batch->loss, &rows, gradient ? network->d_output : NULL);
    if (gradient)
        net_backward(network->net, params, &net, network->d_output, gradient);
    return loss;
}
