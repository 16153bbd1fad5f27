#include "lives.h"

#include <stdio.h>
#include <string.h>

#include "data/synth.h"
#include "stream/pipeline.h"

#define HISTORY_ROWS  8000
#define HISTORY_START (INT64_C(15000) * 86400000)

/* One who has been there for years. */
static struct state_store *make_life(const struct stream_params *params, uint64_t seed,
                                     struct err *err)
{
    const struct synth_options options = {
        .seed = seed, .rows = HISTORY_ROWS, .users = 1, .start = {HISTORY_START}};
    struct pipeline_sink sink = {0};
    struct pipeline *pipeline = pipeline_new(params, &sink, 256, err);
    struct state_store *store = state_store_new(params, 0, err);
    struct synth *synth = synth_new(&options, err);
    struct scrobble scrobble;
    enum outcome outcome;
    int rc = pipeline && store && synth ? 1 : -1;
    while (rc > 0 && (rc = synth_next(synth, &scrobble)) > 0)
        rc = pipeline_push(pipeline, store, &scrobble, &outcome, err) < 0 ? -1 : 1;
    synth_free(synth);
    pipeline_free(pipeline);
    if (rc == 0)
        return store;
    state_store_free(store);
    return NULL;
}

int lives_init(struct lives *lives, const struct stream_params *params, struct err *err)
{
    memset(lives, 0, sizeof *lives);
    for (uint64_t i = 0; i < LIVES; i++)
        if (!(lives->store[i] = make_life(params, i + 1, err)))
            return -1;
    return 0;
}

void lives_release(struct lives *lives)
{
    for (int i = 0; i < LIVES; i++)
        state_store_free(lives->store[i]);
}

const struct user_state *lives_user(struct lives *lives, uint32_t user)
{
    struct user_state *life = &state_store_slot(lives->store[user % LIVES], 0)->state;
    memset(life->user_id, 0, sizeof life->user_id);
    life->user_id_size = (uint8_t)snprintf(life->user_id, sizeof life->user_id, "user_%07u", user);
    return life;
}

const struct user_layout *lives_layout(const struct lives *lives)
{
    return state_store_layout(lives->store[0]);
}
