/* feature_names.h - the names of the net's inputs, in the order in which they stand in its rows
 * (model/PREDICTOR.md). What stream/ computes, what a bundle lists: the same table. A bundle with
 * other names or another order is refused. */
#ifndef OUTRO_BUNDLE_FEATURE_NAMES_H
#define OUTRO_BUNDLE_FEATURE_NAMES_H

#include "nn/predictor.h"

extern const char *const STEP_NAMES[STEP_INPUTS];     /* of a finished session */
extern const char *const START_NAMES[START_FEATURES]; /* known at a session's start */
extern const char *const LIVE_NAMES[LIVE_FEATURES];   /* of the running session */

#endif
