/* hdf5_file.h - what weights need of an HDF5 file that lies in memory: names in attributes, and
 * datasets of floating-point numbers of a known shape, by path. libhdf5 prints nothing meanwhile;
 * its reason stands in err. The only file that includes hdf5.h. Not for two threads at a time. */
#ifndef OUTRO_BUNDLE_HDF5_FILE_H
#define OUTRO_BUNDLE_HDF5_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

#define HDF5_NAMES_MAX 100000 /* in one list */

bool hdf5_is(const void *bytes, size_t size); /* by its first bytes */

struct hdf5_file;
/** @param bytes borrowed until hdf5_close  @return new, or NULL: ERR_INPUT, ERR_MEMORY */
struct hdf5_file *hdf5_open(const void *bytes, size_t size, struct err *err) MUST_CHECK;
void hdf5_close(struct hdf5_file *file); /* NULL is fine */

/** Paths begin with "/"; that of hdf5_has is not "/" itself. */
bool hdf5_has(const struct hdf5_file *file, const char *path);
bool hdf5_has_attribute(const struct hdf5_file *file, const char *path, const char *name);

struct hdf5_names {
    size_t count, capacity;
    char **name; /* each owned */
};
void hdf5_names_release(struct hdf5_names *names);
/** Adds the strings of an attribute (fixed or variable length; one, or a list; an empty list of any
 * type) to names.  @return 0, or -1: ERR_INPUT, ERR_MEMORY; names holds what was read */
int hdf5_names_read(const struct hdf5_file *file, const char *path, const char *attribute,
                    struct hdf5_names *names, struct err *err) MUST_CHECK;

/** The first number of a dataset's shape. @return 0, or -1: ERR_INPUT, ERR_SHAPE (no matrix) */
int hdf5_rows(const struct hdf5_file *file, const char *path, size_t *rows,
              struct err *err) MUST_CHECK;
/** Reads a dataset as doubles: F64 bit for bit, smaller ones exactly. @param rank 1 or 2  @param
 * out the product of shape  @return 0, or -1: ERR_SHAPE with what was expected and what was found;
 * ERR_CHECK (not finite); ERR_INPUT */
int hdf5_read(const struct hdf5_file *file, const char *path, int rank, const size_t *shape,
              double *out, struct err *err) MUST_CHECK;

#endif
