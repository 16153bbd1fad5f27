#include "nn/predictor.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nn/random.h"

const double predictor_levels[QUANTILES] = {.1, .5, .9};

/* Wide enough for any net that could serve, small enough that no product of them overflows. */
#define WIDTH_MAX 4096u

/* What the last layer starts with, of PyTorch's bound: the untrained net is the base, not noise
 * around it. */
#define LAST_LAYER_START 0.1f

static size_t tensor_add(struct predictor_tensor *out, size_t count, const char *name, size_t rows,
                         size_t columns)
{
    size_t offset = 0;
    if (count)
        offset = out[count - 1].offset + (size_t)out[count - 1].rows * out[count - 1].columns;
    out[count] = (struct predictor_tensor){
        .name = name, .rows = (uint32_t)rows, .columns = (uint32_t)columns, .offset = offset};
    return count + 1;
}

size_t predictor_tensors(const struct predictor_shape *shape,
                         struct predictor_tensor out[PREDICTOR_TENSORS_MAX])
{
    size_t h = shape->hidden, d = shape->dense, n = 0;
    if (h) {
        n = tensor_add(out, n, "gru.weight_ih", 3 * h, STEP_INPUTS);
        n = tensor_add(out, n, "gru.weight_hh", 3 * h, h);
        n = tensor_add(out, n, "gru.bias_ih", 3 * h, 1);
        n = tensor_add(out, n, "gru.bias_hh", 3 * h, 1);
    }
    n = tensor_add(out, n, "head.0.weight", d, h + START_FEATURES + LIVE_FEATURES);
    n = tensor_add(out, n, "head.0.bias", d, 1);
    n = tensor_add(out, n, "head.1.weight", d, d);
    n = tensor_add(out, n, "head.1.bias", d, 1);
    n = tensor_add(out, n, "head.2.weight", QUANTILES, d);
    return tensor_add(out, n, "head.2.bias", QUANTILES, 1);
}

static void fill_uniform(struct random *random, float *values, size_t count, float bound)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(2 * random_uniform(random) - 1) * bound;
}

/* PyTorch's defaults: GRU U(+-1/sqrt(H)); Linear U(+-1/sqrt(inputs)), weight (Kaiming, a = sqrt 5)
 * and bias alike. */
static void draw_params(struct predictor *predictor, uint64_t seed)
{
    struct predictor_tensor tensor[PREDICTOR_TENSORS_MAX];
    size_t tensors = predictor_tensors(&predictor->shape, tensor);
    struct random random;
    random_init(&random, seed, 0);
    float bound = 0;
    for (size_t i = 0; i < tensors; i++) {
        bool gru = strncmp(tensor[i].name, "gru.", 4) == 0;
        if (gru)
            bound = 1 / sqrtf((float)predictor->shape.hidden);
        else if (i % 2 == 0) /* a weight; the bias behind it shares its bound */
            bound = 1 / sqrtf((float)tensor[i].columns);
        bool last_weight = i + 2 == tensors, last_bias = i + 1 == tensors;
        fill_uniform(&random, predictor->params + tensor[i].offset,
                     (size_t)tensor[i].rows * tensor[i].columns,
                     last_bias     ? 0
                     : last_weight ? LAST_LAYER_START * bound
                                   : bound);
    }
}

static void scaler_identity(struct predictor_scaler *scaler)
{
    memset(scaler, 0, sizeof *scaler);
    for (int i = 0; i < STEP_INPUTS; i++)
        scaler->step_inverse_sd[i] = 1;
    for (int i = 0; i < START_FEATURES; i++)
        scaler->start_inverse_sd[i] = 1;
    for (int i = 0; i < LIVE_FEATURES; i++)
        scaler->live_inverse_sd[i] = 1;
}

static struct predictor *predictor_alloc(const struct predictor_shape *shape, struct err *err)
{
    struct predictor_tensor tensor[PREDICTOR_TENSORS_MAX];
    size_t tensors = predictor_tensors(shape, tensor);
    size_t count = tensor[tensors - 1].offset + tensor[tensors - 1].rows;
    struct predictor *predictor = calloc(1, sizeof *predictor);
    float *params = calloc(count, sizeof *params);
    if (!predictor || !params) {
        free(predictor);
        free(params);
        err_set(err, ERR_MEMORY, "no memory for a predictor of %zu parameters", count);
        return NULL;
    }
    predictor->shape = *shape;
    predictor->params = params;
    predictor->params_count = count;
    return predictor;
}

struct predictor *predictor_new(const struct predictor_shape *shape, uint64_t seed, struct err *err)
{
    if (shape->hidden > WIDTH_MAX || shape->dense < 1 || shape->dense > WIDTH_MAX) {
        err_set(err, ERR_SHAPE,
                "a predictor of hidden %u and dense %u cannot be: hidden is 0 .. %u, dense 1 .. %u",
                shape->hidden, shape->dense, WIDTH_MAX, WIDTH_MAX);
        return NULL;
    }
    struct predictor *predictor = predictor_alloc(shape, err);
    if (!predictor)
        return NULL;
    scaler_identity(&predictor->scaler);
    draw_params(predictor, seed);
    return predictor;
}

struct predictor *predictor_copy(const struct predictor *predictor, struct err *err)
{
    struct predictor *copy = predictor_alloc(&predictor->shape, err);
    if (!copy)
        return NULL;
    assert(copy->params_count == predictor->params_count);
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
