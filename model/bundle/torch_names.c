#include "bundle/torch_names.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/torch_modules.h"

#define FORMAT "pt" /* what PyTorch's own files say */

/* ---- reading ---- */

/* The network as the shapes say it: sigmoid gates, linear layers. */
static void spec_of_shapes(const struct torch_modules *modules, struct net_spec *spec)
{
    *spec = (struct net_spec){.recurrent_layers = modules->recurrent_count,
                              .dense_layers = modules->dense_count};
    for (uint32_t i = 0; i < modules->recurrent_count; i++) {
        const struct torch_layer *layer = &modules->recurrent[i];
        spec->recurrent[i] = (struct recurrent_spec){
            .cell = layer->cell,
            .bias = layer->bias ? BIAS_TWO : BIAS_NONE,
            .width = layer->width,
        };
    }
    for (uint32_t i = 0; i < modules->dense_count; i++)
        spec->dense[i] =
            (struct dense_spec){.bias = modules->dense[i].bias, .width = modules->dense[i].width};
    spec->features = modules->dense[0].inputs;
    if (modules->recurrent_count) {
        spec->inputs = modules->recurrent[0].inputs;
        spec->features -= modules->recurrent[modules->recurrent_count - 1].width;
    }
}

/* Takes what shapes cannot say from the lines that describe the head. */
static int adopt_head(const struct net_spec *said, const char *who, struct net_spec *spec,
                      struct err *err)
{
    if (said->dense_layers != spec->dense_layers)
        return err_set(err, ERR_SHAPE, "%s has %u layers, the file %u", who, said->dense_layers,
                       spec->dense_layers);
    for (uint32_t i = 0; i < spec->dense_layers; i++) {
        if (said->dense[i].width != spec->dense[i].width ||
            said->dense[i].bias != spec->dense[i].bias)
            return err_set(err, ERR_SHAPE, "%s: layer %u is %u wide %s biases, in the file %u %s",
                           who, i, said->dense[i].width, said->dense[i].bias ? "with" : "without",
                           spec->dense[i].width, spec->dense[i].bias ? "with" : "without");
        spec->dense[i] = said->dense[i];
    }
    return 0;
}

/* An LSTM with one bias was written with a second one of zeros, which PyTorch asks for. */
static int adopt_net(const struct net_spec *said, struct net_spec *spec, struct err *err)
{
    bool fits = said->recurrent_layers == spec->recurrent_layers && said->inputs == spec->inputs &&
                said->features == spec->features;
    for (uint32_t i = 0; fits && i < spec->recurrent_layers; i++)
        fits = said->recurrent[i].width == spec->recurrent[i].width &&
               said->recurrent[i].cell == spec->recurrent[i].cell &&
               said->recurrent[i].gate == GATE_SIGMOID &&
               (said->recurrent[i].bias == BIAS_NONE) == (spec->recurrent[i].bias == BIAS_NONE);
    if (!fits)
        return err_set(err, ERR_SHAPE,
                       "__metadata__.net, inputs and features describe another network than the "
                       "tensors");
    memcpy(spec->recurrent, said->recurrent, sizeof spec->recurrent);
    return adopt_head(said, "__metadata__.head", spec, err);
}

static int describe(const struct safetensors *file, const struct torch_modules *modules,
                    const char *head, struct net_file *out, struct err *err)
{
    struct net_spec *spec = &out->spec, said = {0};
    bool described = safetensors_metadata(file, "net") != NULL;
    snprintf(out->source, sizeof out->source, "PyTorch");
    if (described) {
        if (net_file_described(file, out, err))
            return -1;
        said = *spec;
    }
    spec_of_shapes(modules, spec);
    if (described && adopt_net(&said, spec, err))
        return -1;
    if (head) {
        said = (struct net_spec){0};
        if (net_spec_parse("none", head, &said, err))
            return -1;
        return adopt_head(&said, "head", spec, err);
    }
    if (spec->dense_layers > 1 && !described)
        return err_set(err, ERR_INPUT,
                       "%u nn.Linear layers: a state dict does not say what is between them; say "
                       "it by --head, as in --head \"%u relu, ... %u\"",
                       spec->dense_layers, spec->dense[0].width,
                       spec->dense[spec->dense_layers - 1].width);
    return 0;
}

/* The second bias of a layer that has one: it has to be the zeros that were written. */
static int check_zeros(const struct safetensors *file, const char *name, size_t count,
                       struct err *err)
{
    double *values = calloc(count, sizeof *values);
    if (!values)
        return err_set(err, ERR_MEMORY, "tensor %.80s: out of memory", name);
    int result = net_file_take(file, name, count, 0, values, err);
    for (size_t i = 0; result == 0 && i < count; i++) {
        if (values[i] != 0)
            result = err_set(err, ERR_SHAPE,
                             "tensor %.160s: zeros expected, for __metadata__.net has one bias; "
                             "value %zu is %g",
                             name, i, values[i]);
    }
    free(values);
    return result;
}

/* Layers of the network and their parts, in the order of net_tensors(). */
static const struct torch_layer *layer_named(const struct torch_modules *modules,
                                             const char *tensor, const char **part)
{
    char *end;
    bool head = strncmp(tensor, "head.", 5) == 0;
    unsigned long k = strtoul(strchr(tensor, '.') + 1, &end, 10);
    *part = end + 1;
    return head ? &modules->dense[k] : &modules->recurrent[k];
}

static int take_all(const struct safetensors *file, const struct torch_modules *modules,
                    struct net_file *out, struct err *err)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    char name[TORCH_NAME_MAX + 16];
    const char *part;
    size_t count = net_tensors(&out->spec, tensor);
    for (size_t i = 0; i < count; i++) {
        const struct torch_layer *layer = layer_named(modules, tensor[i].name, &part);
        size_t columns = strncmp(part, "bias", 4) == 0 ? 0 : tensor[i].columns;
        torch_tensor_name(layer, part, name);
        if (net_file_take(file, name, tensor[i].rows, columns, out->params + tensor[i].offset, err))
            return -1;
    }
    for (uint32_t i = 0; i < out->spec.recurrent_layers; i++) {
        const struct torch_layer *layer = &modules->recurrent[i];
        torch_tensor_name(layer, "bias_hh", name);
        if (out->spec.recurrent[i].bias == BIAS_ONE &&
            check_zeros(file, name, (size_t)layer->weight->shape[0], err))
            return -1;
    }
    return 0;
}

static int decode(const struct safetensors *file, const char *prefix, const char *head,
                  struct net_file *out, struct err *err)
{
    struct torch_modules modules;
    if (torch_modules_find(file, prefix, &modules, err) ||
        describe(file, &modules, head, out, err) || net_file_init(out, err))
        return -1;
    return take_all(file, &modules, out, err);
}

int torch_decode(const void *bytes, size_t size, const char *prefix, const char *head,
                 struct net_file *out, struct err *err)
{
    struct safetensors file;
    struct net_file net = {0};
    if (safetensors_parse(bytes, size, &file, err))
        return -1;
    int result = decode(&file, prefix, head, &net, err);
    safetensors_release(&file);
    if (result)
        net_file_release(&net);
    else
        *out = net;
    return result;
}

/* ---- writing ---- */

static int check_cells(const struct net_spec *spec, struct err *err)
{
    for (uint32_t i = 0; i < spec->recurrent_layers; i++) {
        const struct recurrent_spec *layer = &spec->recurrent[i];
        if (layer->cell == CELL_GRU_BEFORE)
            return err_set(err, ERR_SHAPE,
                           "recurrent layer %u is gru-before: PyTorch's GRU resets after the "
                           "product; --safetensors keeps it",
                           i);
        if (layer->gate != GATE_SIGMOID)
            return err_set(err, ERR_SHAPE,
                           "recurrent layer %u has hard_sigmoid gates, PyTorch's cells have none; "
                           "--safetensors keeps them",
                           i);
    }
    return 0;
}

struct names {
    char text[NET_TENSORS_MAX + NET_LAYERS_MAX][32];
};

/* @param zeros as many as the largest bias  @return how many sources */
static size_t list_sources(const struct net_file *file, const double *zeros, struct names *names,
                           struct safetensors_source *source)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t count = net_tensors(&file->spec, tensor), used = 0;
    for (size_t i = 0; i < count; i++) {
        bool bias = strstr(tensor[i].name, "bias") != NULL;
        bool recurrent = strncmp(tensor[i].name, "rnn.", 4) == 0;
        snprintf(names->text[used], sizeof names->text[used], "%.23s%s", tensor[i].name,
                 recurrent ? "_l0" : "");
        source[used] = (struct safetensors_source){
            .name = names->text[used],
            .rows = tensor[i].rows,
            .columns = bias ? 0 : tensor[i].columns,
            .values_f64 = file->params + tensor[i].offset,
        };
        used++;
        if (!recurrent || !strstr(tensor[i].name, "bias_ih"))
            continue;
        unsigned long k = strtoul(tensor[i].name + 4, NULL, 10);
        if (file->spec.recurrent[k].bias != BIAS_ONE)
            continue;
        snprintf(names->text[used], sizeof names->text[used], "rnn.%lu.bias_hh_l0", k);
        source[used] = source[used - 1];
        source[used].name = names->text[used];
        source[used].values_f64 = zeros;
        used++;
    }
    return used;
}

int torch_encode(const struct net_file *file, unsigned char **bytes, size_t *size, struct err *err)
{
    struct safetensors_source source[NET_TENSORS_MAX + NET_LAYERS_MAX];
    struct names names;
    if (check_cells(&file->spec, err))
        return -1;
    double *zeros = calloc(4 * NET_WIDTH_MAX, sizeof *zeros);
    if (!zeros)
        return err_set(err, ERR_MEMORY, "out of memory for the names of PyTorch");
    size_t count = list_sources(file, zeros, &names, source);
    int result = net_file_write(file, FORMAT, source, count, bytes, size, err);
    free(zeros);
    return result;
}
