/* sgd, momentum, nesterov. Keras keeps the learning rate inside the velocity, PyTorch multiplies by
 * it outside: one of the two factors is always 1, which changes no bit. */
#include "nn/optimizer_method.h"

void optimizer_step_sgd(const struct optimizer_step *s)
{
    const size_t count = s->count;
    const real rate = (real)s->learning_rate, keep = s->keep, l2 = s->l2;
    real *restrict p = s->params;
    const real *restrict gradient = s->gradient;
    for (size_t i = 0; i < count; i++)
        p[i] = p[i] * keep - rate * (gradient[i] + l2 * p[i]);
}

static real rate_inside(const struct optimizer_step *s)
{
    return s->settings->form == FORM_TORCH ? 1 : (real)s->learning_rate;
}

static real rate_outside(const struct optimizer_step *s)
{
    return s->settings->form == FORM_TORCH ? (real)s->learning_rate : 1;
}

void optimizer_step_momentum(const struct optimizer_step *s)
{
    const size_t count = s->count;
    const real inside = rate_inside(s), outside = rate_outside(s);
    const real mu = (real)s->settings->momentum, keep = s->keep, l2 = s->l2;
    real *restrict p = s->params, *restrict v = s->state[0];
    const real *restrict gradient = s->gradient;
    for (size_t i = 0; i < count; i++) {
        v[i] = mu * v[i] + inside * (gradient[i] + l2 * p[i]);
        p[i] = p[i] * keep - outside * v[i];
    }
}

void optimizer_step_nesterov(const struct optimizer_step *s)
{
    const size_t count = s->count;
    const real inside = rate_inside(s), outside = rate_outside(s);
    const real mu = (real)s->settings->momentum, keep = s->keep, l2 = s->l2;
    real *restrict p = s->params, *restrict v = s->state[0];
    const real *restrict gradient = s->gradient;
    for (size_t i = 0; i < count; i++) {
        real g = inside * (gradient[i] + l2 * p[i]);
        v[i] = mu * v[i] + g;
        p[i] = p[i] * keep - outside * (mu * v[i] + g);
    }
}
