/* net_directory.h - a network that is not (yet) served, as a directory: manifest.json (format
 * "outro-network": when it was made, size and sha256 of the other file) and network.safetensors
 * (net_file.h). Written beside its name and renamed, as bundles are. And the way from and to a
 * bundle. */
#ifndef OUTRO_BUNDLE_NET_DIRECTORY_H
#define OUTRO_BUNDLE_NET_DIRECTORY_H

#include <stdbool.h>

#include "bundle/bundle.h"
#include "bundle/net_file.h"
#include "core/err.h"

/** Whether path holds such a directory, by its manifest's format; false for all else. */
bool net_directory_is(const char *path);

/** @param path as bundle_save's, but a bundle that is served from there is never replaced
 *  @param created_rfc3339 the caller's clock, as bundle_save's  @return 0, or -1 with ERR_IO,
 * ERR_INPUT, ERR_CHECK, ERR_MEMORY; path is as it was */
int net_directory_save(const char *path, const struct net_file *net, const char *created_rfc3339,
                       struct err *err) MUST_CHECK;

/** Reads such a directory, or the net of a bundle. @param out filled on success, release it
 *  @return 0, or -1 with ERR_IO, ERR_INPUT, ERR_SHAPE, ERR_CHECK, ERR_MEMORY */
int net_directory_load(const char *path, struct net_file *out, struct err *err) MUST_CHECK;

/** Writes a bundle that serves net (rounded to float) with all else of `like`: features, scaler,
 * pool, session parameters; its scores and recipe are of its own net and left out.
 *  @return as bundle_save; ERR_SHAPE when net is none of a predictor, or has masked steps */
int net_directory_serve(const char *path, const struct net_file *net, const struct bundle *like,
                        const char *created_rfc3339, char version[BUNDLE_VERSION_MAX + 1],
                        struct err *err) MUST_CHECK;

#endif
