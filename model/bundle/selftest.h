/* selftest.h - a few rows that travel in a bundle with what the net that was saved said about them:
 * the proof that the net that was loaded, on this machine and under this build, is that net, scaler
 * and all. Pure. Values without pointers. */
#ifndef OUTRO_BUNDLE_SELFTEST_H
#define OUTRO_BUNDLE_SELFTEST_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/prediction.h"
#include "nn/predictor.h"

#define SELFTEST_CASES_MAX 8
#define SELFTEST_STEPS_MAX 64
#define SELFTEST_CASES     4    /* how many selftest_make makes */
#define SELFTEST_TOLERANCE 1e-4 /* of the expected seconds, or of 1 s if they are fewer */

struct selftest_case {
    uint32_t steps;                              /* finished sessions before this one */
    float step[SELFTEST_STEPS_MAX][STEP_INPUTS]; /* raw */
    float start[START_FEATURES_MAX];             /* raw; S of the net */
    float live[LIVE_FEATURES];                   /* raw */
    float kernel_s[QUANTILES];                   /* remaining seconds of the kernel KM */
    float remaining_s[QUANTILES]; /* what the net says; the outer two NAN without an interval */
};

/** Makes SELFTEST_CASES cases about net: inputs spread over its scaler's range from a fixed seed,
 * the expected seconds by the net itself. @param out SELFTEST_CASES of them  @return 0, or -1 with
 * ERR_MEMORY, ERR_SHAPE */
int selftest_make(const struct predictor *net, struct selftest_case *out,
                  struct err *err) MUST_CHECK;

/** What net says of cases, all in one batch. @param remaining_s (count) out  @return 0, or -1 with
 * ERR_MEMORY, ERR_SHAPE */
int selftest_answer(const struct predictor *net, const struct selftest_case *cases, size_t count,
                    float remaining_s[][QUANTILES], struct err *err) MUST_CHECK;

/** Does net say what it said when it was saved? @param answer (count) what that was; NULL: the
 * cases' own  @return 0, or -1: ERR_CHECK naming the case, what was
 * expected and what came; ERR_MEMORY, ERR_SHAPE */
int selftest_run(const struct predictor *net, const struct selftest_case *cases,
                 const float (*answer)[QUANTILES], size_t count, struct err *err) MUST_CHECK;

#endif
