/* scores.h - the sink that says how good predictions were, on the last fifth of each user's
 * sessions, beside baselines on identical rows (model/PREDICTOR.md). Rows are kept until the log is
 * at its end, since the split and the baselines (a user's training mean, median, KM static) hang on
 * it; 60 bytes a scrobble. */
#ifndef OUTRO_STREAM_SCORES_H
#define OUTRO_STREAM_SCORES_H

#include "stream/kernel_km.h"
#include "stream/pipeline.h"
#include "stream/score_sums.h"
#include "stream/session_lengths.h"

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

/** What the report is made of, for those who compare runs (score_compare.h). Once every session is
 * closed. @return new (users), caller frees, in the order of partitions and of user_index within;
 * NULL with ERR_MEMORY */
struct score_sums *scores_by_user(const struct scores *scores, size_t *users,
                                  struct err *err) MUST_CHECK;

/** Once every session is closed. @param seed of the bootstrap  @return 0, -1 with ERR_MEMORY;
 * report->rows 0: nothing to score (users with too few sessions) */
int scores_report(const struct scores *scores, uint64_t seed, struct score_report *report,
                  struct err *err) MUST_CHECK;

#endif
