#include "nn/predictor.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"

const double predictor_levels[QUANTILES] = {.1, .5, .9};
const char *const predictor_base_names[PREDICTOR_BASES] = {
    [BASE_KERNEL] = "kernel", [BASE_NONE] = "none"};

/* What the last layer starts with, of PyTorch's bound: the untrained net is the base, not noise
 * around it. */
#define LAST_LAYER_START 0.1f

int predictor_check(const struct net_spec *spec, struct err *err)
{
    if (net_spec_check(spec, err))
        return -1;
    size_t outputs = predictor_outputs(spec);
    if (spec->inputs != STEP_INPUTS || spec->features < ROW_FEATURES ||
        spec->features > ROW_FEATURES + PANEL_FEATURES || (outputs != QUANTILES && outputs != 1))
        return err_set(err, ERR_SHAPE,
                       "%u inputs, %u features and %zu outputs; a predictor has %d, %d to %d and "
                       "%d or 1",
                       spec->inputs, spec->features, outputs, STEP_INPUTS, ROW_FEATURES,
                       ROW_FEATURES + PANEL_FEATURES, QUANTILES);
    return 0;
}

static void fill_uniform(struct random *random, float *values, size_t count, float bound)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(2 * random_uniform(random) - 1) * bound;
}

/* PyTorch's defaults: recurrent layers U(+-1/sqrt(H)); Linear U(+-1/sqrt(inputs)), weight (Kaiming,
 * a = sqrt 5) and bias alike. */
static void draw_params(struct predictor *predictor, uint64_t seed)
{
    const struct net_spec *spec = &predictor->spec;
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t tensors = net_tensors(spec, tensor);
    char last[sizeof tensor->name];
    struct random random;
    random_init(&random, seed, 0);
    snprintf(last, sizeof last, "head.%u.", spec->dense_layers - 1);
    float bound = 0;
    for (size_t i = 0; i < tensors; i++) {
        const struct net_tensor *t = &tensor[i];
        bool bias = strstr(t->name, ".bias"), is_last = strncmp(t->name, last, strlen(last)) == 0;
        if (strncmp(t->name, "rnn.", 4) == 0)
            bound = 1 / sqrtf((float)spec->recurrent[t->name[4] - '0'].width);
        else if (!bias) /* the bias behind it shares its bound */
            bound = 1 / sqrtf((float)t->columns);
        fill_uniform(&random, predictor->params + t->offset, (size_t)t->rows * t->columns,
                     !is_last ? bound
                     : bias   ? 0
                              : LAST_LAYER_START * bound);
    }
}

static void scaler_identity(const struct net_spec *spec, struct predictor_scaler *scaler)
{
    memset(scaler, 0, sizeof *scaler);
    for (int i = 0; i < STEP_INPUTS; i++)
        scaler->step_inverse_sd[i] = 1;
    for (size_t i = 0; i < predictor_start_features(spec); i++)
        scaler->start_inverse_sd[i] = 1;
    for (int i = 0; i < LIVE_FEATURES; i++)
        scaler->live_inverse_sd[i] = 1;
}

static struct predictor *predictor_alloc(const struct net_spec *spec, struct err *err)
{
    size_t count = net_params_count(spec);
    struct predictor *predictor = calloc(1, sizeof *predictor);
    float *params = calloc(count, sizeof *params);
    if (!predictor || !params) {
        free(predictor);
        free(params);
        err_set(err, ERR_MEMORY, "no memory for a predictor of %zu parameters", count);
        return NULL;
    }
    predictor->spec = *spec;
    predictor->params = params;
    predictor->params_count = count;
    return predictor;
}

struct predictor *predictor_new(const struct net_spec *spec, uint64_t seed, struct err *err)
{
    if (predictor_check(spec, err))
        return NULL;
    struct predictor *predictor = predictor_alloc(spec, err);
    if (!predictor)
        return NULL;
    scaler_identity(spec, &predictor->scaler);
    draw_params(predictor, seed);
    return predictor;
}

struct predictor *predictor_copy(const struct predictor *predictor, struct err *err)
{
    struct predictor *copy = predictor_alloc(&predictor->spec, err);
    if (!copy)
        return NULL;
    assert(copy->params_count == predictor->params_count);
    copy->base = predictor->base;
    copy->scaler = predictor->scaler;
    memcpy(copy->params, predictor->params, copy->params_count * sizeof *copy->params);
    return copy;
}

void predictor_free(struct predictor *predictor)
{
    if (!predictor)
        return;
    free(predictor->params);
    free(predictor);
}
