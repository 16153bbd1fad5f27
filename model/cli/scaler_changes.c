#include "cli/scaler_changes.h"

#include <math.h>
#include <stdio.h>

#include "bundle/feature_names.h"

struct column {
    float mean, inverse_sd;
};

static size_t compare(const char *kind, const char *name, struct column x, struct column y,
                      struct scaler_change *out)
{
    *out = (struct scaler_change){
        .kind = kind,
        .name = name,
        .shift = ((double)y.mean - (double)x.mean) * (double)x.inverse_sd,
        .ratio = (double)x.inverse_sd / (double)y.inverse_sd,
    };
    return fabs(out->shift) > .1 || out->ratio > 1.1 || out->ratio < 1 / 1.1;
}

static size_t compare_starts(const struct predictor_scaler *x, const struct predictor_scaler *y,
                             struct scaler_change *out)
{
    const char *of_x[START_FEATURES_MAX], *of_y[START_FEATURES_MAX];
    size_t i = 0, j = 0, found = 0, count_x = start_names(x->panel, of_x),
           count_y = start_names(y->panel, of_y);
    for (int f = 0; f < START_FEATURES_MAX; f++) {
        const char *name = START_NAMES[f];
        bool in_x = i < count_x && of_x[i] == name, in_y = j < count_y && of_y[j] == name;
        if (in_x && in_y)
            found +=
                compare("start", name, (struct column){x->start_mean[i], x->start_inverse_sd[i]},
                        (struct column){y->start_mean[j], y->start_inverse_sd[j]}, &out[found]);
        else if (in_x || in_y)
            out[found++] =
                (struct scaler_change){.kind = "start", .name = name, .only = in_x ? 1 : 2};
        i += in_x;
        j += in_y;
    }
    return found;
}

size_t scaler_changes(const struct predictor_scaler *x, const struct predictor_scaler *y,
                      struct scaler_change *out)
{
    size_t found = 0;
    for (int f = 0; f < STEP_INPUTS; f++)
        found +=
            compare("step", STEP_NAMES[f], (struct column){x->step_mean[f], x->step_inverse_sd[f]},
                    (struct column){y->step_mean[f], y->step_inverse_sd[f]}, &out[found]);
    found += compare_starts(x, y, out + found);
    for (int f = 0; f < LIVE_FEATURES; f++)
        found +=
            compare("live", LIVE_NAMES[f], (struct column){x->live_mean[f], x->live_inverse_sd[f]},
                    (struct column){y->live_mean[f], y->live_inverse_sd[f]}, &out[found]);
    return found;
}

/* A mean that moved and a deviation that grew, on one scale. */
static double weight_of(const struct scaler_change *change)
{
    return fmax(fabs(change->shift), fabs(log(change->ratio)));
}

void scaler_changes_sum_up(const struct predictor_scaler *global,
                           const struct predictor_scaler *own, char *out, size_t size)
{
    struct scaler_change change[SCALER_INPUTS_MAX];
    size_t count = scaler_changes(global, own, change), most = 0;
    for (size_t i = 1; i < count; i++)
        if (weight_of(&change[i]) > weight_of(&change[most]))
            most = i;
    int inputs = STEP_INPUTS + START_FEATURES + __builtin_popcount(global->panel) + LIVE_FEATURES;
    int length = snprintf(out, size,
                          "%zu of %d inputs otherwise than the global net's by a tenth "
                          "or more",
                          count, inputs);
    if (count > 0 && length > 0 && (size_t)length < size)
        snprintf(out + length, size - (size_t)length,
                 ", most %s %s (mean %+.2f deviations, deviation times %.2f)", change[most].kind,
                 change[most].name, change[most].shift, change[most].ratio);
}
