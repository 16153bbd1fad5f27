#include "data/synth_names.h"

#include <math.h>
#include <string.h>

/* What a hash is for, so that no two questions get the same answer. */
enum purpose {
    ABOUT_TRACK_COUNT = 1,
    ABOUT_ARTIST,
    ABOUT_ARTIST_MBID,
    ABOUT_TRACK,
    ABOUT_TRACK_MBID,
    ABOUT_DURATION
};

#define SYLLABLES 80

static uint64_t about_artist(uint64_t seed, enum purpose purpose, uint32_t artist)
{
    return synth_hash(seed, (uint64_t)purpose, artist);
}

static uint64_t about_track(uint64_t seed, enum purpose purpose, struct synth_track track)
{
    return synth_hash(seed, (uint64_t)purpose,
                      (uint64_t)track.artist * SYNTH_TRACKS_MAX + track.number);
}

static char *put(char *p, const char *text)
{
    size_t size = strlen(text);
    memcpy(p, text, size);
    return p + size;
}

/* A capitalised word of count syllables, another one for each number below SYLLABLES^count. */
static char *put_word(char *p, uint32_t number, int count)
{
    static const char consonants[] = "bdfghjklmnprstvz";
    static const char vowels[] = "aeiou";
    for (int i = 0; i < count; i++) {
        uint32_t syllable = number % SYLLABLES;
        number /= SYLLABLES;
        *p++ = (char)(consonants[syllable / 5] - (i ? 0 : 'a' - 'A'));
        *p++ = vowels[syllable % 5];
    }
    return p;
}

uint32_t synth_track_count(uint64_t seed, uint32_t artist)
{
    return 8 + (uint32_t)(about_artist(seed, ABOUT_TRACK_COUNT, artist) % 41);
}

size_t synth_artist_name(uint64_t seed, uint32_t artist, char *out)
{
    uint64_t hash = about_artist(seed, ABOUT_ARTIST, artist);
    /* The first word tells artists apart: 7919 has no factor in common with the number of words. */
    uint32_t word = (uint32_t)((artist * UINT64_C(7919) + seed % 1000) % 512000);
    char *p = out;
    if (hash % 6 == 0)
        p = put(p, "The ");
    p = put_word(p, word, 3);
    switch ((hash >> 8) % 12) {
    case 0:
        p = put(p, "s");
        break;
    case 1:
    case 2:
    case 3:
        p = put_word(put(p, " "), (uint32_t)(hash >> 16) % 6400, 2);
        break;
    case 4:
        p = put(p, "\xc3\xb6"); // "ö"
        break;
    case 5:
        p = put_word(put(p, " & "), (uint32_t)(hash >> 16) % 6400, 2);
        break;
    default:
        break;
    }
    return (size_t)(p - out);
}

size_t synth_track_name(uint64_t seed, struct synth_track track, char *out)
{
    uint64_t hash = about_track(seed, ABOUT_TRACK, track);
    uint64_t first = about_artist(seed, ABOUT_TRACK, track.artist);
    uint32_t other = (uint32_t)(hash >> 16) % 6400;
    /* The first word tells the artist's tracks apart, as above. */
    char *p = put_word(out, (uint32_t)((first + track.number * UINT64_C(1237)) % 6400), 2);
    switch (hash % 200) {
    case 0:
        p = put(p, " (12\" Mix)"); // what needs an escape in JSON is rare, but there
        break;
    case 1:
    case 2:
    case 3:
    case 4:
        p = put_word(put(p, " (Live \xc3\xa0 "), other, 2); // "à"
        p = put(p, ")");
        break;
    default:
        if (hash % 2)
            p = put_word(put(p, hash % 3 ? " " : " of "), other, 2);
        break;
    }
    return (size_t)(p - out);
}

/* Version 4, variant 1: any reader of UUIDs takes it. */
static size_t put_mbid(uint64_t hash, char *out)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t bits[2] = {hash, hash_mix(hash)};
    for (int i = 0, digit = 0; i < SYNTH_MBID_SIZE; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            out[i] = '-';
            continue;
        }
        out[i] = hex[(bits[digit / 16] >> (4 * (digit % 16))) & 15];
        digit++;
    }
    out[14] = '4';
    out[19] = hex[8 | (hash & 3)];
    return SYNTH_MBID_SIZE;
}

size_t synth_artist_mbid(uint64_t seed, uint32_t artist, char *out)
{
    uint64_t hash = about_artist(seed, ABOUT_ARTIST_MBID, artist);
    return hash % 8 ? put_mbid(hash, out) : 0;
}

size_t synth_track_mbid(uint64_t seed, struct synth_track track, char *out)
{
    uint64_t hash = about_track(seed, ABOUT_TRACK_MBID, track);
    return hash % 10 < 7 ? put_mbid(hash, out) : 0;
}

int64_t synth_track_ms(uint64_t seed, struct synth_track track)
{
    uint64_t hash = about_track(seed, ABOUT_DURATION, track);
    double bell = 0; // the sum of four uniforms: near enough to normal, variance 1/3
    for (int i = 0; i < 4; i++)
        bell += (double)((hash >> (16 * i)) & 0xffff) * 0x1p-16 - 0.5;
    return 1000 * (int64_t)(218 * exp(0.55 * bell)) + (int64_t)(hash % 1000);
}

bool synth_track_ms_known(uint64_t seed, struct synth_track track)
{
    return about_track(seed, ABOUT_DURATION, track) / 1000 % 5 == 0;
}
