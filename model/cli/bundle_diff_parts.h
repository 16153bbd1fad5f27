/* bundle_diff_parts.h - what the two files of `outro bundle diff` share. */
#ifndef OUTRO_CLI_BUNDLE_DIFF_PARTS_H
#define OUTRO_CLI_BUNDLE_DIFF_PARTS_H

#include <stdbool.h>

#include "bundle/bundle.h"
#include "bundle/manifest.h"
#include "core/err.h"

struct diff_side {
    const char *path;
    struct manifest *manifest;
    struct bundle *bundle;
};

/** Whether two nets are made alike, so that their parameters can be set against each other. */
bool diff_nets_alike(const struct predictor *x, const struct predictor *y);

/** How far the parameters of alike nets are apart, by the length of the first's. */
double diff_weights(const struct predictor *x, const struct predictor *y);

/** "none", or a line for each input that y standardises otherwise than x by a tenth or more; behind
 * a line that ends with a colon. */
void diff_put_scalers(const struct predictor_scaler *x, const struct predictor_scaler *y,
                      int indent);

/** Medians of two nets on cases, to the end of the line.
 *  @param of the manifest whose self-test rows those are; x and y have its inputs */
int diff_put_medians(const struct manifest *of, const struct predictor *x,
                     const struct predictor *y, struct err *err) MUST_CHECK;

/** Who is grouped how, which nets serve the groups, and who gets another net.
 *  @return 0, or -1 with ERR_MEMORY, ERR_SHAPE */
int diff_clusters(const struct diff_side *a, const struct diff_side *b, struct err *err) MUST_CHECK;

#endif
