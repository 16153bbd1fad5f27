/* user_state.h - what is known about one user, as one record of fixed size without pointers
 * (byte by byte: schemas/state.md). Fixed part first, then regions whose sizes come from
 * stream_params; user_layout says where they are. The last two sessions are kept as accumulators
 * (`current`, open or closed, and `previous`, always closed) and are folded into the history only
 * when a late scrobble can no longer change them; the ring holds the finished sessions before these
 * two. What the ring rounds: starts to whole seconds, durations of last tracks to one byte (7 s at
 * four minutes), of the step
 * inputs the two means of ln(interval + 10) to 1/5000 and the three shares to 1/255. Lengths are
 * whole milliseconds, up to 49 days. */
#ifndef OUTRO_STREAM_USER_STATE_H
#define OUTRO_STREAM_USER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event_time.h"
#include "core/scrobble.h"
#include "stream/params.h"
#include "stream/sketch.h"

#define STEP_RING    64       /* finished sessions that a recomputed hidden state is made from */
#define RECENT       32       /* scrobbles a duplicate is looked for in */
#define FIRST_GAP_MS 86400000 /* the gap before a user's first session, by definition */
#define DAYPARTS     24

/* A session being counted, or counted and not yet folded. */
struct session_sums {
    int64_t start_ms, last_ms; /* first and last scrobble's event time */
    int64_t arrival_ms;        /* stream time when its last scrobble arrived */
    int64_t gap_ms;            /* from the last start of the session before to this start */
    double ln_interval_sum;    /* of ln(interval s + 10) */
    uint32_t number;           /* from 1; 0: there is no such session */
    uint32_t revision;
    uint32_t scrobbles;
    uint32_t intervals; /* between scrobbles that came in order */
    uint32_t last_interval_ms, max_interval_ms;
    uint32_t last_duration_ms;                           /* of the last track; 0 unknown */
    uint32_t last_track, last_artist;                    /* hashes */
    uint16_t distinct_artists, same_artist, new_artists; /* saturating */
    uint16_t open;
    uint32_t reserved; /* no padding: records are compared and saved as bytes */
};

/* Running statistics of all folded sessions (model/PREDICTOR.md). */
struct history_stats {
    double mean_z, variance_z; /* z = ln(length s + 30) */
    double ew10_z, ew30_z;
    double ew20_single, pace;
    int64_t total_length_ms;
    uint32_t finished;      /* sessions folded */
    uint32_t today;         /* since the last gap over four hours, the one it opened included */
    uint32_t before_ring_s; /* last start of the session that left the ring last, epoch seconds */
    uint32_t reserved;
    float day_z[DAYPARTS], day_n[DAYPARTS]; /* decaying sums by start hour, half-life 50 sessions */
    float kind_z[2][DAYPARTS], kind_n[2][DAYPARTS]; /* weekday, weekend; half-life 100 */
};

/* What one recurrent step needs beside the ring entry, as small as its standardised value allows.
 */
struct step_entry {
    uint16_t scrobbles;           /* saturating */
    uint16_t mean_ln_interval;    /* * 5000 */
    uint16_t max_ln_interval;     /* * 5000 */
    uint8_t distinct, same, new_; /* shares of the scrobbles, * 255 */
} __attribute__((packed));        /* nine bytes, of which a user has 64 */

struct user_state {
    char user_id[USER_ID_MAX];
    uint8_t user_id_size;
    uint8_t recent_next; /* where the next fingerprint goes */
    uint16_t cluster;    /* whose net serves: 1 + the cluster; 0: the global net (membership.h) */
    uint32_t clustering; /* of the bundle that put it there; 0: none has yet */
    /* what every event reads stands together */
    struct session_sums current, previous;
    struct history_stats history;
    uint32_t recent_low[RECENT]; /* 48-bit fingerprints of (time, track); 0 empty */
    uint16_t recent_high[RECENT];
    struct step_entry step[STEP_RING]; /* of folded session number n at (n - 1) % STEP_RING */
    uint32_t regions[]; /* ring_start_s[W] ring_length_ms[W] ring_tail[W] (one byte), then the two
                           sketches */
};

struct user_layout {
    uint32_t window; /* W */
    uint32_t track_slots, artist_slots;
    size_t ring_start, ring_length, ring_tail; /* byte offsets from the record's start */
    size_t tracks, artists;
    size_t size_bytes; /* of the whole record, a multiple of 8 */
};

struct user_layout user_layout_of(const struct stream_params *params);

static inline uint32_t *user_ring_start(const struct user_layout *layout, struct user_state *user)
{
    return (uint32_t *)((char *)user + layout->ring_start);
}
static inline uint32_t *user_ring_length(const struct user_layout *layout, struct user_state *user)
{
    return (uint32_t *)((char *)user + layout->ring_length);
}
static inline uint8_t *user_ring_tail(const struct user_layout *layout, struct user_state *user)
{
    return (uint8_t *)user + layout->ring_tail;
}
static inline struct sketch user_tracks(const struct user_layout *layout, struct user_state *user)
{
    return (struct sketch){(struct sketch_entry *)((char *)user + layout->tracks),
                           layout->track_slots};
}
static inline struct sketch user_artists(const struct user_layout *layout, struct user_state *user)
{
    return (struct sketch){(struct sketch_entry *)((char *)user + layout->artists),
                           layout->artist_slots};
}

/** A user never seen before. @param user layout->size_bytes, overwritten */
void user_state_init(const struct user_layout *layout, struct user_state *user,
                     struct slice user_id);

/* A record in two parts that change at their own pace: every scrobble changes the first, a session
 * that is folded both. Together they are the whole record. */
enum user_part {
    USER_OPEN,   /* user id, the two sessions, fingerprints, sketches */
    USER_HISTORY /* statistics, rings */
};

/** Bytes of a part laid end to end. */
size_t user_part_bytes(const struct user_layout *layout, enum user_part part);
/** Lays a part end to end. @param out user_part_bytes() */
void user_part_save(const struct user_layout *layout, enum user_part part,
                    const struct user_state *user, void *out);
/** The other way; the other part is left alone. */
void user_part_load(const struct user_layout *layout, enum user_part part, struct user_state *user,
                    const void *saved);
/** Copies a part from one record to another. */
void user_part_copy(const struct user_layout *layout, enum user_part part, struct user_state *to,
                    const struct user_state *from);

static inline int64_t session_end_ms(const struct session_sums *s)
{
    return s->last_ms + s->last_duration_ms;
}
static inline int64_t session_length_ms(const struct session_sums *s)
{
    return session_end_ms(s) - s->start_ms;
}

#endif
