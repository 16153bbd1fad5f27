/* train_set.h - what is trained and validated on: users' sessions as step inputs, and rows of
 * features with the truth behind them; and the split by time (model/PREDICTOR.md). Values in the
 * caller's memory. Header only. */
#ifndef OUTRO_NN_TRAIN_SET_H
#define OUTRO_NN_TRAIN_SET_H

#include <stddef.h>
#include <stdint.h>

#include "nn/predictor.h"

/* One scrobble that may be learned from. */
struct train_row {
    uint32_t session;          /* index in its user's sessions, from 0; rows ascend by it */
    uint32_t scrobble;         /* i in the session, from 1; the row's weight in validation is 1/i */
    float live[LIVE_FEATURES]; /* raw */
    float kernel_s[QUANTILES]; /* remaining seconds of the kernel KM, >= 0 */
    float remaining_s;         /* the truth: total length - elapsed, >= 0 */
};

/* One user: N sessions in time order, of which the first floor(7N/10) train and those up to
 * floor(8N/10) validate. Training rows are a sample, kept with probability min(1, 2/i);
 * validation rows are all there are, weighted 1/i. Rows of later sessions are not looked at. */
struct train_user {
    size_t sessions;
    float *steps; /* (sessions, 13) raw step inputs; row k is what session k gives once finished */
    float *start; /* (sessions, S) raw start features of those that have rows */
    size_t rows;
    struct train_row *row;
};

/** Of n sessions, the first train_sessions(n) train; those behind, up to validation_end(n),
 * validate. */
static inline size_t train_sessions(size_t n)
{
    return n / 10 * 7 + n % 10 * 7 / 10;
}
static inline size_t validation_end(size_t n)
{
    return n / 10 * 8 + n % 10 * 8 / 10;
}

struct train_set {
    size_t users;
    struct train_user *user;
    uint32_t panel; /* which panel features the S start features have behind the 14 of all nets */
};

#endif
