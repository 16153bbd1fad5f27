/* validation.h - how much better than the kernel KM a predictor serves: the mean over users of
 *     sum of pinball(.1 .5 .9) / i   over   the same of the kernel KM's own quantiles
 * on the validation sessions, in seconds of remaining time, on the numbers serving would publish
 * (sorted, >= 0); of a net of a single value the same at .5 alone, which is its absolute error;
 * the hidden state carried from a user's first session on. Seconds, because the
 * metric that counts (PBi, model/PREDICTOR.md) is in seconds. */
#ifndef OUTRO_NN_VALIDATION_H
#define OUTRO_NN_VALIDATION_H

#include "core/err.h"
#include "nn/train_set.h"

/** @param ratio out: 1 is as good as the kernel, less is better; NAN when no user has a validation
 * row the kernel misses
 *  @return 0, or -1 with ERR_MEMORY */
int validation_ratio(const struct train_set *set, const struct predictor *predictor, double *ratio,
                     struct err *err) MUST_CHECK;

/** Rows that count in it. */
size_t validation_rows(const struct train_set *set);

#endif
