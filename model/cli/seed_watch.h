/* seed_watch.h - trains models of the re-implemented system's protocol with the progress line
 * drawn; Ctrl-C stops it. */
#ifndef OUTRO_CLI_SEED_WATCH_H
#define OUTRO_CLI_SEED_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "seed/seed_models.h"

/** seed_models_train. @return as that; ERR_CANCELLED after Ctrl-C */
int seed_watch_train(struct seed_models *const *models, size_t count, const struct seed_data *data,
                     uint32_t threads, bool quiet, struct err *err) MUST_CHECK;

#endif
