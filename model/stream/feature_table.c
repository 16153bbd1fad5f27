#include "stream/feature_table.h"

#define STEP(name, unit, formula)                                                                  \
    {                                                                                              \
        name, FEATURE_STEP, unit, formula, FEATURE_STANDARDISED                                    \
    }
#define START(name, unit, formula)                                                                 \
    {                                                                                              \
        name, FEATURE_START, unit, formula, FEATURE_STANDARDISED                                   \
    }
#define LIVE(name, unit, formula)                                                                  \
    {                                                                                              \
        name, FEATURE_LIVE, unit, formula, FEATURE_STANDARDISED                                    \
    }

/* L: a session's length, n: its scrobbles, g: the gap from the last start of the session before to
 * its first; z = ln(L + 30); i: number of the scrobble in its session. EW(h): a mean whose weights
 * halve every h sessions, a plain one at first. */
const struct feature FEATURE_TABLE[FEATURES] = {
    STEP("ln_length", "ln s", "ln(L + 30)"),
    STEP("ln_tracks", "ln 1", "ln n"),
    STEP("ln_gap", "ln s", "ln g; g is 86,400 s for a user's first session, at least 1 s"),
    STEP("sin_hour", "1", "sine of the start's time of day"),
    STEP("cos_hour", "1", "cosine of the start's time of day"),
    STEP("sin_week", "1", "sine of the start's time of week, 0 at Sunday 00:00"),
    STEP("cos_week", "1", "cosine of the start's time of week, 0 at Sunday 00:00"),
    STEP("mean_ln_interval", "ln s",
         "mean of ln(interval + 10) between scrobbles; pace as it stood before the session if n = "
         "1"),
    STEP("distinct_artists", "1", "distinct artists / n"),
    STEP("same_artist", "1", "scrobbles whose artist is that of the scrobble before / n"),
    STEP("new_artist", "1", "scrobbles whose artist the user had never played before / n"),
    STEP("ln_max_interval", "ln s", "ln(longest interval + 10); ln 10 if n = 1"),
    STEP("sin_end_hour", "1", "sine of the last scrobble's time of day"),

    START("ln_gap", "ln s", "ln g; g is 86,400 s for a user's first session, at least 1 s"),
    START("sin_hour", "1", "sine of the start's time of day"),
    START("cos_hour", "1", "cosine of the start's time of day"),
    START("weekend", "0 or 1", "1 on Saturday and Sunday"),
    START("sd_z", "ln s",
          "sqrt(v): m += d / (k + 3), v += (d^2 - v) / (k + 5), d = z - m, k the sessions before"),
    START("ew10_z", "ln s", "EW(10) of z"),
    START("ew30_z", "ln s", "EW(30) of z"),
    START("daypart", "ln s",
          "mean of z by start hour: 24 bins, Gaussian of 1.5 h, half-life 50 sessions, shrunk to "
          "ew30_z with the weight of 4 sessions"),
    START("daypart_weekend", "ln s",
          "the same for the kind of day, weekday or weekend, half-life 100 sessions, shrunk to "
          "daypart with weight 4"),
    START("ew20_single", "share", "EW(20) of whether a session has one scrobble"),
    START("pace", "ln s",
          "EW(20) of the session's mean of ln(interval + 10); one scrobble leaves it as it is"),
    START("ln_sessions_today", "ln 1",
          "ln(1 + sessions finished since the last gap over 4 h, the one it opened included; 0 in "
          "that one)"),
    START("ln_seconds_24h", "ln s",
          "ln(30 + summed lengths of finished sessions that started in the last 24 h)"),
    START("ln_sessions_7d", "ln 1",
          "ln(1 + number of finished sessions that started in the last 7 days)"),

    /* the panel: what a net may have beside those above */
    START("ln_previous_length", "ln s",
          "ln(length of the session before + 30); ln 1230 in the first"),
    START("ln_mean_all", "ln s",
          "ln(mean length of all finished sessions + 30); ln 1230 before any"),
    START("ln_mean_30", "ln s", "the same of the last 30, or of as many as there are"),
    START("ln_mean_10", "ln s", "the same of the last 10"),
    START("ln_mean_5", "ln s", "the same of the last 5"),
    START("ln_mean_band", "ln s",
          "the same of the sessions in the ring that started in this band of the day; ln_mean_all "
          "without one"),
    START("ln_absence", "ln s",
          "ln(time from the end of the session before, its last track counted, to the start); ln "
          "86,400 in the first"),
    START("ln_previous_absence", "ln s",
          "ln_absence of the session before, from the ring; ln 86,400 without one"),
    START("holiday", "0 or 1", "1 if the day of the start is in the file of holidays"),
    START("sunday", "0 or 1", "1 if the start is on a Sunday"),
    START("monday", "0 or 1", "1 if it is on a Monday"),
    START("tuesday", "0 or 1", "1 if it is on a Tuesday"),
    START("wednesday", "0 or 1", "1 if it is on a Wednesday"),
    START("thursday", "0 or 1", "1 if it is on a Thursday"),
    START("friday", "0 or 1", "1 if it is on a Friday"),
    START("saturday", "0 or 1", "1 if it is on a Saturday"),
    START("band_morning", "0 or 1", "1 if the start is from 5 to 12 o'clock"),
    START("band_afternoon", "0 or 1", "1 if it is from 12 to 17 o'clock"),
    START("band_evening", "0 or 1", "1 if it is from 17 to 22 o'clock"),
    START("band_night", "0 or 1", "1 if it is from 22 to 5 o'clock"),

    LIVE("ln_elapsed", "ln s", "ln(elapsed + 30), elapsed from the first to the last start so far"),
    LIVE("ln_i", "ln 1", "ln i"),
    LIVE("ln_last_interval", "ln s", "ln(last interval + 10); pace at i = 1"),
    LIVE("mean_ln_interval", "ln s", "mean of ln(interval + 10) so far; pace at i = 1"),
    LIVE("ln_max_interval", "ln s", "ln(longest interval so far + 10); pace at i = 1"),
    LIVE("last_minus_pace", "ln s", "ln_last_interval - pace; 0 at i = 1"),
    LIVE("distinct_artists", "1", "distinct artists so far, this one included / i"),
    LIVE("track_seen", "0 or 1", "1 if the track was already in this session"),
    LIVE("track_end_rate", "1",
         "(ends + .08) / (plays + 1): sessions the track ended, the user's earlier plays of it, as "
         "far as the sketch remembers"),
    LIVE("artist_end_rate", "1", "(ends + .4) / (plays + 5), the same of the artist"),
    LIVE("kernel_p10", "ln s", "ln(remaining .1 quantile of the kernel KM + 30)"),
    LIVE("kernel_p50", "ln s", "ln(remaining .5 quantile of the kernel KM + 30)"),
    LIVE("kernel_p90", "ln s", "ln(remaining .9 quantile of the kernel KM + 30)"),
    LIVE("running_p10", "ln s", "ln(remaining .1 quantile of KM running + 30)"),
    LIVE("running_p50", "ln s", "ln(remaining .5 quantile of KM running + 30)"),
    LIVE("running_p90", "ln s", "ln(remaining .9 quantile of KM running + 30)"),

    {"previous_session_length_s", FEATURE_RAW, "s",
     "length of the user's session before; 0 in the first", FEATURE_UNSCALED},
    {"average_session_length_s", FEATURE_RAW, "s",
     "mean length of the user's finished sessions, to 1/100; 0 in the first", FEATURE_UNSCALED},
};
