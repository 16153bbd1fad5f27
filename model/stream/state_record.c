/* state_record.c - one user's record as bytes and back (schemas/state.md). */
#include <assert.h>
#include <string.h>

#include "core/crc32c.h"
#include "stream/sessionizer.h"
#include "stream/state_store.h"

#define RECORD_MAGIC   0x5354554fu /* "OUTS" */
#define RECORD_VERSION 1u

/* Bounds of what a true record can hold: logarithms of seconds, the decaying sums of them (at most
 * 145 sessions' worth), the milliseconds of a life, counts that no life overflows. */
#define LN_MAX       32.0
#define DECAYING_MAX 8192.0f
#define TOTAL_MAX    (INT64_MAX / 4)
#define COUNT_MAX    (UINT32_MAX / 2)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "records are written as they lie in memory");

struct record_header {
    uint32_t magic, version;
    uint32_t crc;  /* CRC-32C of everything behind this field */
    uint32_t size; /* bytes behind the header */
    uint32_t window, track_slots, artist_slots, reserved;
};

size_t state_store_record_max(const struct state_store *store)
{
    return sizeof(struct record_header) + state_store_layout(store)->size_bytes;
}

static uint32_t record_crc(const void *data, size_t size)
{
    const size_t from = offsetof(struct record_header, size);
    return crc32c((const char *)data + from, size - from, 0);
}

size_t state_store_save(const struct state_store *store, struct slice user_id, void *out,
                        size_t capacity)
{
    const struct user_layout *layout = state_store_layout(store);
    const struct user_slot *slot = state_store_find(store, user_id);
    if (!slot)
        return 0;
    size_t size = state_store_record_max(store);
    if (capacity < size)
        return (size_t)-1;
    struct record_header header = {
        .magic = RECORD_MAGIC,
        .version = RECORD_VERSION,
        .size = (uint32_t)layout->size_bytes,
        .window = layout->window,
        .track_slots = layout->track_slots,
        .artist_slots = layout->artist_slots,
    };
    memcpy(out, &header, sizeof header);
    memcpy((char *)out + sizeof header, &slot->state, layout->size_bytes);
    header.crc = record_crc(out, size);
    memcpy(out, &header, sizeof header);
    return size;
}

static int check_header(const struct user_layout *layout, const struct record_header *header,
                        size_t size, struct err *err)
{
    if (header->magic != RECORD_MAGIC)
        return err_set(err, ERR_INPUT, "state record: not one (no OUTS at its start)");
    if (header->version != RECORD_VERSION)
        return err_set(err, ERR_INPUT, "state record: version %u is unknown, this program reads %u",
                       header->version, RECORD_VERSION);
    if (header->window != layout->window || header->track_slots != layout->track_slots ||
        header->artist_slots != layout->artist_slots)
        return err_set(
            err, ERR_INPUT,
            "state record: made for window %u and sketches of %u and %u, not %u, %u and %u",
            header->window, header->track_slots, header->artist_slots, layout->window,
            layout->track_slots, layout->artist_slots);
    if (header->size != layout->size_bytes || size != sizeof *header + layout->size_bytes)
        return err_set(err, ERR_INPUT, "state record: %zu bytes, expected %zu", size,
                       sizeof *header + layout->size_bytes);
    return 0;
}

/* A record with the right checksum may still come from a faulty program: whatever indexes memory,
 * divides or makes a prediction must be in range before it is believed. */
static bool is_session(const struct session_sums *s)
{
    return s->number <= COUNT_MAX && s->scrobbles > 0 && s->scrobbles <= COUNT_MAX &&
           s->open <= 1 && s->intervals < s->scrobbles && s->start_ms <= s->last_ms &&
           event_time_valid((struct event_time){s->start_ms}) &&
           event_time_valid((struct event_time){s->last_ms}) &&
           event_time_valid((struct event_time){s->arrival_ms}) &&
           event_time_valid((struct event_time){s->gap_ms}) && s->ln_interval_sum >= 0 &&
           s->ln_interval_sum <= LN_MAX * s->intervals && s->distinct_artists <= s->scrobbles &&
           s->same_artist < s->scrobbles && s->new_artists <= s->scrobbles;
}

static bool all_within(const float *values, size_t count, float low, float high)
{
    for (size_t i = 0; i < count; i++)
        if (!(values[i] >= low && values[i] <= high))
            return false;
    return true;
}

static bool is_history(const struct history_stats *h)
{
    const double ln[] = {h->mean_z, h->ew10_z, h->ew30_z, h->pace};
    for (size_t i = 0; i < sizeof ln / sizeof *ln; i++)
        if (!(ln[i] >= 0 && ln[i] <= LN_MAX))
            return false;
    return h->variance_z >= 0 && h->variance_z <= LN_MAX * LN_MAX && h->ew20_single >= 0 &&
           h->ew20_single <= 1 && h->total_length_ms >= 0 && h->total_length_ms < TOTAL_MAX &&
           all_within(h->day_z, DAYPARTS, 0, DECAYING_MAX) &&
           all_within(h->day_n, DAYPARTS, 0, DECAYING_MAX) &&
           all_within(h->kind_z[0], 2 * DAYPARTS, 0, DECAYING_MAX) &&
           all_within(h->kind_n[0], 2 * DAYPARTS, 0, DECAYING_MAX);
}

static bool in_range(const struct user_state *user)
{
    const struct session_sums *current = &user->current, *previous = &user->previous;
    return user->user_id_size >= 1 && user->user_id_size <= USER_ID_MAX &&
           user->recent_next < RECENT && current->number > 0 &&
           previous->number + 1 == current->number &&
           user->history.finished + (previous->number > 0) == previous->number &&
           is_session(current) && is_history(&user->history) &&
           (previous->number == 0 || (is_session(previous) && !previous->open));
}

/* @param body of the record, at any address */
static bool is_ring(const struct user_layout *layout, const char *body)
{
    for (uint32_t j = 0; j < layout->window; j++) {
        uint32_t start_s;
        memcpy(&start_s, body + layout->ring_start + j * sizeof start_s, sizeof start_s);
        if (start_s >= EVENT_TIME_END_MS / 1000)
            return false;
    }
    return true;
}

int state_store_restore(struct state_store *store, const void *data, size_t size, struct err *err)
{
    const struct user_layout *layout = state_store_layout(store);
    struct record_header header;
    if (size < sizeof header)
        return err_set(err, ERR_INPUT, "state record: truncated at %zu bytes", size);
    memcpy(&header, data, sizeof header);
    if (check_header(layout, &header, size, err) < 0)
        return -1;
    if (record_crc(data, size) != header.crc)
        return err_set(err, ERR_CHECK, "state record: its checksum does not match");
    const char *body = (const char *)data + sizeof header;
    struct user_state fixed;
    memcpy(&fixed, body, sizeof fixed);
    if (!in_range(&fixed) || !is_ring(layout, body))
        return err_set(err, ERR_CHECK, "state record: its counts contradict each other");
    struct slice user_id = {fixed.user_id, fixed.user_id_size};
    struct user_slot *slot = state_store_at(store, user_id);
    if (!slot)
        return err_set(err, ERR_MEMORY, "out of memory for user %zu", state_store_users(store));
    if (fixed.current.open &&
        state_store_watch(store, slot->index, fixed.current.number,
                          sessionizer_due(state_store_params(store), &fixed.current), err) < 0)
        return -1;
    state_store_count_open(store, (int)fixed.current.open - (int)slot->state.current.open);
    if (slot->block)
        session_cache_give(state_store_cache(store), slot->block);
    memcpy(&slot->state, body, layout->size_bytes);
    slot->hidden_valid = false;
    return 0;
}
