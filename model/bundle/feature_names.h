/* feature_names.h - the names of the net's inputs, in the order in which they stand in its rows
 * (model/PREDICTOR.md). What stream/ computes, what a bundle lists: the same table. Every net has
 * all step inputs, all live features and the first 14 start features; behind those 14 it has a
 * panel: any of the other start features, in the order of this table. A bundle with other names or
 * another order is refused. */
#ifndef OUTRO_BUNDLE_FEATURE_NAMES_H
#define OUTRO_BUNDLE_FEATURE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "nn/predictor.h"

extern const char *const STEP_NAMES[STEP_INPUTS];         /* of a finished session */
extern const char *const START_NAMES[START_FEATURES_MAX]; /* known at a session's start */
extern const char *const LIVE_NAMES[LIVE_FEATURES];       /* of the running session */

/* The panel, in the order of START_NAMES + START_FEATURES; a set of them has bit 1 << feature. */
enum panel_feature {
    PANEL_PREVIOUS_LENGTH,
    PANEL_MEAN_ALL,
    PANEL_MEAN_30,
    PANEL_MEAN_10,
    PANEL_MEAN_5,
    PANEL_MEAN_BAND,
    PANEL_ABSENCE,
    PANEL_PREVIOUS_ABSENCE,
    PANEL_HOLIDAY,
    PANEL_SUNDAY,
    PANEL_SATURDAY = PANEL_SUNDAY + 6,
    PANEL_MORNING,
    PANEL_AFTERNOON,
    PANEL_EVENING,
    PANEL_NIGHT,
    PANEL_END
};
_Static_assert(PANEL_END == PANEL_FEATURES, "a name for every feature of the panel");

static inline bool panel_has(uint32_t panel, enum panel_feature feature)
{
    return panel & UINT32_C(1) << feature;
}

/** Names of the S start features of a net with that panel, in their order. @return S */
size_t start_names(uint32_t panel, const char *out[START_FEATURES_MAX]);

#define PANEL_TEXT_MAX 512 /* the NUL included */

/** Reads "default" (none), "panel" (all), or names with commas between them; "weekday" stands for
 * its seven, "band" for its four. @return 0, or -1 with ERR_USAGE: what it may be */
int panel_parse(const char *text, uint32_t *panel, struct err *err) MUST_CHECK;
/** As panel_parse reads it back. */
void panel_print(uint32_t panel, char out[PANEL_TEXT_MAX]);

#endif
