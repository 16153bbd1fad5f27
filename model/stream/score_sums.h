/* score_sums.h - the sums that scores are ratios of, by user: what is added a row, what comes of
 * them (model/PREDICTOR.md, "Split and metrics"), and how far two of them are apart. Values without
 * pointers, so that users are drawn with replacement by adding them up. Pure. */
#ifndef OUTRO_STREAM_SCORE_SUMS_H
#define OUTRO_STREAM_SCORE_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "core/prediction.h"

enum scored {
    SCORED_NET,     /* what was published */
    SCORED_KERNEL,  /* kernel KM */
    SCORED_RUNNING, /* KM running */
    SCORED_STATIC,  /* KM of the user's training lengths and the pool */
    SCORED_MEDIAN,  /* the user's training median, never below the elapsed time */
    SCORED_MEAN,    /* the user's training mean */
    SCORED
};

#define CHECKPOINTS   5  /* scrobbles 1, 2, 5, 10, 20 */
#define SCORE_SLACK_S .5 /* an interval is missed by more than this */

/* Ratios of one predictor; NAN where it has none. All micro (sum / sum) but m1_macro (mean of
 * users' ratios). */
struct score {
    double mae_start_s;  /* MAE of the median at session start, seconds */
    double m1, m1_macro; /* that / the user's training mean */
    double m2i;          /* total length, weight 1/i / max(training median, elapsed) */
    double m3;           /* remaining time at the checkpoints / KM static */
    double m3_at[CHECKPOINTS];
    double pbi, pb1; /* pinball weighted 1/i, and at start / KM static */
    double below_at[CHECKPOINTS],
        above_at[CHECKPOINTS]; /* shares of L < p10 - .5 s, L > p90 + .5 s */
    double coverage;           /* of p10 .. p90, weight 1/i; NAN, as all that needs them, without */
};

struct interval {
    double low, high; /* 95 % */
};

/* Over one user's test rows, or several users'. Doubles first: they are added up as one array. */
struct score_sums {
    double start[SCORED], total[SCORED], remaining[SCORED][CHECKPOINTS], pinball[SCORED],
        pinball_start[SCORED];
    double below[SCORED][CHECKPOINTS], above[SCORED][CHECKPOINTS], covered[SCORED];
    double rows_at[CHECKPOINTS], weight;
    uint64_t rows, sessions; /* sessions 0: nothing of this user was scored */
};

/** Adds what a predictor of quantiles said at scrobble i. @param predicted remaining seconds */
void score_sums_add(struct score_sums *sums, enum scored who, uint32_t i, double remaining_s,
                    const double predicted[QUANTILES]);
/** Adds the row itself, and the two that say one length: the user's training median and mean. */
void score_sums_add_row(struct score_sums *sums, uint32_t i, double length_s, double elapsed_s,
                        double median_s, double mean_s);
void score_sums_merge(struct score_sums *into, const struct score_sums *from);

double score_m1(const struct score_sums *sums, enum scored who);
double score_m2i(const struct score_sums *sums, enum scored who);
double score_m3(const struct score_sums *sums, enum scored who);
double score_pbi(const struct score_sums *sums, enum scored who);
double score_pb1(const struct score_sums *sums, enum scored who);
/** All of them but m1_macro, which is the mean of users' m1. */
struct score score_of(const struct score_sums *sums, enum scored who);

/** The interval that holds the middle 95 % of draws. @param draws (count) sorted in place */
struct interval interval_of(double *draws, size_t count);

#endif
