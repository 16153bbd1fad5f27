/* train_data.h - a log as a trainer wants it, and a net as the scores see it: the passes over the
 * log that `outro train` makes, all through the pipeline that serves. People may be held out: their
 * sessions are then neither in the pool nor among the rows. Draws the progress line. */
#ifndef OUTRO_CLI_TRAIN_DATA_H
#define OUTRO_CLI_TRAIN_DATA_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "cli/progress.h"
#include "core/err.h"
#include "data/holidays.h"
#include "data/log.h"
#include "stream/params.h"
#include "stream/scores.h"
#include "stream/session_lengths.h"
#include "stream/training_rows.h"

struct train_source {
    struct log *log;                 /* borrowed */
    const struct holidays *holidays; /* borrowed; NULL: none */
    struct stream_params params;
    bool quiet;
    const volatile sig_atomic_t *interrupted; /* not 0: stop with ERR_CANCELLED */
};

/* Every K-th person from the one of number `fold` on is held out; K 0: nobody. */
struct hold_out {
    uint32_t every, fold;
};
static inline bool is_held_out(struct hold_out out, size_t user)
{
    return out.every && user % out.every == out.fold;
}

struct train_data {
    struct session_lengths lengths; /* of every user of the log */
    struct training_rows rows;      /* the same */
    struct train_set set;           /* what is trained on: of those not held out; rows borrowed */
    int64_t pool_ms[POOL_VALUES];   /* of those not held out */
};

/** Makes it in two passes. @param panel, seed of the rows: their start features (recipe.h), the
 * choice of them  @return 0; -1 with err, nothing to release */
int train_data_make(const struct train_source *source, struct hold_out out, uint32_t panel,
                    uint64_t seed, struct train_data *data, struct err *err) MUST_CHECK;
void train_data_release(struct train_data *data);

/** A bundle of a net that is not saved, for pipelines. @param net borrowed */
struct bundle train_bundle(const struct train_source *source, const struct train_data *data,
                           struct predictor *net);

/** One pass of the log through a net, as `outro replay` makes it. @param clusters of nets made from
 * it, or NULL  @return new scores, or NULL */
struct scores *train_score(const struct train_source *source, const struct train_data *data,
                           struct predictor *net, struct bundle_clusters *clusters, bool quiet,
                           struct err *err) MUST_CHECK;

#endif
