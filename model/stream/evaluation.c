#include "stream/evaluation.h"

#include <math.h>
#include <stdlib.h>

#include "core/array.h"

const char *const evaluated_names[EVALUATED] = {"model",       "kernel-km", "user-mean",
                                                "user-median", "previous",  "running-average"};
const double evaluation_levels[EVALUATION_QUANTILES] = {.1, .25, .5, .75, .9};

int evaluation_add(struct evaluation *evaluation, const struct evaluation_row *row, struct err *err)
{
    void *grown = array_grow(evaluation->row, &evaluation->row_capacity, evaluation->rows + 1,
                             sizeof *evaluation->row);
    if (!grown)
        return err_set(err, ERR_MEMORY, "out of memory for %zu sessions", evaluation->rows + 1);
    evaluation->row = grown;
    evaluation->row[evaluation->rows++] = *row;
    return 0;
}

int evaluation_add_length(struct evaluation *evaluation, struct evaluation_length length,
                          struct err *err)
{
    void *grown = array_grow(evaluation->length, &evaluation->length_capacity,
                             evaluation->lengths + 1, sizeof *evaluation->length);
    if (!grown)
        return err_set(err, ERR_MEMORY, "out of memory for %zu lengths", evaluation->lengths + 1);
    evaluation->length = grown;
    evaluation->length[evaluation->lengths++] = length;
    return 0;
}

void evaluation_release(struct evaluation *evaluation)
{
    free(evaluation->row);
    free(evaluation->length);
    *evaluation = (struct evaluation){0};
}

/* ---- order ---- */

static int by_row(const void *a, const void *b)
{
    const struct evaluation_row *x = a, *y = b;
    return x->cluster != y->cluster ? (x->cluster > y->cluster) - (x->cluster < y->cluster)
                                    : (x->user > y->user) - (x->user < y->user);
}

static int by_length(const void *a, const void *b)
{
    const struct evaluation_length *x = a, *y = b;
    return x->cluster != y->cluster ? (x->cluster > y->cluster) - (x->cluster < y->cluster)
                                    : (x->user > y->user) - (x->user < y->user);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- lengths ---- */

static double quantile(const double *sorted, size_t count, double level)
{
    double at = level * (double)(count - 1);
    size_t below = (size_t)at;
    double above = sorted[below + 1 < count ? below + 1 : below];
    return sorted[below] + (at - (double)below) * (above - sorted[below]);
}

/* @param length (count) of one group, its users one behind the other  @param sorted (count) scratch
 */
static struct length_statistics statistics(const struct evaluation_length *length, size_t count,
                                           double *sorted)
{
    struct length_statistics s = {.sessions = count};
    if (count == 0)
        return s;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        s.users += i == 0 || length[i].user != length[i - 1].user;
        sum += sorted[i] = length[i].length_s;
    }
    s.mean_s = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (sorted[i] - s.mean_s) * (sorted[i] - s.mean_s);
    s.sd_s = sqrt(squares / (double)count);
    qsort(sorted, count, sizeof *sorted, by_value);
    s.min_s = sorted[0];
    s.max_s = sorted[count - 1];
    for (int q = 0; q < EVALUATION_QUANTILES; q++)
        s.quantile_s[q] = quantile(sorted, count, evaluation_levels[q]);
    return s;
}

/* ---- errors ---- */

static struct evaluation_group judge(const struct evaluation_row *row, size_t count,
                                     enum evaluated baseline)
{
    struct evaluation_group group = {.cluster = row->cluster, .sessions = count};
    for (size_t i = 0; i < count; i++)
        group.users += i == 0 || row[i].user != row[i - 1].user;
    for (int who = 0; who < EVALUATED; who++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < count; i++) {
            double off = row[i].said_s[who] - row[i].length_s;
            sum += fabs(off);
            squares += off * off;
        }
        group.of[who].mae_s = sum / (double)count;
        group.of[who].rmse_s = sqrt(squares / (double)count);
    }
    for (int who = 0; who < EVALUATED; who++)
        group.of[who].normalised = group.of[who].mae_s / group.of[baseline].mae_s;
    return group;
}

/* Rows and lengths are sorted: each cluster is a span of both. */
static int make_groups(const struct evaluation *evaluation, enum evaluated baseline,
                       struct evaluation_report *report, double *scratch, struct err *err)
{
    size_t room = 0, length = 0;
    for (size_t from = 0, to; from < evaluation->rows; from = to) {
        int32_t cluster = evaluation->row[from].cluster;
        for (to = from; to < evaluation->rows && evaluation->row[to].cluster == cluster;)
            to++;
        void *grown = array_grow(report->group, &room, report->groups + 1, sizeof *report->group);
        if (!grown)
            return err_set(err, ERR_MEMORY, "out of memory for %zu clusters", report->groups + 1);
        report->group = grown;
        struct evaluation_group *group = &report->group[report->groups++];
        *group = judge(evaluation->row + from, to - from, baseline);
        while (length < evaluation->lengths && evaluation->length[length].cluster < cluster)
            length++;
        size_t end = length;
        while (end < evaluation->lengths && evaluation->length[end].cluster == cluster)
            end++;
        group->lengths = statistics(evaluation->length + length, end - length, scratch);
        length = end;
    }
    return 0;
}

static void weigh(struct evaluation_report *report)
{
    uint64_t users = 0, sessions = 0;
    for (size_t g = 0; g < report->groups; g++) {
        users += report->group[g].users;
        sessions += report->group[g].sessions;
    }
    for (int who = 0; who < EVALUATED; who++)
        for (size_t g = 0; g < report->groups; g++) {
            const struct evaluation_group *group = &report->group[g];
            double one = group->of[who].normalised;
            report->by_users[who] += one * (double)group->users / (double)users;
            report->by_sessions[who] += one * (double)group->sessions / (double)sessions;
        }
}

int evaluation_report(struct evaluation *evaluation, enum evaluated baseline,
                      struct evaluation_report *report, struct err *err)
{
    *report = (struct evaluation_report){0};
    if (evaluation->rows == 0)
        return err_set(
            err, ERR_INPUT,
            "nothing to evaluate: no user has enough sessions to leave some for testing");
    double *scratch = malloc((evaluation->lengths + 1) * sizeof *scratch);
    if (!scratch)
        return err_set(err, ERR_MEMORY, "out of memory for %zu lengths", evaluation->lengths);
    qsort(evaluation->row, evaluation->rows, sizeof *evaluation->row, by_row);
    if (evaluation->lengths)
        qsort(evaluation->length, evaluation->lengths, sizeof *evaluation->length, by_length);
    int result = make_groups(evaluation, baseline, report, scratch, err);
    report->all = judge(evaluation->row, evaluation->rows, baseline);
    report->all.lengths = statistics(evaluation->length, evaluation->lengths, scratch);
    report->all.cluster = -1;
    weigh(report);
    free(scratch);
    if (result)
        evaluation_report_release(report);
    return result;
}

void evaluation_report_release(struct evaluation_report *report)
{
    free(report->group);
    *report = (struct evaluation_report){0};
}
