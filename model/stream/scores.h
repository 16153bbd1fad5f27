/* scores.h - the sink that says how good predictions were, on the last fifth of each user's
 * sessions, beside baselines on identical rows (model/PREDICTOR.md). Rows are kept until the log is
 * at its end, since the split and the baselines (a user's training mean, median, KM static) hang on
 * it; 60 bytes a scrobble. */
#ifndef OUTRO_STREAM_SCORES_H
#define OUTRO_STREAM_SCORES_H

#include "stream/kernel_km.h"
#include "stream/pipeline.h"
#include "stream/session_lengths.h"

enum scored {
    SCORED_NET,     /* what was published */
    SCORED_KERNEL,  /* kernel KM */
    SCORED_RUNNING, /* KM running */
    SCORED_STATIC,  /* KM of the user's training lengths and the pool */
    SCORED_MEDIAN,  /* the user's training median, never below the elapsed time */
    SCORED_MEAN,    /* the user's training mean */
    SCORED
};

#define CHECKPOINTS 5 /* scrobbles 1, 2, 5, 10, 20 */

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

/* The whole log, training sessions and all: at the start of every session that has one before it.
 */
struct start_errors {
    uint64_t sessions;
    double net_s, running_mean_s,
        running_median_s; /* MAE, seconds; of the user's sessions so far */
    double coverage;      /* of p10 .. p90, at every scrobble of the log, weight 1/i */
};

struct score_report {
    struct start_errors whole;
    uint64_t users, sessions, rows; /* scored */
    uint64_t below_elapsed;         /* predictions under the elapsed time: there must be none */
    struct score of[SCORED];
    struct interval m1, m3, pbi; /* of net - kernel KM: paired bootstrap over users */
};

struct scores;

/** @param partitions stores that feed it  @param pool_ms (POOL_VALUES) of the bundle, copied */
struct scores *scores_new(uint32_t partitions, const int64_t *pool_ms, struct err *err) MUST_CHECK;
void scores_free(struct scores *scores);

/** For pipeline_sink, with ctx the scores. */
int scores_take_prediction(void *ctx, const struct prediction *prediction,
                           const struct prediction_detail *detail, struct err *err);
int scores_take_session(void *ctx, const struct session *session, uint32_t partition,
                        uint32_t user_index, struct err *err);

/** Once every session is closed. @param seed of the bootstrap  @return 0, -1 with ERR_MEMORY;
 * report->rows 0: nothing to score (users with too few sessions) */
int scores_report(const struct scores *scores, uint64_t seed, struct score_report *report,
                  struct err *err) MUST_CHECK;

#endif
