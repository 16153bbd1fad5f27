/* schedule.h - the learning rate of a step: a table of rows, found by name and printed back
 * ("constant", "cosine warmup=50 steps=4000", "step every=1000 factor=.5"). First `warmup` steps
 * straight from start to peak, then with u steps behind them
 *     constant  peak
 *     cosine    peak ((1-floor) (1 + cos(pi min(u, steps)/steps)) / 2 + floor)
 *     step      peak factor^floor(u / every)
 * Keras' CosineDecay(warmup_target=peak, alpha=floor) and PyTorch's LinearLR before
 * CosineAnnealingLR(eta_min = floor peak) are both the second. */
#ifndef OUTRO_NN_SCHEDULE_H
#define OUTRO_NN_SCHEDULE_H

#include <stddef.h>

#include "core/err.h"

#define SCHEDULE_TEXT_MAX 256 /* the NUL included */

struct schedule {
    const struct schedule_kind *kind; /* a row of the table */
    double warmup;                    /* steps */
    double start;                     /* of the warm-up, as a part of peak */
    double steps;  /* of cosine behind the warm-up; 0: not said, the caller sets it */
    double floor;  /* of cosine, as a part of peak */
    double every;  /* steps, of step; above 0 */
    double factor; /* of step */
};

/** Reads "NAME [key=value ...]"; not said are 0, but every=1000 and factor=.5.
 *  @return 0, or -1 with ERR_INPUT: the word and what it may be */
int schedule_parse(const char *text, struct schedule *out, struct err *err) MUST_CHECK;
/** The shortest text that reads back equal. */
void schedule_print(const struct schedule *schedule, char out[SCHEDULE_TEXT_MAX]);
/** @param peak learning rate behind the warm-up  @param step from 0, as Keras and PyTorch count  */
double schedule_rate(const struct schedule *schedule, double peak, double step);

#endif
