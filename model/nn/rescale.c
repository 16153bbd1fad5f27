#include "nn/rescale.h"

#include <string.h>

/* Columns from..from + count of a weight matrix read inputs (x - mean) * inverse_sd. */
struct inputs {
    const struct net_tensor *weight, *bias;
    uint32_t from, count;
    const float *old_mean, *old_inverse_sd, *mean, *inverse_sd;
};

static const struct net_tensor *find(const struct net_tensor *tensor, size_t count,
                                     const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(tensor[i].name, name) == 0)
            return &tensor[i];
    return NULL;
}

static void rescale(float *params, const struct inputs *in)
{
    for (uint32_t r = 0; r < in->weight->rows; r++) {
        float *row = params + in->weight->offset + (size_t)r * in->weight->columns + in->from;
        double shift = 0;
        for (uint32_t j = 0; j < in->count; j++) {
            double weight = (double)row[j], old_inverse = (double)in->old_inverse_sd[j];
            shift += weight * ((double)in->mean[j] - (double)in->old_mean[j]) * old_inverse;
            row[j] = (float)(weight * old_inverse / (double)in->inverse_sd[j]);
        }
        params[in->bias->offset + r] = (float)((double)params[in->bias->offset + r] + shift);
    }
}

int predictor_rescale(struct predictor *predictor, const struct predictor_scaler *to,
                      struct err *err)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    const struct net_spec *spec = &predictor->spec;
    const struct predictor_scaler old = predictor->scaler;
    const size_t tensors = net_tensors(spec, tensor);
    const uint32_t state = (uint32_t)net_output_width(spec);
    const uint32_t starts = (uint32_t)predictor_start_features(spec);
    const struct net_tensor *head = find(tensor, tensors, "head.0.weight");
    const struct net_tensor *head_bias = find(tensor, tensors, "head.0.bias");
    const struct net_tensor *rnn = find(tensor, tensors, "rnn.0.weight_ih");
    const struct net_tensor *rnn_bias = find(tensor, tensors, "rnn.0.bias_ih");
    if (!head_bias || (rnn && !rnn_bias))
        return err_set(err, ERR_SHAPE, "a net without biases cannot change its standardisation");
    const struct inputs all[] = {
        {head, head_bias, state, starts, old.start_mean, old.start_inverse_sd, to->start_mean,
         to->start_inverse_sd},
        {head, head_bias, state + starts, LIVE_FEATURES, old.live_mean, old.live_inverse_sd,
         to->live_mean, to->live_inverse_sd},
        {rnn, rnn_bias, 0, STEP_INPUTS, old.step_mean, old.step_inverse_sd, to->step_mean,
         to->step_inverse_sd},
    };
    for (size_t i = 0; i < (rnn ? 3 : 2); i++)
        rescale(predictor->params, &all[i]);
    predictor->scaler = *to;
    return 0;
}
