/* score_compare.h - are two recipes different? Both were trained from the same seeds and scored on
 * the same rows; their difference is taken user by user, averaged over the seeds, and given an
 * interval by drawing users with replacement. So what one user's habits do to both cancels, and
 * what a seed does is seen beside it. Pure. */
#ifndef OUTRO_STREAM_SCORE_COMPARE_H
#define OUTRO_STREAM_SCORE_COMPARE_H

#include "core/err.h"
#include "stream/score_sums.h"

enum metric { METRIC_M1, METRIC_M1_MACRO, METRIC_M2I, METRIC_M3, METRIC_PBI, METRIC_PB1, METRICS };
extern const char *const metric_names[METRICS];

/* Ratios of the net; NAN where one of the two has none. */
struct comparison {
    struct {
        double mean, sd; /* over seeds; sd is 0 for one seed */
    } of[2];
    double difference; /* second - first, mean over seeds */
    struct interval interval;
};

#define COMPARE_DRAWS 2000

/** Compares. @param sums of the two: (seeds * users), all users of the first seed first; users
 * without a scored session are left out  @param seed of the draws
 *  @return 0, or -1: ERR_INPUT (nobody scored), ERR_MEMORY */
int score_compare(const struct score_sums *const sums[2], size_t seeds, size_t users, uint64_t seed,
                  struct comparison out[METRICS], struct err *err) MUST_CHECK;

#endif
