/* keras_import.h - a network out of what Keras writes: an architecture as JSON with weights in
 * HDF5, a whole model in HDF5, or a .keras archive. Needs libhdf5; a build without it refuses
 * in one sentence. Pure: bytes in. Not for two threads at a time, and
 * of damaged files only in a process of its own (hdf5_file.h). */
#ifndef OUTRO_BUNDLE_KERAS_IMPORT_H
#define OUTRO_BUNDLE_KERAS_IMPORT_H

#include <stddef.h>

#include "bundle/net_file.h"
#include "core/err.h"

/** @param architecture JSON, or NULL when the weights are a whole model  @param weights HDF5 or
 * .keras  @param out filled on success, release it  @return 0, or -1: ERR_INPUT, ERR_SHAPE (which
 * layer or tensor, what was expected, what was found), ERR_CHECK (not finite), ERR_MEMORY */
int keras_import(const void *architecture, size_t architecture_size, const void *weights,
                 size_t weights_size, struct net_file *out, struct err *err) MUST_CHECK;

#endif
