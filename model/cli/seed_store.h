/* seed_store.h - models of the re-implemented system's protocol as a directory: manifest.json
 * (format "outro-seed-models": recipe, each cluster's people, rules, scaler, loss curves, and
 * sha256 of its file) and cluster-K.safetensors (bundle/net_file.h). Written beside its name and
 * renamed, as bundles are. */
#ifndef OUTRO_CLI_SEED_STORE_H
#define OUTRO_CLI_SEED_STORE_H

#include "core/err.h"
#include "seed/seed_models.h"

/** Refuses a path that cannot be replaced, before anybody computes anything for it. A bundle or a
 * network is never replaced. @return 0, or -1: ERR_IO, ERR_INPUT */
int seed_store_can_save(const char *path, struct err *err) MUST_CHECK;

/** @param created_rfc3339 the caller's clock  @return 0, or -1: ERR_IO, ERR_INPUT, ERR_MEMORY; path
 * is as it was */
int seed_store_save(const char *path, const struct seed_models *models, const char *created_rfc3339,
                    struct err *err) MUST_CHECK;

/** @param models, members out: members are borrowed by models; release both, whatever comes back
 *  @return 0, or -1: ERR_IO, ERR_INPUT (no models in it, too), ERR_SHAPE, ERR_CHECK, ERR_MEMORY */
int seed_store_load(const char *path, struct seed_models *models, struct seed_members *members,
                    struct err *err) MUST_CHECK;

#endif
