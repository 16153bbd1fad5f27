/* synth_listener.h - one invented person: when they listen, for how long, to what. A value without
 * pointers; all its chances come from its own stream of random numbers, so that it lives the same
 * life among any others. */
#ifndef OUTRO_DATA_SYNTH_LISTENER_H
#define OUTRO_DATA_SYNTH_LISTENER_H

#include "data/synth_names.h"

struct listener {
    uint64_t random;
    /* habits, for life */
    uint64_t taste;          /* seeds the favourite artists */
    double ln_scale_s;       /* ln of the Weibull scale of a session's length, at an average hour */
    double hour_swing;       /* how far the hour moves that, up at peak_hour and down opposite */
    double peak_hour;        /* UTC */
    double weekend_shift;    /* how far a weekend moves it */
    double single_share;     /* of sessions that are one scrobble */
    double resume_share;     /* of sessions soon followed by the next */
    double stay_share;       /* of scrobbles followed by the same artist's next */
    double favourite_share;  /* of new artists that are favourites */
    double goodnight_share;  /* of sessions that end with the one last track */
    double starts_per_hour;  /* while not listening, at an hour of average weight */
    uint8_t hour_weight[48]; /* weekdays, then weekends; 32 is average */
    struct synth_track goodnight;
    /* now */
    struct synth_track track;
    uint32_t time_s; /* of the next scrobble, epoch seconds */
    uint32_t session_start_s;
    double planned_s; /* length of the session; negative: it has one scrobble */
    double mood;      /* drifts from session to session */
    bool at_start;    /* the next scrobble opens a session */
    bool ending;      /* the next scrobble is the goodnight track */
};

/** A new person who first listens within two weeks of start_s. @param sessions_per_day mean over
 * people */
void listener_init(struct listener *listener, uint64_t world_seed, uint64_t seed, uint32_t start_s,
                   double sessions_per_day);

/** Plays the next scrobble: its track is set, and time_s moved on to the one after it.
 *  @return when it was played, epoch seconds */
uint32_t listener_play(struct listener *listener, uint64_t world_seed);

#endif
