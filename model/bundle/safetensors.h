/* safetensors.h - reads and writes the safetensors form of named tensors, in memory.
 * File: u64 little-endian N; N bytes of JSON; raw little-endian row-major data. Everything the file
 * claims is checked before anything is handed out. Pure: bytes in, bytes out. Source:
 * huggingface/safetensors, "Format". */
#ifndef OUTRO_BUNDLE_SAFETENSORS_H
#define OUTRO_BUNDLE_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define SAFETENSORS_RANK_MAX   16
#define SAFETENSORS_HEADER_MAX 100000000 /* bytes of JSON; the reference implementation's limit */

enum tensor_dtype {
    DTYPE_BOOL,
    DTYPE_U8,
    DTYPE_I8,
    DTYPE_F8_E5M2,
    DTYPE_F8_E4M3,
    DTYPE_U16,
    DTYPE_I16,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_U32,
    DTYPE_I32,
    DTYPE_F32,
    DTYPE_U64,
    DTYPE_I64,
    DTYPE_F64,
    DTYPES /* how many there are */
};

const char *tensor_dtype_name(enum tensor_dtype dtype); /* "F32" */

struct safetensor {
    const char *name; /* borrowed from the safetensors it is in */
    enum tensor_dtype dtype;
    uint32_t rank;
    uint64_t shape[SAFETENSORS_RANK_MAX];
    size_t begin, end; /* bytes of data, relative to data's start */
};

struct safetensors {
    size_t count;
    struct safetensor *tensor; /* in the order of their data */
    const unsigned char *data; /* borrowed from the bytes that were parsed; not aligned */
    size_t size_bytes;         /* of data */
    struct json_t *header;     /* private; names and metadata live in it */
};

/** Parses a whole file. @param bytes size of them, borrowed as long as out is used
 *  @param out filled on success, release it; untouched on failure  @return 0, or -1: ERR_INPUT with
 * the rule that was broken, ERR_MEMORY */
int safetensors_parse(const void *bytes, size_t size, struct safetensors *out,
                      struct err *err) MUST_CHECK;
void safetensors_release(struct safetensors *file);

/** @return the tensor of that name, borrowed, or NULL */
const struct safetensor *safetensors_find(const struct safetensors *file, const char *name);
/** @return value of a key of __metadata__, borrowed, or NULL */
const char *safetensors_metadata(const struct safetensors *file, const char *key);

/** Values in a tensor: the product of its shape (1 for a scalar). */
size_t safetensor_values(const struct safetensor *tensor);
/** Copies an F32 tensor out in the machine's byte order. @param out safetensor_values() floats */
void safetensor_read_f32(const struct safetensors *file, const struct safetensor *tensor,
                         float *out);
/** The same for F64. */
void safetensor_read_f64(const struct safetensors *file, const struct safetensor *tensor,
                         double *out);

/* What is written: a tensor of rank 1 (columns 0) or 2, rows * max(columns, 1) values. */
struct safetensors_source {
    const char *name;
    uint64_t rows, columns;
    const float *values;      /* as F32, borrowed */
    const double *values_f64; /* as F64, borrowed, where values is NULL */
};

struct safetensors_pair {
    const char *key, *value;
};

/** Writes a file. Data begin at a multiple of 8 bytes. @param out new, caller frees  @param size
 * its bytes
 *  @return 0, or -1: ERR_INPUT (names not UTF-8 or twice), ERR_MEMORY */
int safetensors_encode(const struct safetensors_source *source, size_t count,
                       const struct safetensors_pair *metadata, size_t pairs, unsigned char **out,
                       size_t *size, struct err *err) MUST_CHECK;

#endif
