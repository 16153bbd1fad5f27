/* adam, adamw, adamax, nadam. */
#include "nn/optimizer_method.h"

/* Keras moves the correction of v into the learning rate, and epsilon with it; PyTorch corrects v
 * before the root. In one loop: the root times unbias, which is 1 for Keras. */
struct correction {
    real rate, unbias;
};

static struct correction correct(const struct optimizer_step *s)
{
    double first = 1 - pow(s->settings->beta1, (double)s->t);
    double second = sqrt(1 - pow(s->settings->beta2, (double)s->t));
    if (s->settings->form == FORM_TORCH)
        return (struct correction){(real)(s->learning_rate / first), (real)(1 / second)};
    return (struct correction){(real)(s->learning_rate * second / first), 1};
}

static void step_plain(const struct optimizer_step *s)
{
    const size_t count = s->count;
    const struct optimizer_settings *set = s->settings;
    const struct correction c = correct(s);
    const real b1 = (real)set->beta1, rest1 = (real)(1 - set->beta1);
    const real b2 = (real)set->beta2, rest2 = (real)(1 - set->beta2);
    const real epsilon = (real)set->epsilon, keep = s->keep, l2 = s->l2;
    real *restrict p = s->params, *restrict m = s->state[0], *restrict v = s->state[1];
    const real *restrict gradient = s->gradient;
    for (size_t i = 0; i < count; i++) {
        real g = gradient[i] + l2 * p[i];
        m[i] = b1 * m[i] + rest1 * g;
        v[i] = b2 * v[i] + rest2 * g * g;
        p[i] = p[i] * keep - c.rate * m[i] / (real_sqrt(v[i]) * c.unbias + epsilon);
    }
}

static void step_amsgrad(const struct optimizer_step *s)
{
    const size_t count = s->count;
    const struct optimizer_settings *set = s->settings;
    const struct correction c = correct(s);
    const real b1 = (real)set->beta1, rest1 = (real)(1 - set->beta1);
    const real b2 = (real)set->beta2, rest2 = (real)(1 - set->beta2);
    const real epsilon = (real)set->epsilon, keep = s->keep, l2 = s->l2;
    real *restrict p = s->params, *restrict m = s->state[0], *restrict v = s->state[1];
    real *restrict largest = s->state[2];
    const real *restrict gradient = s->gradient;
    for (size_t i = 0; i < count; i++) {
        real g = gradient[i] + l2 * p[i];
        m[i] = b1 * m[i] + rest1 * g;
        v[i] = b2 * v[i] + rest2 * g * g;
        largest[i] = real_max(largest[i], v[i]);
        p[i] = p[i] * keep - c.rate * m[i] / (real_sqrt(largest[i]) * c.unbias + epsilon);
    }
}

void optimizer_step_adam(const struct optimizer_step *s)
{
    if (s->settings->amsgrad)
        step_amsgrad(s);
    else
        step_plain(s);
}

void optimizer_step_adamax(const struct optimizer_step *s)
{
    const size_t count = s->count;
    const struct optimizer_settings *set = s->settings;
    const bool torch = set->form == FORM_TORCH;
    const real b1 = (real)set->beta1, rest1 = (real)(1 - set->beta1), b2 = (real)set->beta2;
    const real rate = (real)(s->learning_rate / (1 - pow(set->beta1, (double)s->t)));
    const real in_max = torch ? (real)set->epsilon : 0, behind = torch ? 0 : (real)set->epsilon;
    const real keep = s->keep, l2 = s->l2;
    real *restrict p = s->params, *restrict m = s->state[0], *restrict u = s->state[1];
    const real *restrict gradient = s->gradient;
    for (size_t i = 0; i < count; i++) {
        real g = gradient[i] + l2 * p[i];
        m[i] = b1 * m[i] + rest1 * g;
        u[i] = real_max(b2 * u[i], real_abs(g) + in_max);
        p[i] = p[i] * keep - rate * m[i] / (u[i] + behind);
    }
}

static double nadam_mu(const struct optimizer_settings *settings, uint64_t t)
{
    return settings->beta1 * (1 - .5 * pow(.96, (double)t * settings->momentum_decay));
}

double optimizer_schedule_product(const struct optimizer_settings *settings, uint64_t t)
{
    double product = 1;
    for (uint64_t k = 1; k <= t && product > 0; k++)
        product *= nadam_mu(settings, k);
    return product;
}

void optimizer_step_nadam(const struct optimizer_step *s)
{
    const size_t count = s->count;
    const struct optimizer_settings *set = s->settings;
    const double mu = nadam_mu(set, s->t), next = nadam_mu(set, s->t + 1);
    const double product = *s->schedule_product *= mu;
    const real rate_m = (real)(s->learning_rate * next / (1 - product * next));
    const real rate_g = (real)(s->learning_rate * (1 - mu) / (1 - product));
    const real unbias = (real)(1 / sqrt(1 - pow(set->beta2, (double)s->t)));
    const real b1 = (real)set->beta1, rest1 = (real)(1 - set->beta1);
    const real b2 = (real)set->beta2, rest2 = (real)(1 - set->beta2);
    const real epsilon = (real)set->epsilon, keep = s->keep, l2 = s->l2;
    real *restrict p = s->params, *restrict m = s->state[0], *restrict v = s->state[1];
    const real *restrict gradient = s->gradient;
    for (size_t i = 0; i < count; i++) {
        real g = gradient[i] + l2 * p[i];
        m[i] = b1 * m[i] + rest1 * g;
        v[i] = b2 * v[i] + rest2 * g * g;
        p[i] = p[i] * keep - (rate_m * m[i] + rate_g * g) / (real_sqrt(v[i]) * unbias + epsilon);
    }
}
