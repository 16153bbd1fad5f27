/* feature_table.h - FEATURE_TABLE: what the net sees of a user, one row a feature, in the order of
 * its rows (bundle/feature_names.h), and the two raw values that every prediction carries beside
 * it. For people and tools; features.h and history.h compute. In prose: model/PREDICTOR.md. */
#ifndef OUTRO_STREAM_FEATURE_TABLE_H
#define OUTRO_STREAM_FEATURE_TABLE_H

#include "nn/predictor.h"

enum feature_kind {
    FEATURE_STEP,  /* of a finished session; one recurrent step */
    FEATURE_START, /* known at a session's first scrobble, the same throughout */
    FEATURE_LIVE,  /* of the running session, after each scrobble */
    FEATURE_RAW    /* no input of the net: in every prediction as it is */
};

#define FEATURE_STANDARDISED "standardised on training rows, clipped at +-5"
#define FEATURE_UNSCALED     "none"

struct feature {
    const char *name;
    enum feature_kind kind;
    const char *unit; /* "1": a number; "ln s": logarithm of seconds */
    const char *formula;
    const char *scaling;
};

enum {
    FEATURES_OF_NET = STEP_INPUTS + START_FEATURES_MAX + LIVE_FEATURES,
    FEATURES = FEATURES_OF_NET + 2
};

extern const struct feature FEATURE_TABLE[FEATURES];

#endif
