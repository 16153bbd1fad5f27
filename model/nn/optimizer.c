#include "nn/optimizer.h"

#include <math.h>
#include <stdlib.h>

/* What a step is given; numbers that are the same for all parameters are worked out once, in
 * double. */
struct step {
    const struct optimizer_settings *settings;
    size_t count, t;
    double learning_rate;
    real *params, *first, *second;
    const real *gradient;
};

struct optimizer {
    struct optimizer_settings settings;
    size_t count, t;
    real *first, *second; /* moments (count), owned */
};

static void step_sgd(const struct step *s)
{
    const real lr = (real)s->learning_rate, mu = (real)s->settings->momentum;
    for (size_t i = 0; i < s->count; i++) {
        s->first[i] = mu * s->first[i] + s->gradient[i];
        s->params[i] -= lr * s->first[i];
    }
}

static real root(real x)
{
    return (real)sqrt((double)x);
}

static void step_rmsprop(const struct step *s)
{
    const real lr = (real)s->learning_rate, rho = (real)s->settings->rho;
    const real rest = (real)(1 - s->settings->rho), epsilon = (real)s->settings->epsilon;
    for (size_t i = 0; i < s->count; i++) {
        real g = s->gradient[i];
        s->second[i] = rho * s->second[i] + rest * g * g;
        s->params[i] -= lr * g / (root(s->second[i]) + epsilon);
    }
}

static void step_adam(const struct step *s)
{
    const struct optimizer_settings *set = s->settings;
    const real b1 = (real)set->beta1, b2 = (real)set->beta2, epsilon = (real)set->epsilon;
    const real rest1 = (real)(1 - set->beta1), rest2 = (real)(1 - set->beta2);
    const real rate = (real)(s->learning_rate / (1 - pow(set->beta1, (double)s->t)));
    const real unbias = (real)(1 / sqrt(1 - pow(set->beta2, (double)s->t)));
    for (size_t i = 0; i < s->count; i++) {
        real g = s->gradient[i];
        s->first[i] = b1 * s->first[i] + rest1 * g;
        s->second[i] = b2 * s->second[i] + rest2 * g * g;
        s->params[i] -= rate * s->first[i] / (root(s->second[i]) * unbias + epsilon);
    }
}

static void step_adamw(const struct step *s)
{
    const real keep = (real)(1 - s->learning_rate * s->settings->weight_decay);
    for (size_t i = 0; i < s->count; i++)
        s->params[i] *= keep;
    step_adam(s);
}

static const struct {
    struct optimizer_settings defaults;
    void (*step)(const struct step *step);
} table[] = {
    [OPTIMIZER_SGD] = {{.kind = OPTIMIZER_SGD}, step_sgd},
    [OPTIMIZER_RMSPROP] = {{.kind = OPTIMIZER_RMSPROP, .rho = .99, .epsilon = 1e-8}, step_rmsprop},
    [OPTIMIZER_ADAM] = {{.kind = OPTIMIZER_ADAM, .beta1 = .9, .beta2 = .999, .epsilon = 1e-8},
                        step_adam},
    [OPTIMIZER_ADAMW] = {{.kind = OPTIMIZER_ADAMW,
                          .beta1 = .9,
                          .beta2 = .999,
                          .epsilon = 1e-8,
                          .weight_decay = .01},
                         step_adamw},
};

struct optimizer_settings optimizer_defaults(enum optimizer_kind kind)
{
    return table[kind].defaults;
}

struct optimizer *optimizer_new(const struct optimizer_settings *settings, size_t count,
                                struct err *err)
{
    struct optimizer *optimizer = calloc(1, sizeof *optimizer);
    real *moments = calloc(2 * count + 1, sizeof *moments);
    if (!optimizer || !moments) {
        free(optimizer);
        free(moments);
        err_set(err, ERR_MEMORY, "no memory for an optimizer of %zu parameters", count);
        return NULL;
    }
    optimizer->settings = *settings;
    optimizer->count = count;
    optimizer->first = moments;
    optimizer->second = moments + count;
    return optimizer;
}

void optimizer_free(struct optimizer *optimizer)
{
    if (!optimizer)
        return;
    free(optimizer->first);
    free(optimizer);
}

void optimizer_step(struct optimizer *optimizer, double learning_rate, real *params,
                    const real *gradient)
{
    struct step step = {.settings = &optimizer->settings,
                        .count = optimizer->count,
                        .t = ++optimizer->t,
                        .learning_rate = learning_rate,
                        .params = params,
                        .first = optimizer->first,
                        .second = optimizer->second,
                        .gradient = gradient};
    table[optimizer->settings.kind].step(&step);
}

double gradient_clip(real *gradient, size_t count, double norm_max)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)gradient[i] * (double)gradient[i];
    double norm = sqrt(sum);
    if (norm > norm_max) {
        real scale = (real)(norm_max / norm);
        for (size_t i = 0; i < count; i++)
            gradient[i] *= scale;
    }
    return norm;
}
