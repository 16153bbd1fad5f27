/* pipeline_prepare.c - preparing a session: what does not change within it. Its features, its
 * kernel KM, whose net serves it, and that net's hidden state. */
#include <math.h>
#include <string.h>

#include "stream/features.h"
#include "stream/history.h"
#include "stream/membership.h"
#include "stream/panel.h"
#include "stream/pipeline_parts.h"

/* The hidden state from the last sessions of the rings, one row at a time: after a reload, a
 * restart, or a session that was changed behind it. From 64 sessions it equals the carried state to
 * 1e-6. */
static void recompute_hidden(struct pipeline *pipeline, struct state_store *store,
                             struct user_slot *slot, const float *previous_step)
{
    const struct user_layout *layout = state_store_layout(store);
    const struct user_state *user = &slot->state;
    struct predictor_runner *runner = pipeline->serving.runner[pipeline_net_of(pipeline, user)];
    float *hidden = state_store_hidden(store, slot->index);
    memset(hidden, 0, net_state_width(&pipeline->serving.bundle->net->spec) * sizeof *hidden);
    size_t count = history_ring(layout, user, STEP_RING - 1, pipeline->past);
    for (size_t j = 0; j < count; j++) {
        uint32_t at = (user->history.finished - (uint32_t)(count - j)) % STEP_RING;
        float x[STEP_INPUTS];
        step_inputs(&pipeline->past[j], &user->step[at], x);
        predictor_step(runner, 1, x, &hidden);
    }
    if (previous_step)
        predictor_step(runner, 1, previous_step, &hidden);
    pipeline->counts.hidden_recomputed++;
}

/* Queues the recurrent step that the hidden state still lacks, and the head's first layer. */
static void prepare_net(struct pipeline *pipeline, struct state_store *store,
                        struct user_slot *slot, struct session_block *block)
{
    float *hidden = state_store_hidden(store, slot->index);
    const float *step = block->has_step ? block->step : NULL;
    uint32_t through = slot->state.previous.number;
    struct waiting_start start = {.block = block, .hidden = hidden};
    if (hidden) {
        if (slot->hidden_valid && slot->hidden_through + 1 == through)
            start.steps = step != NULL;
        else if (!slot->hidden_valid || slot->hidden_through != through)
            recompute_hidden(pipeline, store, slot, step);
        slot->hidden_through = through;
        slot->hidden_valid = true;
    }
    micro_batch_start(&pipeline->batch, pipeline_net_of(pipeline, &slot->state), &start);
}

/* The history that the open session sees: everything folded, and the session before it. @return
 * sessions in past */
static size_t history_seen(const struct pipeline *pipeline, const struct user_layout *layout,
                           const struct user_state *user, struct history_stats *stats,
                           struct past_session *past)
{
    *stats = user->history;
    if (user->previous.number == 0)
        return 0;
    size_t count = history_ring(layout, user, pipeline->window - 1, past);
    past[count++] = history_previous(layout, user);
    history_stats_fold(stats, &user->previous);
    return count;
}

/* Decides whose net serves. Another net has another hidden state. */
static void choose_net(struct pipeline *pipeline, struct state_store *store, struct user_slot *slot,
                       bool opened)
{
    const struct bundle *bundle = pipeline->serving.bundle;
    if (!bundle || !bundle->clusters)
        return;
    uint16_t before = slot->state.cluster;
    if (membership_update(&pipeline->params, state_store_layout(store), bundle->clusters,
                          &slot->state, opened))
        pipeline->counts.cluster_moves++;
    if (slot->state.cluster != before)
        slot->hidden_valid = false;
}

int pipeline_prepare(struct pipeline *pipeline, struct state_store *store, struct user_slot *slot,
                     bool opened, struct err *err)
{
    choose_net(pipeline, store, slot, opened);
    const struct user_layout *layout = state_store_layout(store);
    const struct user_state *user = &slot->state;
    struct session_block *block = slot->block;
    if (!block)
        block = session_cache_take(state_store_cache(store), &slot->block, state_store_users(store),
                                   pipeline->batch.number);
    if (!block)
        return err_set(err, ERR_MEMORY, "out of memory for an open session");
    session_cache_touch(block, pipeline->batch.number);
    struct history_stats stats;
    size_t count = history_seen(pipeline, layout, user, &stats, pipeline->past);
    features_start(user, &stats, pipeline->past, count, block->start);
    if (pipeline->panel)
        panel_features(pipeline->panel, user, &stats, pipeline->past, count, pipeline->holidays,
                       block->start + START_FEATURES);
    km_build(&block->km, &pipeline->pool, pipeline->past, count, user->current.start_ms,
             exp(block->start[0]));
    block->has_step = count > 0;
    if (block->has_step) {
        struct step_entry entry = step_entry_of(&user->previous, user->history.pace);
        step_inputs(&pipeline->past[count - 1], &entry, block->step);
    }
    if (pipeline->serving.bundle)
        prepare_net(pipeline, store, slot, block);
    return 0;
}
