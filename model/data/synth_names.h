/* synth_names.h - the world that invented listeners live in: artists, tracks, MBIDs, track lengths.
 * Nothing is stored: all of it is computed from the seed and the numbers of artist and track. */
#ifndef OUTRO_DATA_SYNTH_NAMES_H
#define OUTRO_DATA_SYNTH_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/hash.h"

#define SYNTH_ARTIST_ROOT 40 /* cube root of the number of artists */
#define SYNTH_ARTISTS     (SYNTH_ARTIST_ROOT * SYNTH_ARTIST_ROOT * SYNTH_ARTIST_ROOT)
#define SYNTH_TRACKS_MAX  64 /* of one artist */
#define SYNTH_NAME_MAX    64 /* bytes */
#define SYNTH_MBID_SIZE   36

struct synth_track {
    uint32_t artist; /* rank of popularity, 0 .. SYNTH_ARTISTS - 1 */
    uint32_t number; /* 0 .. synth_track_count - 1 */
};

/** A number of 64 bits that belongs to seed and (a, b) for ever. */
static inline uint64_t synth_hash(uint64_t seed, uint64_t a, uint64_t b)
{
    return hash_mix(hash_mix(seed ^ (a * UINT64_C(0x9e3779b97f4a7c15))) + b);
}

/** Uniform in [0, 1) from the upper 53 bits. */
static inline double synth_uniform(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

/** Rank from a uniform number; popularity falls with rank^(-2/3), so that the inverse is a cube. */
static inline uint32_t synth_artist_at(double uniform)
{
    double root = 1 + uniform * (SYNTH_ARTIST_ROOT - 1);
    uint32_t rank = (uint32_t)(root * root * root) - 1;
    return rank < SYNTH_ARTISTS ? rank : SYNTH_ARTISTS - 1;
}

uint32_t synth_track_count(uint64_t seed, uint32_t artist);

/** Names are unique: artists among artists, tracks among those of one artist. @param out
 * SYNTH_NAME_MAX bytes
 *  @return bytes written */
size_t synth_artist_name(uint64_t seed, uint32_t artist, char *out);
size_t synth_track_name(uint64_t seed, struct synth_track track, char *out);

/** @param out SYNTH_MBID_SIZE bytes  @return SYNTH_MBID_SIZE, or 0 when this one has none */
size_t synth_artist_mbid(uint64_t seed, uint32_t artist, char *out);
size_t synth_track_mbid(uint64_t seed, struct synth_track track, char *out);

/** How long the track lasts, and whether a crawl would know it. */
int64_t synth_track_ms(uint64_t seed, struct synth_track track);
bool synth_track_ms_known(uint64_t seed, struct synth_track track);

#endif
