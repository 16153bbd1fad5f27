/* evaluation.h - how good single predictions at the start of sessions were: root mean square and
 * mean absolute error, and the latter over a baseline's on the same rows; by cluster and over all,
 * averaged over clusters by their users and by their sessions; and how long the sessions of each
 * cluster are. Pure. */
#ifndef OUTRO_STREAM_EVALUATION_H
#define OUTRO_STREAM_EVALUATION_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum evaluated {
    EVALUATED_MODEL,    /* what is evaluated */
    EVALUATED_KERNEL,   /* kernel KM */
    EVALUATED_MEAN,     /* of the user's training lengths */
    EVALUATED_MEDIAN,   /* of the same */
    EVALUATED_PREVIOUS, /* length of the session before */
    EVALUATED_RUNNING,  /* average of all before */
    EVALUATED
};
extern const char *const evaluated_names[EVALUATED]; /* "model", "kernel-km", "user-mean", ... */

struct evaluation_row {
    uint32_t user;   /* any number of the caller's */
    int32_t cluster; /* -1: none */
    double length_s;
    double said_s[EVALUATED]; /* NAN: no such predictor, in all rows alike */
};

/* Zero to begin. */
struct evaluation {
    struct evaluation_row *row; /* (rows) owned; what is judged */
    size_t rows, row_capacity;
    struct evaluation_length {
        uint32_t user;
        int32_t cluster;
        double length_s;
    } * length; /* (lengths) owned; what the statistics are of */
    size_t lengths, length_capacity;
};

/** @return 0, -1 with ERR_MEMORY */
int evaluation_add(struct evaluation *evaluation, const struct evaluation_row *row,
                   struct err *err) MUST_CHECK;
int evaluation_add_length(struct evaluation *evaluation, struct evaluation_length length,
                          struct err *err) MUST_CHECK;
void evaluation_release(struct evaluation *evaluation);

#define EVALUATION_QUANTILES 5 /* .1 .25 .5 .75 .9 */
extern const double evaluation_levels[EVALUATION_QUANTILES];

struct length_statistics { /* seconds; between two values by their distance */
    uint64_t users, sessions;
    double mean_s, sd_s, min_s, max_s, quantile_s[EVALUATION_QUANTILES];
};

struct evaluation_score {
    double rmse_s, mae_s; /* NAN without the predictor */
    double normalised;    /* MAE over the baseline's */
};

struct evaluation_group {
    int32_t cluster;
    uint64_t users, sessions; /* judged */
    struct evaluation_score of[EVALUATED];
    struct length_statistics lengths;
};

struct evaluation_report {
    struct evaluation_group *group; /* (groups) owned, ascending clusters */
    size_t groups;
    struct evaluation_group all; /* of all rows together; cluster -1 */
    double by_users[EVALUATED],
        by_sessions[EVALUATED]; /* means over the groups' normalised MAE, weighted */
};

/** @param baseline one that every row has  @return 0, or -1: ERR_INPUT without a row, ERR_MEMORY */
int evaluation_report(struct evaluation *evaluation, enum evaluated baseline,
                      struct evaluation_report *report, struct err *err) MUST_CHECK;
void evaluation_report_release(struct evaluation_report *report);

#endif
