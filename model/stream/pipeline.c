#include "stream/pipeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/names.h"
#include "stream/features.h"
#include "stream/kernel_km.h"
#include "stream/panel.h"
#include "stream/pipeline_parts.h"
#include "stream/sessionizer.h"

struct pipeline *pipeline_new(const struct stream_params *params, const struct pipeline_sink *sink,
                              size_t batch_rows, struct err *err)
{
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline) {
        err_set(err, ERR_MEMORY, "out of memory for a pipeline");
        return NULL;
    }
    pipeline->params = *params;
    pipeline->sink = *sink;
    pipeline->window = params->window;
    pipeline->past = calloc(params->window, sizeof *pipeline->past);
    if (!pipeline->past) {
        err_set(err, ERR_MEMORY, "out of memory for a pipeline");
        goto fail;
    }
    if (micro_batch_init(&pipeline->batch, batch_rows, err) < 0)
        goto fail;
    return pipeline;
fail:
    pipeline_free(pipeline);
    return NULL;
}

void pipeline_free(struct pipeline *pipeline)
{
    if (!pipeline)
        return;
    micro_batch_release(&pipeline->batch);
    serving_release(&pipeline->serving);
    free(pipeline->past);
    free(pipeline);
}

const struct pipeline_counts *pipeline_counts(const struct pipeline *pipeline)
{
    return &pipeline->counts;
}

int pipeline_flush(struct pipeline *pipeline, struct err *err)
{
    pipeline->counts.predictions += pipeline->batch.rows;
    return micro_batch_run(&pipeline->batch, pipeline->serving.runner, pipeline->serving.nets,
                           &pipeline->sink, err);
}

void pipeline_discard(struct pipeline *pipeline)
{
    micro_batch_discard(&pipeline->batch);
}

static int set_pool(struct pipeline *pipeline, const int64_t *pool_ms, struct err *err)
{
    for (int i = 0; i < POOL_VALUES; i++) {
        if (pool_ms[i] < 0 || pool_ms[i] > UINT32_MAX || (i > 0 && pool_ms[i] < pool_ms[i - 1]))
            return err_set(err, ERR_SHAPE,
                           "pool length %d is negative, over 49 days or not ascending", i);
        pipeline->pool.ms[i] = (uint32_t)pool_ms[i];
    }
    pipeline->has_pool = true;
    pipeline->generation++;
    return 0;
}

static int check_holidays(uint32_t panel, const struct holidays *holidays, struct err *err)
{
    return holidays || !panel_has(panel, PANEL_HOLIDAY)
               ? 0
               : err_set(err, ERR_USAGE, "the feature holiday needs a file of dates (--holidays)");
}

int pipeline_set_pool(struct pipeline *pipeline, const int64_t *pool_ms, uint32_t panel,
                      struct err *err)
{
    if (pipeline_flush(pipeline, err) < 0 || check_holidays(panel, pipeline->holidays, err) < 0 ||
        set_pool(pipeline, pool_ms, err) < 0)
        return -1;
    pipeline->panel = panel;
    return 0;
}

int pipeline_set_holidays(struct pipeline *pipeline, const struct holidays *holidays,
                          struct err *err)
{
    bool used = panel_has(pipeline->panel, PANEL_HOLIDAY);
    if (check_holidays(pipeline->panel, holidays, err) < 0 ||
        (used && pipeline_flush(pipeline, err) < 0))
        return -1;
    pipeline->holidays = holidays;
    pipeline->generation += used; /* what is prepared was so by the days of before */
    return 0;
}

int pipeline_set_bundle(struct pipeline *pipeline, struct bundle *bundle, struct err *err)
{
    if (pipeline_flush(pipeline, err) < 0)
        return -1;
    if (bundle->window > pipeline->params.window)
        return err_set(err, ERR_SHAPE, "bundle %s has a window of %u sessions, state keeps %u",
                       bundle->version, bundle->window, pipeline->params.window);
    if (check_holidays(bundle->net->scaler.panel, pipeline->holidays, err) < 0)
        return err_prefix(err, "bundle %s", bundle->version);
    struct serving serving;
    if (serving_init(&serving, bundle, pipeline->batch.capacity, err) < 0)
        return -1;
    if (set_pool(pipeline, bundle->pool_ms, err) < 0) {
        serving_release(&serving);
        return -1;
    }
    serving_release(&pipeline->serving);
    pipeline->serving = serving;
    pipeline->window = bundle->window;
    pipeline->panel = bundle->net->scaler.panel;
    pipeline->batch.start_features = predictor_start_features(&bundle->net->spec);
    return 0;
}

/* ---- one scrobble ---- */

static int publish_session(struct pipeline *pipeline, struct state_store *store,
                           const struct user_slot *slot, const struct session_sums *sums,
                           struct err *err)
{
    struct session session;
    if (!pipeline->sink.session)
        return 0;
    sessionizer_record(&slot->state, sums, &session);
    return pipeline->sink.session(pipeline->sink.ctx, &session, state_store_partition(store),
                                  slot->index, err);
}

static int close_session(struct pipeline *pipeline, struct state_store *store,
                         struct user_slot *slot, struct err *err)
{
    if (state_store_touch(store, slot, TOUCH_OPEN, err) < 0)
        return -1;
    slot->state.current.open = 0;
    state_store_count_open(store, -1);
    if (slot->block)
        session_cache_give(state_store_cache(store), slot->block);
    pipeline->counts.sessions_closed++;
    return publish_session(pipeline, store, slot, &slot->state.current, err);
}

/* Closes what stream time has left behind. */
static int close_due(struct pipeline *pipeline, struct state_store *store, struct err *err)
{
    uint32_t index, number;
    while (state_store_due(store, &index, &number)) {
        struct user_slot *slot = state_store_slot(store, index);
        const struct session_sums *current = &slot->state.current;
        if (!current->open || current->number != number)
            continue;
        struct event_time due = sessionizer_due(&pipeline->params, current);
        int result = event_time_before(due, state_store_stream_time(store))
                         ? close_session(pipeline, store, slot, err)
                         : state_store_watch(store, index, number, due, err);
        if (result < 0)
            return -1;
    }
    return 0;
}

static int watch(struct pipeline *pipeline, struct state_store *store, struct user_slot *slot,
                 struct err *err)
{
    const struct session_sums *current = &slot->state.current;
    state_store_count_open(store, 1);
    return state_store_watch(store, slot->index, current->number,
                             sessionizer_due(&pipeline->params, current), err);
}

/* A scrobble within a track with a duration takes the end of the session back. A timer may be
 * early, never late: when a session closes must not depend on when its timer was set. */
static int watch_earlier(struct pipeline *pipeline, struct state_store *store,
                         struct user_slot *slot, struct event_time before, struct err *err)
{
    struct event_time due = sessionizer_due(&pipeline->params, &slot->state.current);
    return event_time_before(due, before)
               ? state_store_watch(store, slot->index, slot->state.current.number, due, err)
               : 0;
}

/* A late scrobble changed the session before the open one: that is published again, and what the
 * open one was prepared with is out of date. */
static int revise_previous(struct pipeline *pipeline, struct state_store *store,
                           struct user_slot *slot, struct err *err)
{
    struct user_state *user = &slot->state;
    user->previous.revision++;
    user->current.gap_ms = user->current.start_ms - user->previous.last_ms;
    slot->hidden_valid = false;
    if (slot->block)
        session_cache_give(state_store_cache(store), slot->block);
    pipeline->counts.sessions_revised++;
    return publish_session(pipeline, store, slot, &user->previous, err);
}

static int add_row(struct pipeline *pipeline, struct state_store *store, struct user_slot *slot,
                   const struct play *play, const struct play_memory *memory, struct err *err)
{
    const struct user_state *user = &slot->state;
    const struct session_sums *now = &user->current, *before = &user->previous;
    struct session_block *block = slot->block;
    session_cache_touch(block, pipeline->batch.number);
    slot->batch = pipeline->batch.number;
    const struct bundle *bundle = pipeline->serving.bundle;
    struct waiting_row *row = micro_batch_row(&pipeline->batch, pipeline_net_of(pipeline, user));
    int64_t finished = (int64_t)user->history.finished + (before->number > 0);
    int64_t total_ms = user->history.total_length_ms;
    int64_t before_ms = before->number > 0 ? session_length_ms(before) : 0;
    memcpy(row->prediction.user_id, user->user_id, user->user_id_size);
    row->prediction.user_id[user->user_id_size] = '\0';
    row->prediction.time = play->time;
    row->prediction.session = now->number;
    row->prediction.session_start = (struct event_time){now->start_ms};
    row->prediction.scrobble = now->scrobbles;
    row->prediction.elapsed_ms = now->last_ms - now->start_ms;
    row->prediction.previous_session_length_ms = before_ms;
    row->prediction.average_session_length_cs =
        finished ? (total_ms + before_ms + 5 * finished) / (10 * finished) : 0;
    row->prediction.cluster = bundle && bundle->clusters ? (int32_t)user->cluster - 1 : -1;
    row->prediction.model = bundle ? bundle->version : "kernel-km";
    row->partition = state_store_partition(store);
    row->user_index = slot->index;
    row->block = block;
    km_kernel(&block->km, &pipeline->pool, row->prediction.elapsed_ms, row->kernel_s);
    km_running(&block->km, &pipeline->pool, row->prediction.elapsed_ms, row->running_s);
    features_live(user, play, memory, block->start[START_PACE], row->kernel_s, row->running_s,
                  row->live);
    return pipeline->batch.rows == pipeline->batch.capacity ? pipeline_flush(pipeline, err) : 0;
}

/* Changes the user's sessions as the sessionizer decided. @param prepared set when the open session
 * is not what it was prepared as */
static int place(struct pipeline *pipeline, struct state_store *store, struct user_slot *slot,
                 const struct play *play, enum placement placement, bool *changed, struct err *err)
{
    struct session_sums *current = &slot->state.current;
    switch (placement) {
    case PLACE_OPENS:
        if (current->open && close_session(pipeline, store, slot, err) < 0)
            return -1;
        sessionizer_open(state_store_layout(store), &slot->state, play);
        pipeline->counts.sessions_opened++;
        *changed = true;
        break;
    case PLACE_REOPENS:
        current->open = 1;
        current->revision++;
        pipeline->counts.sessions_reopened++;
        *changed = true;
        break;
    case PLACE_BEFORE:
        *changed = true;
        break;
    case PLACE_CONTINUES:
    case PLACE_INSIDE:
    case PLACE_PREVIOUS:
    case PLACE_DUPLICATE:
    case PLACE_LATE:
        break;
    }
    return 0;
}

static int take(struct pipeline *pipeline, struct state_store *store, struct user_slot *slot,
                const struct play *play, enum placement placement, struct err *err)
{
    struct user_state *user = &slot->state;
    bool changed = false;
    bool opens = placement == PLACE_OPENS || placement == PLACE_REOPENS;
    bool in_place = placement == PLACE_CONTINUES || placement == PLACE_INSIDE;
    /* What waits for this user must not see the session prepared anew behind it. */
    if (slot->batch == pipeline->batch.number && (!in_place || !slot->block) &&
        pipeline_flush(pipeline, err) < 0)
        return -1;
    /* Only the session before the latest is folded, when the next one opens. */
    bool folds = placement == PLACE_OPENS && user->previous.number > 0;
    if (state_store_touch(store, slot, folds ? TOUCH_HISTORY : TOUCH_OPEN, err) < 0 ||
        place(pipeline, store, slot, play, placement, &changed, err) < 0)
        return -1;
    struct session_sums *session = placement == PLACE_PREVIOUS ? &user->previous : &user->current;
    struct event_time due = sessionizer_due(&pipeline->params, &user->current);
    struct play_memory memory = sessionizer_count(state_store_layout(store), user, session, play,
                                                  state_store_stream_time(store));
    if ((opens ? watch(pipeline, store, slot, err)
               : watch_earlier(pipeline, store, slot, due, err)) < 0)
        return -1;
    if (placement == PLACE_PREVIOUS)
        return revise_previous(pipeline, store, slot, err);
    if (!pipeline->has_pool)
        return 0;
    if ((changed || !slot->block) &&
        pipeline_prepare(pipeline, store, slot, placement == PLACE_OPENS, err) < 0)
        return -1;
    return add_row(pipeline, store, slot, play, &memory, err);
}

static struct play play_of(const struct scrobble *scrobble)
{
    uint64_t artist = name_hash(scrobble->artist, 0);
    return (struct play){
        .time = scrobble->time,
        .duration_ms = scrobble->duration_ms,
        .artist = (uint32_t)artist,
        .track = (uint32_t)name_hash(scrobble->track, artist),
    };
}

/* Asks for the memory that this event will read, all at once, so that the waits overlap. */
static void fetch(struct state_store *store, struct user_slot *slot, const struct play *play)
{
    const struct user_layout *layout = state_store_layout(store);
    struct session_block *block = slot->block;
    if (block) {
        __builtin_prefetch(block, 1);
        __builtin_prefetch((const char *)block + 64, 1);
        __builtin_prefetch((const char *)block + 128);
    }
    sketch_fetch(user_tracks(layout, &slot->state), play->track);
    sketch_fetch(user_artists(layout, &slot->state), play->artist);
}

int pipeline_push(struct pipeline *pipeline, struct state_store *store,
                  const struct scrobble *scrobble, enum outcome *outcome, struct err *err)
{
    assert(scrobble->user_id.size > 0 && event_time_valid(scrobble->time));
    const struct bundle *bundle = pipeline->serving.bundle;
    const struct net_spec *spec = bundle ? &bundle->net->spec : NULL;
    uint32_t hidden = spec ? (uint32_t)net_state_width(spec) : 0;
    if (state_store_adopt(store, pipeline->generation, hidden, spec ? spec->dense[0].width : 0,
                          err) < 0)
        return -1;
    struct play play = play_of(scrobble);
    if (pipeline_advance(pipeline, store, scrobble->time, err) < 0)
        return -1;
    struct user_slot *slot = state_store_at(store, scrobble->user_id);
    if (!slot)
        return err_set(err, ERR_MEMORY, "out of memory for user %zu of partition %u",
                       state_store_users(store) + 1, state_store_partition(store));
    if (sessionizer_forgets(&pipeline->params, &slot->state, state_store_stream_time(store)) &&
        state_store_renew(store, slot, err) < 0)
        return -1;
    fetch(store, slot, &play);
    enum placement placement =
        sessionizer_place(&pipeline->params, &slot->state, &play, state_store_stream_time(store));
    *outcome = placement == PLACE_DUPLICATE ? OUTCOME_DUPLICATE
               : placement == PLACE_LATE    ? OUTCOME_LATE
                                            : OUTCOME_SESSION;
    pipeline->counts.outcome[*outcome]++;
    if (*outcome != OUTCOME_SESSION)
        return 0;
    return take(pipeline, store, slot, &play, placement, err);
}

int pipeline_advance(struct pipeline *pipeline, struct state_store *store,
                     struct event_time stream_time, struct err *err)
{
    if (!state_store_move_time(store, stream_time))
        return 0;
    return close_due(pipeline, store, err);
}

int pipeline_end(struct pipeline *pipeline, struct state_store *store, struct err *err)
{
    size_t cursor = 0;
    struct user_slot *slot;
    while ((slot = state_store_next(store, &cursor))) {
        if (slot->state.current.open && close_session(pipeline, store, slot, err) < 0)
            return -1;
    }
    return pipeline_flush(pipeline, err);
}
