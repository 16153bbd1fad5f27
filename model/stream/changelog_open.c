/* changelog_open.c - the part that every scrobble changes: the last two sessions, fingerprints,
 * sketches. */
#include "cluster/clustering.h"
#include "stream/changelog_body.h"

#define SESSION_MAX     160 /* bytes that always suffice for the next three */
#define FINGERPRINT_MAX 6
#define SLOT_MAX        8

size_t open_body_max(const struct user_layout *layout)
{
    size_t slots = layout->track_slots + layout->artist_slots;
    return 2 * VARINT32_MAX + 1 + VARINT32_MAX + sizeof(uint32_t) + 2 * SESSION_MAX +
           sizeof(uint32_t) + RECENT * FINGERPRINT_MAX + slots / 8 + slots * SLOT_MAX;
}

/* ---- sessions ---- */

/* Differences and sums of what may be any number: they wrap, there and back. */
static int64_t difference(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static uint8_t *put_session(const struct session_sums *s, uint8_t *at)
{
    const uint32_t counts[] = {s->revision,         s->scrobbles,       s->intervals,
                               s->last_interval_ms, s->max_interval_ms, s->last_duration_ms,
                               s->distinct_artists, s->same_artist,     s->new_artists};
    at = put_varint(at, s->open);
    at = put_signed(at, s->start_ms);
    at = put_signed(at, difference(s->last_ms, s->start_ms));
    at = put_signed(at, difference(s->arrival_ms, s->last_ms));
    at = put_signed(at, s->gap_ms);
    at = put_bytes(at, &s->ln_interval_sum, sizeof s->ln_interval_sum);
    at = put_fixed(at, s->last_track, sizeof s->last_track);
    at = put_fixed(at, s->last_artist, sizeof s->last_artist);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        at = put_varint(at, counts[i]);
    return at;
}

static void take_session(struct wire_reader *in, uint32_t number, struct session_sums *s)
{
    s->number = number;
    s->open = (uint16_t)take_varint(in, 1);
    s->start_ms = take_signed(in);
    s->last_ms = sum(s->start_ms, take_signed(in));
    s->arrival_ms = sum(s->last_ms, take_signed(in));
    s->gap_ms = take_signed(in);
    take_bytes(in, &s->ln_interval_sum, sizeof s->ln_interval_sum);
    s->last_track = (uint32_t)take_fixed(in, sizeof s->last_track);
    s->last_artist = (uint32_t)take_fixed(in, sizeof s->last_artist);
    s->revision = take_u32(in);
    s->scrobbles = take_u32(in);
    s->intervals = take_u32(in);
    s->last_interval_ms = take_u32(in);
    s->max_interval_ms = take_u32(in);
    s->last_duration_ms = take_u32(in);
    s->distinct_artists = (uint16_t)take_varint(in, UINT16_MAX);
    s->same_artist = (uint16_t)take_varint(in, UINT16_MAX);
    s->new_artists = (uint16_t)take_varint(in, UINT16_MAX);
}

/* ---- fingerprints ---- */

static uint8_t *put_recent(const struct user_state *user, uint8_t *at)
{
    uint32_t there = 0;
    for (uint32_t i = 0; i < RECENT; i++)
        there |= (uint32_t)(user->recent_low[i] || user->recent_high[i]) << i;
    at = put_varint(at, user->recent_next);
    at = put_fixed(at, there, sizeof there);
    for (uint32_t i = 0; i < RECENT; i++) {
        if (!(there >> i & 1))
            continue;
        at = put_fixed(at, user->recent_low[i], sizeof user->recent_low[i]);
        at = put_fixed(at, user->recent_high[i], sizeof user->recent_high[i]);
    }
    return at;
}

static void take_recent(struct wire_reader *in, struct user_state *user)
{
    user->recent_next = (uint8_t)take_varint(in, RECENT - 1);
    uint32_t there = (uint32_t)take_fixed(in, sizeof there);
    for (uint32_t i = 0; i < RECENT; i++) {
        if (!(there >> i & 1))
            continue;
        user->recent_low[i] = (uint32_t)take_fixed(in, sizeof user->recent_low[i]);
        user->recent_high[i] = (uint16_t)take_fixed(in, sizeof user->recent_high[i]);
    }
}

/* ---- sketches ---- */

static uint8_t *put_sketch(struct sketch sketch, uint8_t *at)
{
    uint8_t *there = at; /* a bit a slot */
    memset(there, 0, sketch.slots / 8);
    at += sketch.slots / 8;
    for (uint32_t i = 0; i < sketch.slots; i++) {
        const struct sketch_entry *e = &sketch.entries[i];
        if (e->tag == 0)
            continue;
        there[i / 8] |= (uint8_t)(1u << i % 8);
        at = put_fixed(at, e->tag, sizeof e->tag);
        at = put_varint(at, e->plays);
        at = put_varint(at, e->ends);
        at = put_fixed(at, e->session, sizeof e->session);
    }
    return at;
}

static void take_sketch(struct wire_reader *in, struct sketch sketch)
{
    struct wire_reader there = *in;
    if ((size_t)(in->end - in->at) < sketch.slots / 8) {
        in->bad = true;
        return;
    }
    in->at += sketch.slots / 8;
    for (uint32_t i = 0; i < sketch.slots; i++) {
        struct sketch_entry *e = &sketch.entries[i];
        if (!(there.at[i / 8] >> i % 8 & 1))
            continue;
        e->tag = (uint16_t)take_fixed(in, sizeof e->tag);
        e->plays = (uint16_t)take_varint(in, UINT16_MAX);
        e->ends = (uint8_t)take_varint(in, UINT8_MAX);
        e->session = (uint8_t)take_fixed(in, sizeof e->session);
        in->bad |= e->tag == 0;
    }
}

/* ---- the whole part ---- */

uint8_t *open_body_put(const struct user_layout *layout, const struct user_state *user, uint8_t *at)
{
    struct user_state *u = (struct user_state *)(uintptr_t)user; /* the accessors serve both */
    at = put_varint(at, layout->track_slots);
    at = put_varint(at, layout->artist_slots);
    at = put_varint(at, user->current.number);
    at = put_session(&user->current, at);
    if (user->current.number > 1)
        at = put_session(&user->previous, at);
    at = put_recent(user, at);
    at = put_sketch(user_tracks(layout, u), at);
    at = put_sketch(user_artists(layout, u), at);
    if (!open_body_says_cluster(user))
        return at;
    at = put_varint(at, user->cluster);
    return put_fixed(at, user->clustering, sizeof user->clustering);
}

bool open_body_says_cluster(const struct user_state *user)
{
    return user->clustering != 0;
}

int open_body_take(const struct user_layout *layout, bool says_cluster, struct wire_reader *in,
                   struct user_state *user, struct err *err)
{
    uint32_t tracks = take_u32(in), artists = take_u32(in);
    if (!in->bad && (tracks != layout->track_slots || artists != layout->artist_slots))
        return err_set(err, ERR_INPUT, "made for sketches of %u and %u, not %u and %u", tracks,
                       artists, layout->track_slots, layout->artist_slots);
    uint32_t number = take_u32(in);
    take_session(in, number, &user->current);
    if (number > 1)
        take_session(in, number - 1, &user->previous);
    take_recent(in, user);
    take_sketch(in, user_tracks(layout, user));
    take_sketch(in, user_artists(layout, user));
    if (says_cluster) {
        user->cluster = (uint16_t)take_varint(in, CLUSTERS_MAX);
        user->clustering = (uint32_t)take_fixed(in, sizeof user->clustering);
        in->bad |= user->clustering == 0;
    }
    if (in->bad || in->at != in->end)
        return err_set(err, ERR_INPUT, "its sessions are cut short or too long");
    return 0;
}
