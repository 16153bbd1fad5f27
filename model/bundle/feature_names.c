#include "bundle/feature_names.h"

const char *const STEP_NAMES[STEP_INPUTS] = {
    "ln_length",  "ln_tracks",       "ln_gap",           "sin_hour",         "cos_hour",
    "sin_week",   "cos_week",        "mean_ln_interval", "distinct_artists", "same_artist",
    "new_artist", "ln_max_interval", "sin_end_hour",
};

const char *const START_NAMES[START_FEATURES] = {
    "ln_gap",         "sin_hour",       "cos_hour",
    "weekend",        "sd_z",           "ew10_z",
    "ew30_z",         "daypart",        "daypart_weekend",
    "ew20_single",    "pace",           "ln_sessions_today",
    "ln_seconds_24h", "ln_sessions_7d",
};

const char *const LIVE_NAMES[LIVE_FEATURES] = {
    "ln_elapsed",       "ln_i",
    "ln_last_interval", "mean_ln_interval",
    "ln_max_interval",  "last_minus_pace",
    "distinct_artists", "track_seen",
    "track_end_rate",   "artist_end_rate",
    "kernel_p10",       "kernel_p50",
    "kernel_p90",       "running_p10",
    "running_p50",      "running_p90",
};
