#include "bundle/torch_modules.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void torch_tensor_name(const struct torch_layer *layer, const char *part,
                       char out[TORCH_NAME_MAX + 16])
{
    if (layer->recurrent)
        snprintf(out, TORCH_NAME_MAX + 16, "%s%s_l%u", layer->module, part, layer->level);
    else
        snprintf(out, TORCH_NAME_MAX + 16, "%s%s", layer->module, part);
}

/* ---- names ---- */

/* Reads "weight_ih_l<k>" and its like behind the module. @return the part's length, 0: another name
 */
static size_t recurrent_part(const char *last, uint32_t *level, const char **rest)
{
    static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh",
                                        "weight_hr"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t length = strlen(parts[i]);
        char *end;
        if (strncmp(last, parts[i], length) != 0 || strncmp(last + length, "_l", 2) != 0 ||
            !isdigit((unsigned char)last[length + 2]))
            continue;
        unsigned long k = strtoul(last + length + 2, &end, 10);
        *level = k < NET_LAYERS_MAX ? (uint32_t)k : NET_LAYERS_MAX;
        *rest = end;
        return length;
    }
    return 0;
}

static int strange(const char *name, const char *prefix, struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "tensor %.80s%.80s is of no layer that can be imported (nn.GRU, nn.LSTM, "
                   "nn.Linear); --prefix takes a part of the names",
                   prefix, name);
}

/* The layer of that module and level, new at the end when it was not there; NULL: too many. */
static struct torch_layer *layer_of(struct torch_layer *list, uint32_t *count,
                                    const struct torch_layer *wanted)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (list[i].level == wanted->level && strcmp(list[i].module, wanted->module) == 0)
            return &list[i];
    }
    if (*count == NET_LAYERS_MAX)
        return NULL;
    list[*count] = *wanted;
    return &list[(*count)++];
}

static int check_recurrent_name(const char *name, const char *part, const char *rest,
                                uint32_t level, struct err *err)
{
    if (strcmp(rest, "_reverse") == 0)
        return err_set(err, ERR_INPUT,
                       "tensor %.160s: a bidirectional layer reads a session's future; only "
                       "layers that go forward can be imported",
                       name);
    if (strncmp(part, "weight_hr", 9) == 0)
        return err_set(err, ERR_INPUT,
                       "tensor %.160s: an LSTM with projections (proj_size) cannot be imported",
                       name);
    if (level >= NET_LAYERS_MAX)
        return err_set(err, ERR_SHAPE, "tensor %.160s: more than %d layers", name, NET_LAYERS_MAX);
    return 0;
}

/* Puts one tensor to its layer. */
static int place(const struct safetensor *tensor, const char *prefix, struct torch_modules *out,
                 struct err *err)
{
    const char *name = tensor->name + strlen(prefix), *rest = "";
    const char *dot = strrchr(name, '.'), *part = dot ? dot + 1 : name;
    struct torch_layer wanted = {0}, *layer;
    if (strlen(tensor->name) >= TORCH_NAME_MAX)
        return err_set(err, ERR_INPUT, "tensor %.80s...: its name is too long", tensor->name);
    size_t length = recurrent_part(part, &wanted.level, &rest);
    wanted.recurrent = length > 0;
    if (!length)
        length = strlen(part);
    else if (check_recurrent_name(tensor->name, part, rest, wanted.level, err))
        return -1;
    bool weight = strncmp(part, "weight", 6) == 0, bias = strncmp(part, "bias", 4) == 0;
    if (*rest || (!wanted.recurrent && strcmp(part, "weight") != 0 && strcmp(part, "bias") != 0))
        return strange(name, prefix, err);
    snprintf(wanted.module, sizeof wanted.module, "%.*s", (int)(part - tensor->name), tensor->name);
    if (wanted.recurrent)
        layer = layer_of(out->recurrent, &out->recurrent_count, &wanted);
    else
        layer = layer_of(out->dense, &out->dense_count, &wanted);
    if (!layer)
        return err_set(err, ERR_SHAPE, "tensor %.160s: more than %d %s layers", tensor->name,
                       NET_LAYERS_MAX, wanted.recurrent ? "recurrent" : "dense");
    layer->bias |= bias;
    if (weight && length == strlen("weight_hh") && strncmp(part, "weight_hh", length) == 0)
        layer->weight_hh = tensor;
    else if (weight)
        layer->weight = tensor;
    return 0;
}

/* ---- shapes ---- */

static int need_matrix(const struct torch_layer *layer, const char *part,
                       const struct safetensor *tensor, struct err *err)
{
    char name[TORCH_NAME_MAX + 16];
    torch_tensor_name(layer, part, name);
    if (!tensor)
        return err_set(err, ERR_SHAPE, "tensor %.160s is missing", name);
    if (tensor->rank != 2)
        return err_set(err, ERR_SHAPE,
                       "tensor %.160s: a matrix (outputs, inputs) expected, %u dimensions found",
                       name, tensor->rank);
    for (int i = 0; i < 2; i++) {
        if (tensor->shape[i] < 1 || tensor->shape[i] > 4 * NET_WIDTH_MAX)
            return err_set(err, ERR_SHAPE, "tensor %.160s: a width of %llu, it may be 1 to %d",
                           name, (unsigned long long)tensor->shape[i], NET_WIDTH_MAX);
    }
    return 0;
}

static int measure(struct torch_layer *layer, struct err *err)
{
    char name[TORCH_NAME_MAX + 16];
    if (need_matrix(layer, layer->recurrent ? "weight_ih" : "weight", layer->weight, err))
        return -1;
    layer->inputs = (uint32_t)layer->weight->shape[1];
    layer->width = (uint32_t)layer->weight->shape[0];
    if (!layer->recurrent)
        return 0;
    if (need_matrix(layer, "weight_hh", layer->weight_hh, err))
        return -1;
    uint64_t rows = layer->weight_hh->shape[0], width = layer->weight_hh->shape[1];
    layer->width = (uint32_t)width;
    layer->cell = rows == 3 * width ? CELL_GRU : CELL_LSTM;
    torch_tensor_name(layer, "weight_hh", name);
    if (rows != 3 * width && rows != 4 * width)
        return err_set(err, ERR_SHAPE,
                       "tensor %.160s: shape (%llu, %llu) of a GRU or (%llu, %llu) of an LSTM "
                       "expected, (%llu, %llu) found",
                       name, (unsigned long long)(3 * width), (unsigned long long)width,
                       (unsigned long long)(4 * width), (unsigned long long)width,
                       (unsigned long long)rows, (unsigned long long)width);
    return 0;
}

/* ---- order ---- */

/* By name, digits by their value: head.10 comes behind head.9. */
static int by_name(const void *left, const void *right)
{
    const struct torch_layer *a = left, *b = right;
    const char *x = a->module, *y = b->module;
    while (*x && *y) {
        if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
            char *end_x, *end_y;
            unsigned long long m = strtoull(x, &end_x, 10), n = strtoull(y, &end_y, 10);
            if (m != n)
                return m < n ? -1 : 1;
            x = end_x;
            y = end_y;
        } else if (*x != *y) {
            return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
        } else {
            x++;
            y++;
        }
    }
    if (*x || *y)
        return *x ? 1 : -1;
    return a->level < b->level ? -1 : a->level > b->level;
}

/* A layer above the first of its module comes right behind the one below it. */
static bool may_follow(const struct torch_layer *before, const struct torch_layer *layer)
{
    if (before && before->width != layer->inputs)
        return false;
    if (layer->level == 0)
        return true;
    return before && before->level + 1 == layer->level &&
           strcmp(before->module, layer->module) == 0;
}

/* Orders list[done..] so that each fits what is before it; the first such order by name. Some eight
 * layers: trying is cheap. */
static bool chain(struct torch_layer *list, uint32_t done, uint32_t count, uint32_t at_least)
{
    if (done == count)
        return true;
    for (uint32_t i = done; i < count; i++) {
        struct torch_layer chosen = list[i];
        bool fits = done ? may_follow(&list[done - 1], &chosen)
                         : may_follow(NULL, &chosen) && chosen.inputs >= at_least;
        if (!fits)
            continue;
        memmove(list + done + 1, list + done, (i - done) * sizeof *list);
        list[done] = chosen;
        if (chain(list, done + 1, count, at_least))
            return true;
        memmove(list + done, list + done + 1, (i - done) * sizeof *list);
        list[i] = chosen;
    }
    return false;
}

/* Says where the order by name breaks. */
static int no_chain(const struct torch_layer *list, uint32_t count, uint32_t at_least,
                    struct err *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct torch_layer *before = i ? &list[i - 1] : NULL;
        char name[TORCH_NAME_MAX + 16];
        torch_tensor_name(&list[i], list[i].recurrent ? "weight_ih" : "weight", name);
        if (!before && list[i].level == 0 && list[i].inputs < at_least)
            return err_set(err, ERR_SHAPE,
                           "tensor %.160s: at least %u columns expected (the width of the last "
                           "recurrent layer), %u found",
                           name, at_least, list[i].inputs);
        if (before && before->width != list[i].inputs)
            return err_set(err, ERR_SHAPE,
                           "tensor %.160s: %u columns expected (what %.80s gives), %u found", name,
                           before->width, before->module, list[i].inputs);
        if (!may_follow(before, &list[i]))
            return err_set(err, ERR_SHAPE, "tensor %.160s: the layer below it is missing", name);
    }
    return err_set(err, ERR_SHAPE, "the widths of the layers fit in no order");
}

static int order(struct torch_layer *list, uint32_t count, uint32_t at_least, struct err *err)
{
    qsort(list, count, sizeof *list, by_name);
    return chain(list, 0, count, at_least) ? 0 : no_chain(list, count, at_least, err);
}

int torch_modules_find(const struct safetensors *file, const char *prefix,
                       struct torch_modules *out, struct err *err)
{
    size_t length = strlen(prefix);
    *out = (struct torch_modules){0};
    for (size_t i = 0; i < file->count; i++) {
        if (strncmp(file->tensor[i].name, prefix, length) == 0 &&
            place(&file->tensor[i], prefix, out, err))
            return -1;
    }
    for (uint32_t i = 0; i < out->recurrent_count; i++)
        if (measure(&out->recurrent[i], err))
            return -1;
    for (uint32_t i = 0; i < out->dense_count; i++)
        if (measure(&out->dense[i], err))
            return -1;
    if (!out->dense_count)
        return err_set(err, ERR_SHAPE,
                       "no nn.Linear among the tensors that begin with \"%.80s\": a network needs "
                       "a head",
                       prefix);
    if (order(out->recurrent, out->recurrent_count, 0, err))
        return -1;
    uint32_t last = out->recurrent_count ? out->recurrent[out->recurrent_count - 1].width : 0;
    return order(out->dense, out->dense_count, last, err);
}
