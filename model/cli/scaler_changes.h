/* scaler_changes.h - which inputs two nets standardise otherwise. Pure. */
#ifndef OUTRO_CLI_SCALER_CHANGES_H
#define OUTRO_CLI_SCALER_CHANGES_H

#include <stddef.h>

#include "nn/predictor.h"

#define SCALER_INPUTS_MAX (STEP_INPUTS + START_FEATURES_MAX + LIVE_FEATURES)

/* One input. What only one of the two has is a change as well: shift and ratio say nothing then. */
struct scaler_change {
    const char *kind, *name; /* "step", "start", "live"; as feature_names.h has it */
    int only;                /* 1, 2: only the first, only the second has it; 0: both */
    double shift;            /* of its mean, in deviations of the first */
    double ratio;            /* the second's deviation by the first's */
};

/** Those by a tenth or more, in the order of the net's inputs. @param out (SCALER_INPUTS_MAX)
 *  @return how many */
size_t scaler_changes(const struct predictor_scaler *x, const struct predictor_scaler *y,
                      struct scaler_change *out);

/** "12 of 43 inputs otherwise than the global net's by a tenth or more, most live hour (mean +1.00
 * deviations, deviation times 0.90)". @param own of a net beside the global one of its bundle */
void scaler_changes_sum_up(const struct predictor_scaler *global,
                           const struct predictor_scaler *own, char *out, size_t size);

#endif
