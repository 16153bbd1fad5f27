#include "bundle/safetensors.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define PREFIX_BYTES 8
#define METADATA_KEY "__metadata__"

static const struct {
    const char *name;
    size_t size_bytes;
} DTYPE_TABLE[DTYPES] = {
    [DTYPE_BOOL] = {"BOOL", 1}, [DTYPE_U8] = {"U8", 1},           [DTYPE_I8] = {"I8", 1},
    [DTYPE_U16] = {"U16", 2},   [DTYPE_F8_E5M2] = {"F8_E5M2", 1}, [DTYPE_I16] = {"I16", 2},
    [DTYPE_F16] = {"F16", 2},   [DTYPE_F8_E4M3] = {"F8_E4M3", 1}, [DTYPE_BF16] = {"BF16", 2},
    [DTYPE_U32] = {"U32", 4},   [DTYPE_I32] = {"I32", 4},         [DTYPE_F32] = {"F32", 4},
    [DTYPE_U64] = {"U64", 8},   [DTYPE_I64] = {"I64", 8},         [DTYPE_F64] = {"F64", 8},
};

const char *tensor_dtype_name(enum tensor_dtype dtype)
{
    return DTYPE_TABLE[dtype].name;
}

static uint64_t load_le(const unsigned char *bytes, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = size; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static void store_le(unsigned char *bytes, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

/* ---- reading ---- */

static int read_dtype(const json_t *entry, struct safetensor *out, struct err *err)
{
    const json_t *dtype = json_object_get(entry, "dtype");
    if (!json_is_string(dtype))
        return err_set(err, ERR_INPUT, "tensor %.80s: dtype is not a string", out->name);
    for (int i = 0; i < DTYPES; i++) {
        if (strcmp(DTYPE_TABLE[i].name, json_string_value(dtype)) == 0) {
            out->dtype = (enum tensor_dtype)i;
            return 0;
        }
    }
    return err_set(err, ERR_INPUT, "tensor %.80s: unknown dtype %.20s", out->name,
                   json_string_value(dtype));
}

static int read_shape(const json_t *entry, struct safetensor *out, struct err *err)
{
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape) || json_array_size(shape) > SAFETENSORS_RANK_MAX)
        return err_set(err, ERR_INPUT, "tensor %.80s: shape is not an array of at most %d numbers",
                       out->name, SAFETENSORS_RANK_MAX);
    out->rank = (uint32_t)json_array_size(shape);
    for (uint32_t i = 0; i < out->rank; i++) {
        const json_t *side = json_array_get(shape, i);
        if (!json_is_integer(side) || json_integer_value(side) < 0)
            return err_set(err, ERR_INPUT, "tensor %.80s: shape[%u] is not a whole number >= 0",
                           out->name, i);
        out->shape[i] = (uint64_t)json_integer_value(side);
    }
    return 0;
}

static int read_offsets(const json_t *entry, size_t data_bytes, struct safetensor *out,
                        struct err *err)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return err_set(err, ERR_INPUT, "tensor %.80s: data_offsets is not two whole numbers",
                       out->name);
    json_int_t from = json_integer_value(begin), to = json_integer_value(end);
    if (from < 0 || to < from || (uint64_t)to > data_bytes)
        return err_set(err, ERR_INPUT,
                       "tensor %.80s: data_offsets [%lld, %lld] outside the %zu bytes of data",
                       out->name, (long long)from, (long long)to, data_bytes);
    out->begin = (size_t)from;
    out->end = (size_t)to;
    return 0;
}

static int check_size(const struct safetensor *tensor, struct err *err)
{
    size_t bytes = DTYPE_TABLE[tensor->dtype].size_bytes;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (__builtin_mul_overflow(bytes, tensor->shape[i], &bytes))
            return err_set(err, ERR_INPUT, "tensor %.80s: its shape overflows", tensor->name);
    }
    if (bytes != tensor->end - tensor->begin)
        return err_set(err, ERR_INPUT, "tensor %.80s: shape says %zu bytes, data_offsets %zu",
                       tensor->name, bytes, tensor->end - tensor->begin);
    return 0;
}

static int read_entry(const char *name, const json_t *entry, size_t data_bytes,
                      struct safetensor *out, struct err *err)
{
    out->name = name;
    if (!json_is_object(entry))
        return err_set(err, ERR_INPUT, "tensor %.80s: not an object", name);
    if (read_dtype(entry, out, err) || read_shape(entry, out, err) ||
        read_offsets(entry, data_bytes, out, err))
        return -1;
    return check_size(out, err);
}

static int check_metadata(json_t *metadata, struct err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return err_set(err, ERR_INPUT, METADATA_KEY " is not an object");
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return err_set(err, ERR_INPUT, METADATA_KEY " %.80s is not a string", key);
    }
    return 0;
}

static int by_data(const void *a, const void *b)
{
    const struct safetensor *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Sorted, each tensor has to begin where the one before ended, and the last to end where the data
 * do. */
static int check_cover(const struct safetensors *file, struct err *err)
{
    size_t covered = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct safetensor *t = &file->tensor[i];
        if (t->begin < covered)
            return err_set(err, ERR_INPUT, "tensor %.80s overlaps the one before it", t->name);
        if (t->begin > covered)
            return err_set(err, ERR_INPUT, "a hole of %zu bytes before tensor %.80s",
                           t->begin - covered, t->name);
        covered = t->end;
    }
    if (covered != file->size_bytes)
        return err_set(err, ERR_INPUT, "%zu bytes of data behind the last tensor",
                       file->size_bytes - covered);
    return 0;
}

static int read_header(struct safetensors *file, struct err *err)
{
    const char *key;
    json_t *value;
    file->tensor = calloc(json_object_size(file->header) + 1, sizeof *file->tensor);
    if (!file->tensor)
        return err_set(err, ERR_MEMORY, "out of memory for %zu tensors",
                       json_object_size(file->header));
    json_object_foreach(file->header, key, value)
    {
        if (strcmp(key, METADATA_KEY) == 0) {
            if (check_metadata(value, err))
                return -1;
        } else if (read_entry(key, value, file->size_bytes, &file->tensor[file->count++], err)) {
            return -1;
        }
    }
    qsort(file->tensor, file->count, sizeof *file->tensor, by_data);
    return check_cover(file, err);
}

int safetensors_parse(const void *bytes, size_t size, struct safetensors *out, struct err *err)
{
    const unsigned char *from = bytes;
    struct safetensors file = {0};
    json_error_t why;
    if (size < PREFIX_BYTES)
        return err_set(err, ERR_INPUT, "%zu bytes are too few for a safetensors file", size);
    uint64_t header_bytes = load_le(from, PREFIX_BYTES);
    if (header_bytes > SAFETENSORS_HEADER_MAX)
        return err_set(err, ERR_INPUT, "a header of %llu bytes is over the limit of %d",
                       (unsigned long long)header_bytes, SAFETENSORS_HEADER_MAX);
    if (header_bytes > size - PREFIX_BYTES)
        return err_set(err, ERR_INPUT, "a header of %llu bytes ends past the end of the file",
                       (unsigned long long)header_bytes);
    const char *json = (const char *)from + PREFIX_BYTES;
    if (header_bytes == 0 || json[0] != '{')
        return err_set(err, ERR_INPUT, "the header does not begin with {");
    file.header = json_loadb(json, (size_t)header_bytes, JSON_REJECT_DUPLICATES, &why);
    if (!file.header)
        return err_set(err, ERR_INPUT, "header, byte %d: %s", why.position, why.text);
    file.data = from + PREFIX_BYTES + header_bytes;
    file.size_bytes = size - PREFIX_BYTES - (size_t)header_bytes;
    if (read_header(&file, err)) {
        safetensors_release(&file);
        return -1;
    }
    *out = file;
    return 0;
}

void safetensors_release(struct safetensors *file)
{
    free(file->tensor);
    json_decref(file->header);
    *file = (struct safetensors){0};
}

const struct safetensor *safetensors_find(const struct safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->tensor[i].name, name) == 0)
            return &file->tensor[i];
    }
    return NULL;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, METADATA_KEY), key));
}

size_t safetensor_values(const struct safetensor *tensor)
{
    return (tensor->end - tensor->begin) / DTYPE_TABLE[tensor->dtype].size_bytes;
}

void safetensor_read_f32(const struct safetensors *file, const struct safetensor *tensor,
                         float *out)
{
    assert(tensor->dtype == DTYPE_F32);
    const unsigned char *from = file->data + tensor->begin;
    for (size_t i = 0, n = safetensor_values(tensor); i < n; i++, from += sizeof *out) {
        uint32_t bits = (uint32_t)load_le(from, sizeof *out);
        memcpy(&out[i], &bits, sizeof bits);
    }
}

void safetensor_read_f64(const struct safetensors *file, const struct safetensor *tensor,
                         double *out)
{
    assert(tensor->dtype == DTYPE_F64);
    const unsigned char *from = file->data + tensor->begin;
    for (size_t i = 0, n = safetensor_values(tensor); i < n; i++, from += sizeof *out) {
        uint64_t bits = load_le(from, sizeof *out);
        memcpy(&out[i], &bits, sizeof bits);
    }
}

/* ---- writing ---- */

static size_t source_values(const struct safetensors_source *source)
{
    return (size_t)source->rows * (source->columns ? (size_t)source->columns : 1);
}

static enum tensor_dtype source_dtype(const struct safetensors_source *source)
{
    return source->values ? DTYPE_F32 : DTYPE_F64;
}

static size_t source_bytes(const struct safetensors_source *source)
{
    return source_values(source) * DTYPE_TABLE[source_dtype(source)].size_bytes;
}

/* Takes value, NULL when memory ran out on the way. A key that is there already is the caller's bug
 * in the data. */
static int add(json_t *object, const char *key, json_t *value)
{
    if (json_object_get(object, key)) {
        json_decref(value);
        return -1;
    }
    return json_object_set_new(object, key, value);
}

static json_t *entry_new(const struct safetensors_source *source, size_t begin)
{
    json_int_t rows = (json_int_t)source->rows, columns = (json_int_t)source->columns;
    json_t *shape = columns ? json_pack("[I, I]", rows, columns) : json_pack("[I]", rows);
    size_t end = begin + source_bytes(source);
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", tensor_dtype_name(source_dtype(source)),
                     "shape", shape, "data_offsets", (json_int_t)begin, (json_int_t)end);
}

static char *header_text(const struct safetensors_source *source, size_t count,
                         const struct safetensors_pair *metadata, size_t pairs)
{
    char *text = NULL;
    json_t *header = json_object(), *about = json_object();
    size_t offset = 0;
    for (size_t i = 0; i < pairs; i++) {
        if (add(about, metadata[i].key, json_string(metadata[i].value)))
            goto out;
    }
    if (pairs && json_object_set(header, METADATA_KEY, about))
        goto out;
    for (size_t i = 0; i < count; i++) {
        if (add(header, source[i].name, entry_new(&source[i], offset)))
            goto out;
        offset += source_bytes(&source[i]);
    }
    text = json_dumps(header, JSON_COMPACT);
out:
    json_decref(about);
    json_decref(header);
    return text;
}

static unsigned char *store_values(unsigned char *to, const struct safetensors_source *source)
{
    size_t width = DTYPE_TABLE[source_dtype(source)].size_bytes;
    for (size_t i = 0; i < source_values(source); i++, to += width) {
        uint32_t bits;
        uint64_t wide;
        if (source->values) {
            memcpy(&bits, &source->values[i], sizeof bits);
            wide = bits;
        } else {
            memcpy(&wide, &source->values_f64[i], sizeof wide);
        }
        store_le(to, width, wide);
    }
    return to;
}

int safetensors_encode(const struct safetensors_source *source, size_t count,
                       const struct safetensors_pair *metadata, size_t pairs, unsigned char **out,
                       size_t *size, struct err *err)
{
    char *text = header_text(source, count, metadata, pairs);
    if (!text)
        return err_set(err, ERR_INPUT,
                       "cannot write the header: a name twice, not UTF-8, or out of memory");
    size_t length = strlen(text), data_bytes = 0;
    size_t header_bytes = (length + 7) / 8 * 8;
    for (size_t i = 0; i < count; i++)
        data_bytes += source_bytes(&source[i]);
    unsigned char *bytes = malloc(PREFIX_BYTES + header_bytes + data_bytes);
    if (!bytes) {
        free(text);
        return err_set(err, ERR_MEMORY, "out of memory for %zu bytes of tensors", data_bytes);
    }
    store_le(bytes, PREFIX_BYTES, header_bytes);
    memcpy(bytes + PREFIX_BYTES, text, length);
    memset(bytes + PREFIX_BYTES + length, ' ', header_bytes - length);
    free(text);
    unsigned char *to = bytes + PREFIX_BYTES + header_bytes;
    for (size_t i = 0; i < count; i++)
        to = store_values(to, &source[i]);
    *out = bytes;
    *size = (size_t)(to - bytes);
    return 0;
}
