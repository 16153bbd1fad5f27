/* keras_archive.h - the three members of a .keras file (a zip) that a network needs. Only with
 * libarchive, whose header keras_archive.c alone includes. Pure: bytes in. */
#ifndef OUTRO_BUNDLE_KERAS_ARCHIVE_H
#define OUTRO_BUNDLE_KERAS_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct keras_archive {
    void *config, *weights; /* config.json, model.weights.h5; owned */
    size_t config_size, weights_size;
    char version[32]; /* keras_version of metadata.json */
};

bool keras_archive_is(const void *bytes, size_t size); /* by its first bytes */
/** @param out filled on success, release it  @return 0, or -1: ERR_INPUT (no zip, damaged, a member
 * is missing), ERR_MEMORY */
int keras_archive_read(const void *bytes, size_t size, struct keras_archive *out,
                       struct err *err) MUST_CHECK;
void keras_archive_release(struct keras_archive *archive);

#endif
