/* bundle_parts.h - what the files that load and save a bundle share. */
#ifndef OUTRO_BUNDLE_BUNDLE_PARTS_H
#define OUTRO_BUNDLE_BUNDLE_PARTS_H

#include "bundle/bundle.h"
#include "bundle/manifest.h"

/** A file of the bundle, as the manifest says it is. @param bytes new, caller frees  @return 0, or
 * -1: ERR_IO, ERR_CHECK (other size or sha256), ERR_MEMORY */
int bundle_read_file(int dir, const struct manifest_file *file, void **bytes, size_t *size,
                     struct err *err) MUST_CHECK;

/** Writes a file of the bundle and lists it. @param index where in manifest->file; may be NULL
 *  @return 0, or -1: ERR_IO, ERR_MEMORY */
int bundle_write_file(int dir, const char *name, const void *bytes, size_t size,
                      struct manifest *manifest, uint32_t *index, struct err *err) MUST_CHECK;

/** The clusters that the manifest tells of, their nets checked by the self-test.
 *  @param global the net that says how theirs are made
 *  @return new, or NULL: ERR_IO, ERR_INPUT, ERR_SHAPE, ERR_CHECK, ERR_MEMORY */
struct bundle_clusters *bundle_clusters_load(int dir, const struct manifest *manifest,
                                             const struct predictor *global,
                                             struct err *err) MUST_CHECK;
void bundle_clusters_free(struct bundle_clusters *clusters); /* NULL is fine */

/** Writes the clusters of bundle (NULL: nothing) and describes them; the self-test's rows are
 * there.
 *  @return 0, or -1 with err */
int bundle_clusters_save(int dir, const struct bundle *bundle, struct manifest *manifest,
                         struct err *err) MUST_CHECK;

#endif
