/* manifest_parts.h - what the files that read a manifest share. */
#ifndef OUTRO_BUNDLE_MANIFEST_PARTS_H
#define OUTRO_BUNDLE_MANIFEST_PARTS_H

#include <jansson.h>

#include "bundle/manifest.h"

/** object.features, names and order checked. @param where the place of object; "" at the top */
int manifest_read_scaler(const json_t *object, const char *where, struct predictor_scaler *out,
                         struct err *err) MUST_CHECK;

/** The file that object.file names, by its index. files have been read. */
int manifest_read_file_index(const json_t *object, const char *where, const struct manifest *m,
                             uint32_t *out, struct err *err) MUST_CHECK;

/** clusters, and the entries of nets behind the global one; files and self-test have been read. */
int manifest_read_clusters(const json_t *root, struct manifest *out, struct err *err) MUST_CHECK;

#endif
