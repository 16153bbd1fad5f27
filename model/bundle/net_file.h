/* net_file.h - a network as it is carried between programs: its description, and its parameters in
 * double, so that no bit of a file of either width is lost. As bytes: safetensors with the names
 * and the order of net_tensors(), F32 when every parameter is one exactly, else F64; the
 * description stands in __metadata__. Pure. */
#ifndef OUTRO_BUNDLE_NET_FILE_H
#define OUTRO_BUNDLE_NET_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "bundle/safetensors.h"
#include "core/err.h"
#include "nn/net_spec.h"

#define NET_FILE_SOURCE_MAX 64   /* the NUL included */
#define NET_FILE_NOTES_MAX  1024 /* the NUL included; more is cut */

struct net_file {
    struct net_spec spec;
    double *params;    /* net_params_count(&spec), owned */
    bool masked;       /* a step whose inputs all equal mask_value is no step (Keras' Masking) */
    double mask_value; /* 0 when not masked */
    char source[NET_FILE_SOURCE_MAX]; /* "Keras 2.2.4": who wrote it */
    char notes[NET_FILE_NOTES_MAX];   /* lines for people, each with its newline; not stored */
};

/** @param out spec is read and checked; params is made, all 0  @return 0, or -1: ERR_SHAPE,
 * ERR_MEMORY */
int net_file_init(struct net_file *out, struct err *err) MUST_CHECK;
/** The same with these parameters. @param params net_params_count(spec) */
int net_file_of(const struct net_spec *spec, const float *params, struct net_file *out,
                struct err *err) MUST_CHECK;
void net_file_release(struct net_file *file);
/** Adds a line to notes. */
void net_file_note(struct net_file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** @param bytes new, caller frees  @return 0, or -1: ERR_CHECK (a parameter is not finite),
 * ERR_MEMORY */
int net_file_encode(const struct net_file *file, unsigned char **bytes, size_t *size,
                    struct err *err) MUST_CHECK;
/** @param out filled on success, release it  @return 0, or -1: ERR_INPUT (not safetensors, no such
 * description), ERR_SHAPE (a tensor is missing, too many or of another shape), ERR_CHECK (not
 * finite), ERR_MEMORY */
int net_file_decode(const void *bytes, size_t size, struct net_file *out,
                    struct err *err) MUST_CHECK;

/* What both kinds of safetensors files of a network share. */

/** Reads all but params and notes from __metadata__. @return 0, or -1: ERR_INPUT, ERR_SHAPE */
int net_file_described(const struct safetensors *file, struct net_file *out,
                       struct err *err) MUST_CHECK;
/** Copies a tensor (F32 or F64) of columns 0: a vector of rows numbers; else (rows, columns).
 *  @return 0, or -1: ERR_SHAPE with the tensor, what was expected and what was found; ERR_CHECK */
int net_file_take(const struct safetensors *file, const char *name, size_t rows, size_t columns,
                  double *to, struct err *err) MUST_CHECK;
/** Writes tensors, whose values are all doubles, as F32 when that keeps every bit, else as F64,
 * with the description of file and that format in __metadata__. @return as net_file_encode */
int net_file_write(const struct net_file *file, const char *format,
                   struct safetensors_source *source, size_t count, unsigned char **bytes,
                   size_t *size, struct err *err) MUST_CHECK;

#endif
