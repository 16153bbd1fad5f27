/* seed_judge.h - what the re-implemented system said of its models, and what they were worth: a
 * normalised MAE as its protocol computes it, and the same with one error after another taken back.
 * Pure.
 *
 * Normalised MAE: the models' mean absolute error over that of a baseline, the mean of the user's
 * training lengths. As published, each cluster's error is divided by one number for everybody, and
 * the quotients are averaged by the clusters' test rows. */
#ifndef OUTRO_SEED_SEED_JUDGE_H
#define OUTRO_SEED_SEED_JUDGE_H

#include <stdbool.h>

#include "core/err.h"
#include "seed/seed_models.h"

/* Each step takes back one error and keeps back those before it. */
enum seed_step {
    SEED_PUBLISHED, /* all errors made */
    SEED_JOINED,    /* labels joined to their own rows, in training and in testing */
    SEED_SECONDS,   /* z-scores turned back to seconds, over a baseline in seconds */
    SEED_ALL_ROWS,  /* no test row left out by its label */
    SEED_SAME_ROWS, /* the baseline of the rows that are judged, not of all */
    SEED_EVERYBODY, /* people without a model count: with the baseline, as nothing better was said
                     */
    SEED_STEPS
};
extern const char *const seed_step_names[SEED_STEPS]; /* "published", "joined", "seconds", ... */
extern const char *const seed_step_texts[SEED_STEPS]; /* the sentence above */

/* Of the rows that have a model, in seconds. */
struct seed_spread {
    uint64_t rows, users;              /* judged */
    uint64_t left_out, users_left_out; /* test rows and their users without a model */
    double mae_s, rmse_s;
    double said_sd_s;   /* of what was said, around the mean of its cluster */
    double length_sd_s; /* of the truth, around the same */
    double same; /* share of rows within 1 % of the median of what their cluster's model says */
    double mean_said_s,
        median_s;    /* mean of what was said; of the training medians of the clusters */
    double constant; /* normalised MAE of the clusters' training medians, on the same rows ... */
    double constant_everybody; /* ... and counting people without a model as above */
};

struct seed_judgement {
    double ratio[SEED_STEPS];  /* normalised MAE; NAN where nothing is judged */
    double baseline_s;         /* MAE of the user's mean over all test rows, s ... */
    double baseline_sd;        /* ... and as published for standardised models, in deviations */
    struct seed_spread spread; /* of the models with labels of their own rows */
};

/** Judges trained models. @param models as published  @param joined the same trained with labels of
 * their own rows; models itself when nothing is standardised, or to take the error back in testing
 * alone  @return 0, -1 with ERR_MEMORY */
int seed_judge(const struct seed_models *models, const struct seed_models *joined,
               const struct seed_data *data, struct seed_judgement *out,
               struct err *err) MUST_CHECK;

/* The mean of each user's training labels. */
struct seed_means;
/** @return new, or NULL with ERR_MEMORY */
struct seed_means *seed_means_new(const struct seed_rows *train, struct err *err) MUST_CHECK;
void seed_means_free(struct seed_means *means); /* NULL is fine */
/** @return NAN for a user without a row */
double seed_means_of(const struct seed_means *means, uint32_t user);

/** MAE of the users' means over the rows of users that have one, sessions with an average below
 * 20,000 s alone (the original's own rule): raw in seconds, or standardised by one scaler of all
 * training rows, misjoined or not. @return NAN without a row; -1 in error: ERR_MEMORY */
int seed_baseline(const struct seed_data *data, bool standardised, bool misjoined, double filter,
                  double *out, struct err *err) MUST_CHECK;

#endif
