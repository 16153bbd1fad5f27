/* pipeline_parts.h - what a pipeline is made of, for its two files: pipeline.c takes scrobbles,
 * pipeline_prepare.c prepares the session that one belongs to. */
#ifndef OUTRO_STREAM_PIPELINE_PARTS_H
#define OUTRO_STREAM_PIPELINE_PARTS_H

#include "stream/kernel_km.h"
#include "stream/micro_batch.h"
#include "stream/pipeline.h"
#include "stream/serving.h"

struct pipeline {
    struct stream_params params;
    struct pipeline_sink sink;
    struct pipeline_counts counts;
    struct micro_batch batch;
    uint64_t generation; /* of the net; state stores keep the one their hidden states are from */
    struct serving serving;
    const struct holidays *holidays; /* borrowed; NULL: none */
    uint32_t panel;                  /* start features beside those of all nets */
    bool has_pool;                   /* predictions are made */
    uint32_t window;
    struct km_pool pool;
    struct past_session *past; /* (params.window) scratch */
};

/** The net that the user's record says; 0 without clusters, or without a bundle. */
static inline net_index pipeline_net_of(const struct pipeline *pipeline,
                                        const struct user_state *user)
{
    const struct bundle *bundle = pipeline->serving.bundle;
    return bundle && bundle->clusters ? serving_net(&pipeline->serving, user->cluster) : 0;
}

/** Makes the open session ready to be predicted: block, features, kernel KM, and in the batch what
 * the net has to do first. @param opened by this scrobble: only then is the cluster looked at again
 *  @return 0, -1 with ERR_MEMORY */
int pipeline_prepare(struct pipeline *pipeline, struct state_store *store, struct user_slot *slot,
                     bool opened, struct err *err) MUST_CHECK;

#endif
