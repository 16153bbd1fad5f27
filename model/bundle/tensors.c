#include "bundle/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/safetensors.h"

/* PyTorch and Keras order a GRU's gates differently, and before or after, sigmoid or hard sigmoid
 * are other formulas in weights of the same shapes: so a file says which it is. */
#define CONVENTIONS 3
struct conventions {
    char net[NET_TEXT_MAX], head[NET_TEXT_MAX];
    struct safetensors_pair pair[CONVENTIONS];
};

static void conventions_of(const struct net_spec *spec, struct conventions *out)
{
    net_spec_print(spec, out->net, out->head);
    out->pair[0] = (struct safetensors_pair){"format", "outro"};
    out->pair[1] = (struct safetensors_pair){"net", out->net};
    out->pair[2] = (struct safetensors_pair){"head", out->head};
}

/* Biases are vectors in the file: one column is not enough to tell them from a matrix of one. */
static uint32_t rank_of(const struct net_tensor *tensor)
{
    return strstr(tensor->name, "bias") ? 1 : 2;
}

static int check_finite(const char *name, const float *values, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return err_set(err, ERR_CHECK, "tensor %s: value %zu is %s", name, i,
                           isnan(values[i]) ? "not a number" : "infinite");
    }
    return 0;
}

int tensors_encode(const struct predictor *net, unsigned char **bytes, size_t *size,
                   struct err *err)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    struct safetensors_source source[NET_TENSORS_MAX];
    struct conventions metadata;
    size_t count = net_tensors(&net->spec, tensor);
    for (size_t i = 0; i < count; i++) {
        const struct net_tensor *t = &tensor[i];
        source[i] = (struct safetensors_source){
            .name = t->name,
            .rows = t->rows,
            .columns = rank_of(t) == 1 ? 0 : t->columns,
            .values = net->params + t->offset,
        };
        if (check_finite(t->name, source[i].values, (size_t)t->rows * t->columns, err))
            return -1;
    }
    conventions_of(&net->spec, &metadata);
    return safetensors_encode(source, count, metadata.pair, CONVENTIONS, bytes, size, err);
}

static int check_conventions(const struct safetensors *file, const struct net_spec *spec,
                             struct err *err)
{
    struct conventions wanted;
    conventions_of(spec, &wanted);
    for (size_t i = 0; i < CONVENTIONS; i++) {
        const struct safetensors_pair *pair = &wanted.pair[i];
        const char *value = safetensors_metadata(file, pair->key);
        if (!value || strcmp(value, pair->value) != 0)
            return err_set(err, ERR_INPUT, "__metadata__.%s is \"%.40s\", not \"%.80s\"", pair->key,
                           value ? value : "", pair->value);
    }
    return 0;
}

static int take_tensor(const struct safetensors *file, const struct net_tensor *wanted, float *to,
                       struct err *err)
{
    const struct safetensor *found = safetensors_find(file, wanted->name);
    if (!found)
        return err_set(err, ERR_SHAPE, "tensor %s is missing", wanted->name);
    if (found->dtype != DTYPE_F32)
        return err_set(err, ERR_SHAPE, "tensor %s: dtype %s, not F32", wanted->name,
                       tensor_dtype_name(found->dtype));
    if (found->rank != rank_of(wanted) || found->shape[0] != wanted->rows ||
        (found->rank == 2 && found->shape[1] != wanted->columns))
        return err_set(
            err, ERR_SHAPE, "tensor %s: %zu values in %u dimensions, not of shape (%u, %u)",
            wanted->name, safetensor_values(found), found->rank, wanted->rows, wanted->columns);
    safetensor_read_f32(file, found, to);
    return check_finite(wanted->name, to, safetensor_values(found), err);
}

static int take_all(const struct safetensors *file, struct predictor *net, struct err *err)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t count = net_tensors(&net->spec, tensor);
    if (check_conventions(file, &net->spec, err))
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (take_tensor(file, &tensor[i], net->params + tensor[i].offset, err))
            return -1;
    }
    for (size_t i = 0; i < file->count; i++) {
        bool known = false;
        for (size_t k = 0; k < count; k++)
            known |= strcmp(file->tensor[i].name, tensor[k].name) == 0;
        if (!known)
            return err_set(err, ERR_SHAPE, "tensor %.80s does not belong to this net",
                           file->tensor[i].name);
    }
    return 0;
}

struct predictor *tensors_decode(const void *bytes, size_t size, const struct net_spec *spec,
                                 struct err *err)
{
    struct safetensors file;
    struct predictor *net = NULL;
    if (safetensors_parse(bytes, size, &file, err))
        return NULL;
    net = predictor_new(spec, 0, err);
    if (net && take_all(&file, net, err)) {
        predictor_free(net);
        net = NULL;
    }
    safetensors_release(&file);
    return net;
}
