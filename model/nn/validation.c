#include "nn/validation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 256 /* rows of one session that are predicted together */

/* Scratch of one run over the users. */
struct pass {
    struct predictor_runner *runner;
    float *state; /* (H) of the user at hand */
    float *base;  /* (D) of the session at hand */
    float live[CHUNK][LIVE_FEATURES], kernel[CHUNK][QUANTILES], remaining[CHUNK][QUANTILES];
    const float *bases[CHUNK];
    size_t outputs; /* quantiles, or 1: the median */
    size_t start_features;
    double net, base_line; /* weighted pinball of the user so far */
};

/* Of all quantiles, or of the median alone. */
static double pinball(const float *quantile, double truth, size_t outputs)
{
    double sum = 0;
    size_t first = outputs == 1 ? QUANTILE_MEDIAN : 0;
    for (size_t q = first; q < first + outputs; q++) {
        double e = truth - (double)quantile[q];
        sum += e > 0 ? predictor_levels[q] * e : (predictor_levels[q] - 1) * e;
    }
    return sum;
}

static void score_rows(struct pass *pass, const struct train_row *row, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(pass->live[i], row[i].live, sizeof pass->live[i]);
        memcpy(pass->kernel[i], row[i].kernel_s, sizeof pass->kernel[i]);
        pass->bases[i] = pass->base;
    }
    predictor_live(pass->runner, count, pass->bases, pass->live[0], pass->kernel[0],
                   pass->remaining[0]);
    for (size_t i = 0; i < count; i++) {
        double weight = 1.0 / row[i].scrobble, truth = (double)row[i].remaining_s;
        pass->net += weight * pinball(pass->remaining[i], truth, pass->outputs);
        pass->base_line += weight * pinball(row[i].kernel_s, truth, pass->outputs);
    }
}

/* Rows of one session; their start features are the same, so is the base of the head. */
static void score_session(struct pass *pass, const struct train_user *user, size_t first,
                          size_t count)
{
    const float *state = pass->state;
    const struct train_row *row = user->row + first;
    predictor_base(pass->runner, 1, &state, user->start + row->session * pass->start_features,
                   &pass->base);
    for (size_t done = 0; done < count; done += CHUNK)
        score_rows(pass, row + done, count - done < CHUNK ? count - done : CHUNK);
}

static void score_user(struct pass *pass, const struct train_user *user, size_t hidden)
{
    size_t begin = train_sessions(user->sessions), end = validation_end(user->sessions), row = 0;
    pass->net = pass->base_line = 0;
    memset(pass->state, 0, (hidden + 1) * sizeof *pass->state);
    for (size_t k = 0; k < end; k++) {
        size_t first = row;
        while (row < user->rows && user->row[row].session == k)
            row++;
        if (k >= begin && row > first)
            score_session(pass, user, first, row - first);
        predictor_step(pass->runner, 1, user->steps + k * STEP_INPUTS, &pass->state);
    }
}

int validation_ratio(const struct train_set *set, const struct predictor *predictor, double *ratio,
                     struct err *err)
{
    int status = -1;
    struct pass *pass = calloc(1, sizeof *pass);
    if (!pass)
        return err_set(err, ERR_MEMORY, "no memory to validate");
    pass->outputs = predictor_outputs(&predictor->spec);
    pass->start_features = predictor_start_features(&predictor->spec);
    pass->state = calloc(net_state_width(&predictor->spec) + 1, sizeof *pass->state);
    pass->base = calloc(predictor->spec.dense[0].width, sizeof *pass->base);
    if (!pass->state || !pass->base) {
        err_set(err, ERR_MEMORY, "no memory to validate");
        goto out;
    }
    pass->runner = predictor_runner_new(predictor, CHUNK, NULL, err);
    if (!pass->runner)
        goto out;
    double sum = 0;
    size_t users = 0;
    for (size_t u = 0; u < set->users; u++) {
        score_user(pass, &set->user[u], net_state_width(&predictor->spec));
        if (pass->base_line > 0) {
            sum += pass->net / pass->base_line;
            users++;
        }
    }
    *ratio = users ? sum / (double)users : (double)NAN;
    status = 0;
out:
    predictor_runner_free(pass->runner);
    free(pass->state);
    free(pass->base);
    free(pass);
    return status;
}

size_t validation_rows(const struct train_set *set)
{
    size_t count = 0;
    for (size_t u = 0; u < set->users; u++) {
        const struct train_user *user = &set->user[u];
        size_t begin = train_sessions(user->sessions), end = validation_end(user->sessions);
        for (size_t i = 0; i < user->rows; i++)
            count += user->row[i].session >= begin && user->row[i].session < end;
    }
    return count;
}
