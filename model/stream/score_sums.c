#include "stream/score_sums.h"

#include <math.h>
#include <stdlib.h>

static const uint32_t checkpoint[CHECKPOINTS] = {1, 2, 5, 10, 20};
static const double levels[QUANTILES] = {.1, .5, .9};

/* NAN without an interval. */
static double pinball(double truth, const double predicted[QUANTILES])
{
    double sum = 0;
    for (int q = 0; q < QUANTILES; q++) {
        double d = truth - predicted[q];
        sum += d >= 0 ? levels[q] * d : (levels[q] - 1) * d;
    }
    return sum / QUANTILES;
}

void score_sums_add(struct score_sums *sums, enum scored who, uint32_t i, double remaining_s,
                    const double predicted[QUANTILES])
{
    double w = 1.0 / i, off = fabs(remaining_s - predicted[QUANTILE_MEDIAN]);
    double loss = pinball(remaining_s, predicted);
    /* Without an interval these are NAN, and so is every sum of them. */
    double none = predicted[0] - predicted[0];
    double below = none + (remaining_s < predicted[0] - SCORE_SLACK_S);
    double above = none + (remaining_s > predicted[2] + SCORE_SLACK_S);
    sums->total[who] += w * off;
    sums->pinball[who] += w * loss;
    sums->covered[who] += w * (1 - below - above);
    if (i == 1) {
        sums->start[who] += off;
        sums->pinball_start[who] += loss;
    }
    for (int c = 0; c < CHECKPOINTS; c++) {
        if (checkpoint[c] != i)
            continue;
        sums->remaining[who][c] += off;
        sums->below[who][c] += below;
        sums->above[who][c] += above;
    }
}

void score_sums_add_row(struct score_sums *sums, uint32_t i, double length_s, double elapsed_s,
                        double median_s, double mean_s)
{
    double w = 1.0 / i;
    sums->total[SCORED_MEDIAN] += w * fabs(length_s - fmax(median_s, elapsed_s));
    if (i == 1) {
        sums->start[SCORED_MEDIAN] += fabs(length_s - median_s);
        sums->start[SCORED_MEAN] += fabs(length_s - mean_s);
        sums->sessions++;
    }
    for (int c = 0; c < CHECKPOINTS; c++)
        sums->rows_at[c] += checkpoint[c] == i;
    sums->weight += w;
    sums->rows++;
}

void score_sums_merge(struct score_sums *into, const struct score_sums *from)
{
    const size_t doubles = offsetof(struct score_sums, rows) / sizeof(double);
    double *a = (double *)into;
    const double *b = (const double *)from;
    for (size_t i = 0; i < doubles; i++)
        a[i] += b[i];
    into->rows += from->rows;
    into->sessions += from->sessions;
}

double score_m1(const struct score_sums *sums, enum scored who)
{
    return sums->start[who] / sums->start[SCORED_MEAN];
}

double score_m2i(const struct score_sums *sums, enum scored who)
{
    return who == SCORED_MEAN ? (double)NAN : sums->total[who] / sums->total[SCORED_MEDIAN];
}

double score_m3(const struct score_sums *sums, enum scored who)
{
    double above = 0, under = 0;
    for (int c = 0; c < CHECKPOINTS; c++) {
        above += sums->remaining[who][c];
        under += sums->remaining[SCORED_STATIC][c];
    }
    return who < SCORED_MEDIAN ? above / under : (double)NAN;
}

double score_pbi(const struct score_sums *sums, enum scored who)
{
    return who < SCORED_MEDIAN ? sums->pinball[who] / sums->pinball[SCORED_STATIC] : (double)NAN;
}

double score_pb1(const struct score_sums *sums, enum scored who)
{
    return who < SCORED_MEDIAN ? sums->pinball_start[who] / sums->pinball_start[SCORED_STATIC]
                               : (double)NAN;
}

struct score score_of(const struct score_sums *sums, enum scored who)
{
    struct score score = {
        .mae_start_s = sums->start[who] / (double)sums->sessions,
        .m1 = score_m1(sums, who),
        .m2i = score_m2i(sums, who),
        .m3 = score_m3(sums, who),
        .pbi = score_pbi(sums, who),
        .pb1 = score_pb1(sums, who),
        .coverage = (double)NAN,
    };
    if (who >= SCORED_MEDIAN)
        return score;
    score.coverage = sums->covered[who] / sums->weight;
    for (int c = 0; c < CHECKPOINTS; c++) {
        score.m3_at[c] = sums->remaining[who][c] / sums->remaining[SCORED_STATIC][c];
        score.below_at[c] = sums->below[who][c] / sums->rows_at[c];
        score.above_at[c] = sums->above[who][c] / sums->rows_at[c];
    }
    return score;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct interval interval_of(double *draws, size_t count)
{
    qsort(draws, count, sizeof *draws, by_value);
    return (struct interval){draws[count / 40], draws[count - 1 - count / 40]};
}
