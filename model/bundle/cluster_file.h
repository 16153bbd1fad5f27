/* cluster_file.h - a clustering as a file: JSON, schemas/clusters.json. What is written is read
 * back to the bit, and the same clustering is the same bytes. Keys that a reader does not know are
 * ignored; a change of meaning raises format_version. */
#ifndef OUTRO_BUNDLE_CLUSTER_FILE_H
#define OUTRO_BUNDLE_CLUSTER_FILE_H

#include <stddef.h>

#include "cluster/clustering.h"
#include "core/err.h"

#define CLUSTER_FILE_NAME "clusters.json" /* in a bundle */

/** @param clustering finished  @return new text with a newline at its end, caller frees; NULL with
 * ERR_MEMORY */
char *cluster_file_encode(const struct clustering *clustering, struct err *err) MUST_CHECK;
/** @param out finished on success, release it  @return 0, or -1: ERR_INPUT with the field or the
 * line, ERR_MEMORY */
int cluster_file_parse(const void *bytes, size_t size, struct clustering *out,
                       struct err *err) MUST_CHECK;

/** Writes beside path and renames: the name means a whole file at all times. @return 0, or -1:
 * ERR_IO, ERR_MEMORY */
int cluster_file_save(const char *path, const struct clustering *clustering,
                      struct err *err) MUST_CHECK;
/** @param out finished on success, release it  @return 0, or -1 with the path before the reason */
int cluster_file_load(const char *path, struct clustering *out, struct err *err) MUST_CHECK;

#endif
