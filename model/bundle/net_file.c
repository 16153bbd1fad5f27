#include "bundle/net_file.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT     "outro"
#define PAIRS_MAX  7
#define SHAPE_TEXT 128
#define RANK_SHOWN 4

int net_file_init(struct net_file *out, struct err *err)
{
    out->params = NULL;
    if (net_spec_check(&out->spec, err))
        return -1;
    size_t count = net_params_count(&out->spec);
    out->params = calloc(count, sizeof *out->params);
    return out->params ? 0 : err_set(err, ERR_MEMORY, "out of memory for %zu parameters", count);
}

int net_file_of(const struct net_spec *spec, const float *params, struct net_file *out,
                struct err *err)
{
    *out = (struct net_file){.spec = *spec, .source = "outro"};
    if (net_file_init(out, err))
        return -1;
    for (size_t i = 0, count = net_params_count(spec); i < count; i++)
        out->params[i] = (double)params[i];
    return 0;
}

void net_file_release(struct net_file *file)
{
    free(file->params);
    file->params = NULL;
}

void net_file_note(struct net_file *file, const char *format, ...)
{
    size_t used = strlen(file->notes), room = sizeof file->notes - used;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(file->notes + used, room, format, arguments);
    va_end(arguments);
    /* A line that has no room for its end is left out whole. */
    if (length < 0 || (size_t)length + 2 > room)
        file->notes[used] = '\0';
    else
        memcpy(file->notes + used + length, "\n", 2);
}

/* Biases are vectors in files: one column is not enough to tell them from a matrix of one. */
static size_t file_columns(const struct net_tensor *tensor)
{
    return strstr(tensor->name, "bias") ? 0 : tensor->columns;
}

/* ---- writing ---- */

static size_t source_values(const struct safetensors_source *source)
{
    return (size_t)source->rows * (source->columns ? (size_t)source->columns : 1);
}

static int check_finite(const char *name, const double *values, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return err_set(err, ERR_CHECK, "tensor %s: value %zu is %s", name, i,
                           isnan(values[i]) ? "not a number" : "infinite");
    }
    return 0;
}

/* Whether every value survives the way to float and back. */
static bool all_floats(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((double)(float)values[i] != values[i])
            return false;
    }
    return true;
}

/* Points the sources at floats instead. @return the floats, caller frees; NULL: out of memory */
static float *narrow(struct safetensors_source *source, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += source_values(&source[i]);
    float *floats = malloc((total + 1) * sizeof *floats), *to = floats;
    for (size_t i = 0; floats && i < count; i++) {
        source[i].values = to;
        for (size_t k = 0; k < source_values(&source[i]); k++)
            *to++ = (float)source[i].values_f64[k];
    }
    return floats;
}

int net_file_write(const struct net_file *file, const char *format,
                   struct safetensors_source *source, size_t count, unsigned char **bytes,
                   size_t *size, struct err *err)
{
    char net[NET_TEXT_MAX], head[NET_TEXT_MAX], inputs[16], features[16], mask[32];
    float *floats = NULL;
    bool exact = true;
    for (size_t i = 0; i < count; i++) {
        size_t values = source_values(&source[i]);
        if (check_finite(source[i].name, source[i].values_f64, values, err))
            return -1;
        exact = exact && all_floats(source[i].values_f64, values);
    }
    if (exact && !(floats = narrow(source, count)))
        return err_set(err, ERR_MEMORY, "out of memory for the parameters as floats");
    net_spec_print(&file->spec, net, head);
    snprintf(inputs, sizeof inputs, "%u", file->spec.inputs);
    snprintf(features, sizeof features, "%u", file->spec.features);
    snprintf(mask, sizeof mask, "%.17g", file->mask_value);
    /* Those that may be left out come last. */
    const struct safetensors_pair pair[PAIRS_MAX] = {
        {"format", format},     {"net", net},           {"head", head},      {"inputs", inputs},
        {"features", features}, {"from", file->source}, {"mask_value", mask}};
    size_t pairs = file->masked ? PAIRS_MAX : PAIRS_MAX - 1;
    int result = safetensors_encode(source, count, pair, pairs, bytes, size, err);
    free(floats);
    return result;
}

int net_file_encode(const struct net_file *file, unsigned char **bytes, size_t *size,
                    struct err *err)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    struct safetensors_source source[NET_TENSORS_MAX];
    size_t count = net_tensors(&file->spec, tensor);
    for (size_t i = 0; i < count; i++)
        source[i] = (struct safetensors_source){
            .name = tensor[i].name,
            .rows = tensor[i].rows,
            .columns = file_columns(&tensor[i]),
            .values_f64 = file->params + tensor[i].offset,
        };
    return net_file_write(file, FORMAT, source, count, bytes, size, err);
}

/* ---- reading ---- */

/* @return 0, or -1 when the key is absent or no number */
static int metadata_number(const struct safetensors *file, const char *key, double *out)
{
    const char *text = safetensors_metadata(file, key);
    char *end;
    if (!text || !*text)
        return -1;
    *out = strtod(text, &end);
    return *end || !isfinite(*out) ? -1 : 0;
}

static int metadata_width(const struct safetensors *file, const char *key, uint32_t *out,
                          struct err *err)
{
    double value;
    if (metadata_number(file, key, &value) || !(value >= 0 && value <= NET_WIDTH_MAX) ||
        value != (uint32_t)value)
        return err_set(err, ERR_INPUT, "__metadata__.%s is not a whole number up to %d", key,
                       NET_WIDTH_MAX);
    *out = (uint32_t)value;
    return 0;
}

int net_file_described(const struct safetensors *file, struct net_file *out, struct err *err)
{
    const char *net = safetensors_metadata(file, "net");
    const char *head = safetensors_metadata(file, "head");
    const char *from = safetensors_metadata(file, "from");
    if (!net || !head)
        return err_set(err, ERR_INPUT, "__metadata__.%s is missing", net ? "head" : "net");
    if (metadata_width(file, "inputs", &out->spec.inputs, err) ||
        metadata_width(file, "features", &out->spec.features, err))
        return -1;
    if (net_spec_parse(net, head, &out->spec, err) || net_spec_check(&out->spec, err)) {
        err_prefix(err, "__metadata__");
        return -1;
    }
    out->masked = safetensors_metadata(file, "mask_value") != NULL;
    if (out->masked && metadata_number(file, "mask_value", &out->mask_value))
        return err_set(err, ERR_INPUT, "__metadata__.mask_value is not a number");
    snprintf(out->source, sizeof out->source, "%s", from ? from : "");
    return 0;
}

/* "(3, 4)", "(3)" */
static void shape_text(const struct safetensor *tensor, char out[SHAPE_TEXT])
{
    size_t used = (size_t)snprintf(out, SHAPE_TEXT, "(");
    for (uint32_t i = 0; i < tensor->rank && i < RANK_SHOWN; i++)
        used += (size_t)snprintf(out + used, SHAPE_TEXT - used, "%s%llu", i ? ", " : "",
                                 (unsigned long long)tensor->shape[i]);
    snprintf(out + used, SHAPE_TEXT - used, tensor->rank > RANK_SHOWN ? ", ...)" : ")");
}

int net_file_take(const struct safetensors *file, const char *name, size_t rows, size_t columns,
                  double *to, struct err *err)
{
    const struct safetensor *found = safetensors_find(file, name);
    char expected[64], shape[SHAPE_TEXT];
    if (columns)
        snprintf(expected, sizeof expected, "(%zu, %zu)", rows, columns);
    else
        snprintf(expected, sizeof expected, "(%zu)", rows);
    if (!found)
        return err_set(err, ERR_SHAPE, "tensor %.80s of shape %s is missing", name, expected);
    shape_text(found, shape);
    if (found->rank != (columns ? 2u : 1u) || found->shape[0] != rows ||
        (columns && found->shape[1] != columns))
        return err_set(err, ERR_SHAPE, "tensor %.80s: shape %s expected, %s found", name, expected,
                       shape);
    size_t count = safetensor_values(found);
    if (found->dtype == DTYPE_F64) {
        safetensor_read_f64(file, found, to);
    } else if (found->dtype == DTYPE_F32) {
        float *narrow_values = malloc((count + 1) * sizeof *narrow_values);
        if (!narrow_values)
            return err_set(err, ERR_MEMORY, "tensor %.80s: out of memory", name);
        safetensor_read_f32(file, found, narrow_values);
        for (size_t i = 0; i < count; i++)
            to[i] = (double)narrow_values[i];
        free(narrow_values);
    } else {
        return err_set(err, ERR_SHAPE, "tensor %.80s: dtype F32 or F64 expected, %s found", name,
                       tensor_dtype_name(found->dtype));
    }
    return check_finite(name, to, count, err);
}

static int take_all(const struct safetensors *file, struct net_file *out, struct err *err)
{
    struct net_tensor tensor[NET_TENSORS_MAX];
    size_t count = net_tensors(&out->spec, tensor);
    for (size_t i = 0; i < count; i++) {
        if (net_file_take(file, tensor[i].name, tensor[i].rows, file_columns(&tensor[i]),
                          out->params + tensor[i].offset, err))
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

static int decode(const struct safetensors *file, struct net_file *out, struct err *err)
{
    const char *format = safetensors_metadata(file, "format");
    if (!format || strcmp(format, FORMAT) != 0)
        return err_set(err, ERR_INPUT, "__metadata__.format is \"%.40s\", not \"" FORMAT "\"",
                       format ? format : "");
    if (net_file_described(file, out, err) || net_file_init(out, err))
        return -1;
    return take_all(file, out, err);
}

int net_file_decode(const void *bytes, size_t size, struct net_file *out, struct err *err)
{
    struct safetensors file;
    struct net_file net = {0};
    if (safetensors_parse(bytes, size, &file, err))
        return -1;
    int result = decode(&file, &net, err);
    safetensors_release(&file);
    if (result)
        net_file_release(&net);
    else
        *out = net;
    return result;
}
