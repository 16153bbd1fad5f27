/* rmsprop, adagrad, adadelta: divided by the root of what the squares of the gradient were. Keras 3
 * has epsilon under the root, the others behind it: the one that is not there is 0. */
#include "nn/optimizer_method.h"

struct epsilon {
    real under, behind;
};

static struct epsilon epsilon_of(const struct optimizer_settings *settings)
{
    real epsilon = (real)settings->epsilon;
    if (settings->form == FORM_KERAS)
        return (struct epsilon){epsilon, 0};
    return (struct epsilon){0, epsilon};
}

static void rmsprop_plain(const struct optimizer_step *s)
{
    const size_t count = s->count;
    const struct epsilon epsilon = epsilon_of(s->settings);
    const real rho = (real)s->settings->rho, rest = (real)(1 - s->settings->rho);
    const real rate = (real)s->learning_rate, keep = s->keep, l2 = s->l2;
    real *restrict p = s->params, *restrict a = s->state[0];
    const real *restrict gradient = s->gradient;
    for (size_t i = 0; i < count; i++) {
        real g = gradient[i] + l2 * p[i];
        a[i] = rho * a[i] + rest * g * g;
        p[i] = p[i] * keep - rate * g / (real_sqrt(a[i] + epsilon.under) + epsilon.behind);
    }
}

/* With momentum, centered, or both; without the first mu is 0, without the second `centre` is. A
 * variance that rounding left below 0 counts as 0. */
static void rmsprop_full(const struct optimizer_step *s, real *velocity, real *mean, real centre)
{
    const size_t count = s->count;
    const struct epsilon epsilon = epsilon_of(s->settings);
    const real rho = (real)s->settings->rho, rest = (real)(1 - s->settings->rho);
    const real mu = (real)s->settings->momentum, keep = s->keep, l2 = s->l2;
    const real inside = s->settings->form == FORM_TORCH ? 1 : (real)s->learning_rate;
    const real outside = s->settings->form == FORM_TORCH ? (real)s->learning_rate : 1;
    real *restrict p = s->params, *restrict a = s->state[0];
    real *restrict v = velocity, *restrict m = mean;
    const real *restrict gradient = s->gradient;
    for (size_t i = 0; i < count; i++) {
        real g = gradient[i] + l2 * p[i];
        a[i] = rho * a[i] + rest * g * g;
        m[i] = centre * (rho * m[i] + rest * g);
        real variance = a[i] - m[i] * m[i];
        variance = variance < 0 ? 0 : variance;
        v[i] = mu * v[i] + inside * g / (real_sqrt(variance + epsilon.under) + epsilon.behind);
        p[i] = p[i] * keep - outside * v[i];
    }
}

void optimizer_step_rmsprop(const struct optimizer_step *s)
{
    if (s->settings->momentum == 0 && !s->settings->centered)
        rmsprop_plain(s);
    else
        rmsprop_full(s, s->state[1], s->state[2], s->settings->centered);
}

void optimizer_step_adagrad(const struct optimizer_step *s)
{
    const size_t count = s->count;
    const struct epsilon epsilon = epsilon_of(s->settings);
    const real rate = (real)s->learning_rate, keep = s->keep, l2 = s->l2;
    real *restrict p = s->params, *restrict a = s->state[0];
    const real *restrict gradient = s->gradient;
    for (size_t i = 0; i < count; i++) {
        real g = gradient[i] + l2 * p[i];
        a[i] += g * g;
        p[i] = p[i] * keep - rate * g / (real_sqrt(a[i] + epsilon.under) + epsilon.behind);
    }
}

void optimizer_step_adadelta(const struct optimizer_step *s)
{
    const size_t count = s->count;
    const real rho = (real)s->settings->rho, rest = (real)(1 - s->settings->rho);
    const real epsilon = (real)s->settings->epsilon;
    const real rate = (real)s->learning_rate, keep = s->keep, l2 = s->l2;
    real *restrict p = s->params, *restrict a = s->state[0], *restrict moved = s->state[1];
    const real *restrict gradient = s->gradient;
    for (size_t i = 0; i < count; i++) {
        real g = gradient[i] + l2 * p[i];
        a[i] = rho * a[i] + rest * g * g;
        real d = real_sqrt(moved[i] + epsilon) / real_sqrt(a[i] + epsilon) * g;
        moved[i] = rho * moved[i] + rest * d * d;
        p[i] = p[i] * keep - rate * d;
    }
}
