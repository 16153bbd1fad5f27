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

struct piece {
    size_t at, size;
};

#define PIECES 3

static void pieces_of(const struct user_layout *layout, enum user_part part,
                      struct piece out[PIECES])
{
    const size_t history = offsetof(struct user_state, history);
    const size_t recent = offsetof(struct user_state, recent_low);
    const size_t step = offsetof(struct user_state, step);
    if (part == USER_OPEN) {
        out[0] = (struct piece){0, history};
        out[1] = (struct piece){recent, step - recent};
        out[2] = (struct piece){layout->tracks, layout->size_bytes - layout->tracks};
    } else {
        out[0] = (struct piece){history, recent - history};
        out[1] = (struct piece){step, layout->tracks - step};
        out[2] = (struct piece){0, 0};
    }
}

size_t user_part_bytes(const struct user_layout *layout, enum user_part part)
{
    struct piece pieces[PIECES];
    pieces_of(layout, part, pieces);
    return pieces[0].size + pieces[1].size + pieces[2].size;
}

void user_part_save(const struct user_layout *layout, enum user_part part,
                    const struct user_state *user, void *out)
{
    struct piece pieces[PIECES];
    char *to = out;
    pieces_of(layout, part, pieces);
    for (int i = 0; i < PIECES; to += pieces[i++].size)
        memcpy(to, (const char *)user + pieces[i].at, pieces[i].size);
}

void user_part_load(const struct user_layout *layout, enum user_part part, struct user_state *user,
                    const void *saved)
{
    struct piece pieces[PIECES];
    const char *from = saved;
    pieces_of(layout, part, pieces);
    for (int i = 0; i < PIECES; from += pieces[i++].size)
        memcpy((char *)user + pieces[i].at, from, pieces[i].size);
}

void user_part_copy(const struct user_layout *layout, enum user_part part, struct user_state *to,
                    const struct user_state *from)
{
    struct piece pieces[PIECES];
    pieces_of(layout, part, pieces);
    for (int i = 0; i < PIECES; i++)
        memcpy((char *)to + pieces[i].at, (const char *)from + pieces[i].at, pieces[i].size);
}
