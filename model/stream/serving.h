/* serving.h - the nets of a bundle, ready to run: a runner for the global net and one for each
 * cluster that has a net of its own. All or nothing: whoever serves swaps one of these for
 * another. */
#ifndef OUTRO_STREAM_SERVING_H
#define OUTRO_STREAM_SERVING_H

#include "bundle/bundle.h"
#include "stream/micro_batch.h"

struct serving {
    struct bundle *bundle;            /* held; NULL: nothing is served */
    struct predictor_runner **runner; /* (nets) by net_index */
    size_t nets;
    net_index net_of[CLUSTERS_MAX + 1]; /* by user_state.cluster */
};

/** Holds bundle and makes its runners. @param rows_max largest batch  @return 0; -1 with ERR_MEMORY
 * or ERR_SHAPE, nothing held */
int serving_init(struct serving *serving, struct bundle *bundle, size_t rows_max,
                 struct err *err) MUST_CHECK;
/** One that is all zero is fine. */
void serving_release(struct serving *serving);

/** The net of a user, by user_state.cluster of this bundle. */
static inline net_index serving_net(const struct serving *serving, uint16_t cluster)
{
    return serving->net_of[cluster];
}

#endif
