#include "stream/user_state.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct user_layout user_layout_of(const struct stream_params *params)
{
    struct user_layout layout = {.window = params->window,
                                 .track_slots = params->track_slots,
                                 .artist_slots = params->artist_slots};
    assert(params->window >= STEP_RING && params->window <= 4096);
    assert(params->track_slots >= SKETCH_WAYS && params->artist_slots >= SKETCH_WAYS);
    assert((params->track_slots & (params->track_slots - 1)) == 0);
    assert((params->artist_slots & (params->artist_slots - 1)) == 0);
    size_t at = sizeof(struct user_state);
    layout.ring_start = at;
    at += sizeof(uint32_t) * params->window;
    layout.ring_length = at;
    at += sizeof(uint32_t) * params->window;
    layout.ring_tail = at;
    at = (at + sizeof(uint8_t) * params->window + 7) & ~(size_t)7;
    layout.tracks = at;
    at += sizeof(struct sketch_entry) * params->track_slots;
    layout.artists = at;
    at += sizeof(struct sketch_entry) * params->artist_slots;
    layout.size_bytes = (at + 7) & ~(size_t)7;
    return layout;
}

void user_state_init(const struct user_layout *layout, struct user_state *user,
                     struct slice user_id)
{
    assert(user_id.size > 0 && user_id.size <= USER_ID_MAX);
    memset(user, 0, layout->size_bytes);
    memcpy(user->user_id, user_id.data, user_id.size);
    user->user_id_size = (uint8_t)user_id.size;
    /* Where every statistic starts before the first session is finished (model/PREDICTOR.md). */
    user->history.mean_z = user->history.ew10_z = user->history.ew30_z = log(1230);
    user->history.variance_z = 1;
    user->history.ew20_single = .2;
    user->history.pace = log(240);
}
