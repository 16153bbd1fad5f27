/* sketch.h - bounded memory of how often a user played something and how often a session ended with
 * it. A set-associative table of fingerprints inside the user's record: what is seldom played makes
 * room for what is new. Plays are counted up to 65,535 and ends up to 255; at a limit both are
 * halved, which keeps their ratio. Its size is a trade: see stream/README.md for what it costs in
 * accuracy. */
#ifndef OUTRO_STREAM_SKETCH_H
#define OUTRO_STREAM_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

struct sketch_entry {
    uint16_t tag; /* fingerprint; 0 empty */
    uint16_t plays;
    uint8_t ends;    /* sessions whose last scrobble it was */
    uint8_t session; /* low byte of the number of the session it was last played in */
};

struct sketch {
    struct sketch_entry *entries; /* borrowed */
    uint32_t slots;               /* a power of two, at least SKETCH_WAYS */
};

#define SKETCH_WAYS 8

/* What is known of one key before the scrobble at hand. */
struct sketch_counts {
    uint32_t plays, ends;
    bool in_session; /* already played in the session asked about */
};

/** Reads key's counts and counts one play of it in session. */
struct sketch_counts sketch_play(struct sketch sketch, uint64_t key, uint32_t session);

/** Brings key's set near: a hint before sketch_play. */
void sketch_fetch(struct sketch sketch, uint64_t key);

/** Counts one ended session for key, if it is still remembered. */
void sketch_end(struct sketch sketch, uint64_t key);

#endif
