#include "nn/segments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/scaler.h"

static int check_rows(const struct train_set *set, size_t index, struct err *err)
{
    const struct train_user *user = &set->user[index];
    for (size_t i = 0; i < user->rows; i++) {
        size_t session = user->row[i].session;
        if (session >= user->sessions || (i && session < user->row[i - 1].session))
            return err_set(err, ERR_INPUT,
                           "row %zu of training user %zu is of session %zu: rows ascend by session "
                           "and the user has %zu",
                           i, index, session, user->sessions);
    }
    return 0;
}

static void cut_user(struct segments *segments, const struct train_user *user, size_t length,
                     size_t warmup)
{
    size_t training = train_sessions(user->sessions), row = 0;
    for (size_t first = 0; first < training; first += length) {
        struct segment s = {.user = user, .first = first, .row = row};
        s.begin = first > warmup ? first - warmup : 0;
        s.end = first + length < training ? first + length : training;
        while (row < user->rows && user->row[row].session < s.end)
            row++;
        s.rows = row - s.row;
        if (!s.rows)
            continue;
        size_t steps = s.end - 1 - s.begin; /* the last session's own step comes after its rows */
        segments->steps_max = steps > segments->steps_max ? steps : segments->steps_max;
        segments->rows_max = s.rows > segments->rows_max ? s.rows : segments->rows_max;
        segments->rows += s.rows;
        segments->segment[segments->count++] = s;
    }
}

int segments_cut(struct segments *segments, const struct train_set *set, size_t length,
                 size_t warmup, struct err *err)
{
    memset(segments, 0, sizeof *segments);
    size_t most = 0;
    for (size_t u = 0; u < set->users; u++) {
        if (check_rows(set, u, err))
            return -1;
        most += train_sessions(set->user[u].sessions) / length + 1;
    }
    segments->segment = calloc(most + 1, sizeof *segments->segment);
    if (!segments->segment)
        return err_set(err, ERR_MEMORY, "no memory for %zu training segments", most);
    for (size_t u = 0; u < set->users; u++)
        cut_user(segments, &set->user[u], length, warmup);
    return 0;
}

void segments_release(struct segments *segments)
{
    free(segments->segment);
    memset(segments, 0, sizeof *segments);
}

void segments_fit_scaler(const struct segments *segments, const struct train_set *set,
                         struct predictor_scaler *scaler)
{
    *scaler = (struct predictor_scaler){.panel = set->panel};
    struct moments step = {0}, start = {0}, live = {0};
    size_t width = predictor_row_features(set->panel) - LIVE_FEATURES;
    for (size_t u = 0; u < set->users; u++)
        for (size_t k = 0; k < train_sessions(set->user[u].sessions); k++)
            moments_add(&step, STEP_INPUTS, set->user[u].steps + k * STEP_INPUTS);
    for (size_t i = 0; i < segments->count; i++) {
        const struct segment *s = &segments->segment[i];
        for (size_t r = s->row; r < s->row + s->rows; r++) {
            const struct train_row *row = &s->user->row[r];
            moments_add(&start, width, s->user->start + row->session * width);
            moments_add(&live, LIVE_FEATURES, row->live);
        }
    }
    moments_scale(&step, STEP_INPUTS, scaler->step_mean, scaler->step_inverse_sd);
    moments_scale(&start, width, scaler->start_mean, scaler->start_inverse_sd);
    moments_scale(&live, LIVE_FEATURES, scaler->live_mean, scaler->live_inverse_sd);
}

int group_init(struct group *group, const struct segments *segments, const struct net_spec *spec,
               double state_dropout, struct err *err)
{
    memset(group, 0, sizeof *group);
    size_t rows = GROUP_SEGMENTS * segments->rows_max;
    size_t x = GROUP_SEGMENTS * segments->steps_max * STEP_INPUTS;
    group->memory = calloc(x + rows * (spec->features + QUANTILES + 1) + 1, sizeof *group->memory);
    group->state = calloc(rows + 1, sizeof *group->state);
    if (net_dropout_init(&group->dropout, spec, state_dropout, GROUP_SEGMENTS, rows, err) ||
        !group->memory || !group->state) {
        group_release(group);
        return err_set(err, ERR_MEMORY, "no memory for batches of %zu rows", rows);
    }
    group->x = group->memory;
    group->features = group->x + x;
    group->base = group->features + rows * spec->features;
    group->target = group->base + rows * QUANTILES;
    return 0;
}

void group_release(struct group *group)
{
    free(group->memory);
    free(group->state);
    net_dropout_release(&group->dropout);
    memset(group, 0, sizeof *group);
}

/* Sequence b of `sequences`, time-major; padded behind with zeros. */
static void fill_steps(struct group *group, const struct segment *segment, size_t b,
                       size_t sequences, size_t steps, const struct predictor_scaler *scaler)
{
    size_t own = segment->end - 1 - segment->begin, stride = sequences * STEP_INPUTS;
    float *x = group->x + b * STEP_INPUTS;
    scaler_apply(own, STEP_INPUTS, segment->user->steps + segment->begin * STEP_INPUTS,
                 scaler->step_mean, scaler->step_inverse_sd, x, stride);
    for (size_t t = own; t < steps; t++)
        memset(x + t * stride, 0, STEP_INPUTS * sizeof *x);
}

static void fill_row(struct group *group, size_t at, const struct train_user *user,
                     const struct train_row *row, const struct predictor_scaler *scaler,
                     size_t outputs)
{
    const struct net_spec *spec = &group->dropout.spec;
    size_t width = predictor_start_features(spec);
    float *features = group->features + at * spec->features;
    scaler_apply(1, width, user->start + row->session * width, scaler->start_mean,
                 scaler->start_inverse_sd, features, spec->features);
    scaler_apply(1, LIVE_FEATURES, row->live, scaler->live_mean, scaler->live_inverse_sd,
                 features + width, spec->features);
    const float *kernel_s = outputs == QUANTILES ? row->kernel_s : &row->kernel_s[QUANTILE_MEDIAN];
    for (size_t q = 0; q < outputs; q++)
        group->base[at * outputs + q] = logf(kernel_s[q] + REMAINING_OFFSET_S);
    group->target[at] = logf(row->remaining_s + REMAINING_OFFSET_S);
}

void group_fill(struct group *group, const struct segments *segments, const uint32_t *pick,
                size_t count, const struct predictor_scaler *scaler, struct random *random,
                double scale)
{
    size_t steps = 0, rows = 0, outputs = predictor_outputs(&group->dropout.spec);
    for (size_t b = 0; b < count; b++) {
        const struct segment *s = &segments->segment[pick[b]];
        steps = s->end - 1 - s->begin > steps ? s->end - 1 - s->begin : steps;
    }
    for (size_t b = 0; b < count; b++) {
        const struct segment *s = &segments->segment[pick[b]];
        fill_steps(group, s, b, count, steps, scaler);
        for (size_t r = s->row; r < s->row + s->rows; r++, rows++) {
            const struct train_row *row = &s->user->row[r];
            group->state[rows] = (uint32_t)((row->session - s->begin) * count + b);
            fill_row(group, rows, s->user, row, scaler, outputs);
        }
    }
    net_dropout_draw(&group->dropout, count, rows, random);
    group->batch = (struct network_batch){.sequences = count,
                                          .steps = steps,
                                          .rows = rows,
                                          .x = group->x,
                                          .state = group->state,
                                          .features = group->features,
                                          .base = group->base,
                                          .target = group->target,
                                          .masks = &group->dropout.masks,
                                          .scale = scale};
}
