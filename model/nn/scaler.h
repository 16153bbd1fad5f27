/* scaler.h - standardisation: x' = clip((x - mean) * inverse_sd), the same in training and in
 * serving. */
#ifndef OUTRO_NN_SCALER_H
#define OUTRO_NN_SCALER_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/predictor.h"

#define SCALER_WIDTH_MAX START_FEATURES_MAX

/* Running mean and sum of squared deviations of up to SCALER_WIDTH_MAX columns (Welford 1962). Zero
 * to begin. */
struct moments {
    double count;
    double mean[SCALER_WIDTH_MAX], squares[SCALER_WIDTH_MAX];
};

/** Takes one row. @param x (width) finite */
void moments_add(struct moments *moments, size_t width, const float *x);

/** Mean and 1 / population deviation of each column; a deviation of zero counts as 1, and so does
 * no row at all. */
void moments_scale(const struct moments *moments, size_t width, float *mean, float *inverse_sd);

/** Whether two standardise alike. */
bool scaler_same(const struct predictor_scaler *a, const struct predictor_scaler *b);

/** @param x (rows,width)  @param out (rows,width), out_stride apart. A NaN comes out as the lower
 * clip. */
void scaler_apply(size_t rows, size_t width, const float *x, const float *mean,
                  const float *inverse_sd, float *out, size_t out_stride);

#endif
