#include "nn/optimizer.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/optimizer_method.h"
#include "nn/settings.h"

enum {
    TAKES_ANY = 1, /* the learning rate and both decays of weights */
    TAKES_MOMENTUM = 2,
    TAKES_RHO = 4,
    TAKES_BETAS = 8,
    TAKES_EPSILON = 16,
    TAKES_ACCUMULATOR = 32,
    TAKES_MOMENTUM_DECAY = 64,
    TAKES_CENTERED = 128,
    TAKES_AMSGRAD = 256,
    TAKES_DECAY = 512 /* the keras2 form of any */
};

#define NUMBER(key, field, low, high, range, bit)                                                  \
    {                                                                                              \
        key, offsetof(struct optimizer_settings, field), false, low, high, range, bit              \
    }
#define FLAG(field, bit)                                                                           \
    {                                                                                              \
#field, offsetof(struct optimizer_settings, field), true, 0, 1, "0 or 1", bit              \
    }
static const struct setting settings_table[] = {
    NUMBER("lr", learning_rate, DBL_MIN, DBL_MAX, "a number above 0", TAKES_ANY),
    NUMBER("momentum", momentum, 0, BELOW_ONE, "0 to below 1", TAKES_MOMENTUM),
    NUMBER("rho", rho, 0, BELOW_ONE, "0 to below 1", TAKES_RHO),
    NUMBER("beta1", beta1, 0, BELOW_ONE, "0 to below 1", TAKES_BETAS),
    NUMBER("beta2", beta2, 0, BELOW_ONE, "0 to below 1", TAKES_BETAS),
    NUMBER("epsilon", epsilon, 0, DBL_MAX, "0 or a number above", TAKES_EPSILON),
    NUMBER("accumulator", accumulator, 0, DBL_MAX, "0 or a number above", TAKES_ACCUMULATOR),
    NUMBER("momentum_decay", momentum_decay, 0, DBL_MAX, "0 or a number above",
           TAKES_MOMENTUM_DECAY),
    NUMBER("decay", decay, 0, DBL_MAX, "0 or a number above", TAKES_DECAY),
    NUMBER("l2", l2, 0, DBL_MAX, "0 or a number above", TAKES_ANY),
    NUMBER("weight_decay", weight_decay, 0, DBL_MAX, "0 or a number above", TAKES_ANY),
    FLAG(centered, TAKES_CENTERED),
    FLAG(amsgrad, TAKES_AMSGRAD),
};
#define SETTINGS (sizeof settings_table / sizeof *settings_table)

static const char *const form_names[OPTIMIZER_FORMS] = {
    [FORM_KERAS] = "keras", [FORM_KERAS2] = "keras2", [FORM_TORCH] = "torch"};

#define TAKES_ADAM    (TAKES_BETAS | TAKES_EPSILON)
#define ADAM(lr, eps) .learning_rate = (lr), .beta1 = .9, .beta2 = .999, .epsilon = (eps)

static const struct optimizer_method methods[] = {
    {"sgd",
     optimizer_step_sgd,
     0,
     0,
     {[FORM_KERAS] = {.learning_rate = .01},
      [FORM_KERAS2] = {.learning_rate = .01},
      [FORM_TORCH] = {.learning_rate = .001}}},
    {"momentum",
     optimizer_step_momentum,
     1,
     TAKES_MOMENTUM,
     {[FORM_KERAS] = {.learning_rate = .01, .momentum = .9},
      [FORM_KERAS2] = {.learning_rate = .01, .momentum = .9},
      [FORM_TORCH] = {.learning_rate = .001, .momentum = .9}}},
    {"nesterov",
     optimizer_step_nesterov,
     1,
     TAKES_MOMENTUM,
     {[FORM_KERAS] = {.learning_rate = .01, .momentum = .9},
      [FORM_KERAS2] = {.learning_rate = .01, .momentum = .9},
      [FORM_TORCH] = {.learning_rate = .001, .momentum = .9}}},
    {"rmsprop",
     optimizer_step_rmsprop,
     1,
     TAKES_RHO | TAKES_EPSILON | TAKES_MOMENTUM | TAKES_CENTERED,
     {[FORM_KERAS] = {.learning_rate = .001, .rho = .9, .epsilon = 1e-7},
      [FORM_KERAS2] = {.learning_rate = .001, .rho = .9, .epsilon = 1e-7},
      [FORM_TORCH] = {.learning_rate = .01, .rho = .99, .epsilon = 1e-8}}},
    {"adagrad",
     optimizer_step_adagrad,
     1,
     TAKES_EPSILON | TAKES_ACCUMULATOR,
     {[FORM_KERAS] = {.learning_rate = .001, .epsilon = 1e-7, .accumulator = .1},
      [FORM_KERAS2] = {.learning_rate = .01, .epsilon = 1e-7},
      [FORM_TORCH] = {.learning_rate = .01, .epsilon = 1e-10}}},
    {"adadelta",
     optimizer_step_adadelta,
     2,
     TAKES_RHO | TAKES_EPSILON,
     {[FORM_KERAS] = {.learning_rate = .001, .rho = .95, .epsilon = 1e-7},
      [FORM_KERAS2] = {.learning_rate = 1, .rho = .95, .epsilon = 1e-7},
      [FORM_TORCH] = {.learning_rate = 1, .rho = .9, .epsilon = 1e-6}}},
    {"adam",
     optimizer_step_adam,
     2,
     TAKES_ADAM | TAKES_AMSGRAD,
     {[FORM_KERAS] = {ADAM(.001, 1e-7)},
      [FORM_KERAS2] = {ADAM(.001, 1e-7)},
      [FORM_TORCH] = {ADAM(.001, 1e-8)}}},
    {"adamax",
     optimizer_step_adamax,
     2,
     TAKES_ADAM,
     {[FORM_KERAS] = {ADAM(.001, 1e-7)},
      [FORM_KERAS2] = {ADAM(.002, 1e-7)},
      [FORM_TORCH] = {ADAM(.002, 1e-8)}}},
    {"nadam",
     optimizer_step_nadam,
     2,
     TAKES_ADAM | TAKES_MOMENTUM_DECAY,
     {[FORM_KERAS] = {ADAM(.001, 1e-7), .momentum_decay = 1},
      [FORM_KERAS2] = {ADAM(.002, 1e-7), .momentum_decay = .004},
      [FORM_TORCH] = {ADAM(.002, 1e-8), .momentum_decay = .004}}},
    {"adamw",
     optimizer_step_adam,
     2,
     TAKES_ADAM | TAKES_AMSGRAD,
     {[FORM_KERAS] = {ADAM(.001, 1e-7), .weight_decay = .004},
      [FORM_TORCH] = {ADAM(.001, 1e-8), .weight_decay = .01}}},
};
#define METHODS (sizeof methods / sizeof *methods)

struct optimizer {
    struct optimizer_settings settings;
    size_t count, states;
    uint64_t t; /* steps done */
    double schedule_product;
    real *state; /* (states,count) owned */
};

static struct optimizer_settings defaults_of(const struct optimizer_method *method,
                                             enum optimizer_form form)
{
    struct optimizer_settings settings = method->defaults[form];
    settings.method = method;
    settings.form = form;
    return settings;
}

static unsigned takes(const struct optimizer_settings *settings)
{
    return settings->method->takes | TAKES_ANY | (settings->form == FORM_KERAS2 ? TAKES_DECAY : 0);
}

bool optimizer_row(size_t i, struct optimizer_settings *out)
{
    for (size_t k = 0; k < METHODS * OPTIMIZER_FORMS; k++) {
        *out =
            defaults_of(&methods[k / OPTIMIZER_FORMS], (enum optimizer_form)(k % OPTIMIZER_FORMS));
        if (out->learning_rate > 0 && !i--)
            return true;
    }
    return false;
}

static bool is_word(const char *name, const char *word, size_t size)
{
    return strlen(name) == size && !memcmp(name, word, size);
}

/* @param word size characters of "NAME" or "NAME.FORM" */
static bool find_row(const char *word, size_t size, struct optimizer_settings *out)
{
    const char *dot = memchr(word, '.', size);
    size_t name = dot ? (size_t)(dot - word) : size;
    for (size_t i = 0; optimizer_row(i, out); i++)
        if (is_word(out->method->name, word, name) &&
            (dot ? is_word(form_names[out->form], dot + 1, size - name - 1)
                 : out->form == FORM_TORCH))
            return true;
    return false;
}

int optimizer_parse(const char *text, struct optimizer_settings *out, struct err *err)
{
    size_t size;
    const char *word = settings_word(text, &size);
    struct optimizer_settings settings;
    char what[64];
    if (!find_row(word, size, &settings))
        return err_set(err, ERR_INPUT,
                       "'%.*s' is no optimizer; it may be sgd, momentum, nesterov, rmsprop, "
                       "adagrad, adadelta, adam, adamax, nadam or adamw, behind it .torch (as "
                       "without), .keras or, but for adamw, .keras2",
                       (int)(size < 60 ? size : 60), word);
    snprintf(what, sizeof what, "optimizer %.*s", (int)size, word);
    if (settings_read(what, text, settings_table, SETTINGS, takes(&settings), &settings, err))
        return -1;
    *out = settings;
    return 0;
}

void optimizer_print(const struct optimizer_settings *settings, char out[OPTIMIZER_TEXT_MAX])
{
    struct optimizer_settings defaults = defaults_of(settings->method, settings->form);
    snprintf(out, OPTIMIZER_TEXT_MAX, "%s.%s", settings->method->name, form_names[settings->form]);
    settings_print(settings_table, SETTINGS, takes(settings), settings, &defaults, out,
                   OPTIMIZER_TEXT_MAX);
}

/* Those of the method, and what its options add: rmsprop with either of its two keeps both. */
static size_t states_of(const struct optimizer_settings *settings)
{
    size_t states = settings->method->states;
    if (settings->amsgrad)
        states++;
    if (settings->method->step == optimizer_step_rmsprop &&
        (settings->momentum > 0 || settings->centered))
        states += 2;
    return states;
}

struct optimizer *optimizer_new(const struct optimizer_settings *settings, size_t count,
                                struct err *err)
{
    struct optimizer *optimizer = calloc(1, sizeof *optimizer);
    size_t states = states_of(settings);
    real *state = calloc(states * count + 1, sizeof *state);
    if (!optimizer || !state) {
        free(optimizer);
        free(state);
        err_set(err, ERR_MEMORY, "no memory for an optimizer of %zu parameters", count);
        return NULL;
    }
    *optimizer = (struct optimizer){*settings, count, states, 0, 1, state};
    if (settings->accumulator > 0)
        for (size_t i = 0; i < count; i++)
            state[i] = (real)settings->accumulator;
    return optimizer;
}

void optimizer_free(struct optimizer *optimizer)
{
    if (!optimizer)
        return;
    free(optimizer->state);
    free(optimizer);
}

void optimizer_step(struct optimizer *optimizer, double learning_rate, real *params,
                    const real *gradient)
{
    const struct optimizer_settings *settings = &optimizer->settings;
    double rate = learning_rate / (1 + settings->decay * (double)optimizer->t);
    struct optimizer_step step = {.settings = settings,
                                  .count = optimizer->count,
                                  .t = ++optimizer->t,
                                  .learning_rate = rate,
                                  .keep = (real)(1 - rate * settings->weight_decay),
                                  .l2 = (real)settings->l2,
                                  .schedule_product = &optimizer->schedule_product,
                                  .params = params,
                                  .gradient = gradient};
    for (size_t i = 0; i < optimizer->states; i++)
        step.state[i] = optimizer->state + i * optimizer->count;
    settings->method->step(&step);
}

real *optimizer_state(struct optimizer *optimizer, size_t *count)
{
    *count = optimizer->states * optimizer->count;
    return optimizer->state;
}

uint64_t optimizer_steps(const struct optimizer *optimizer)
{
    return optimizer->t;
}

void optimizer_resume(struct optimizer *optimizer, uint64_t steps)
{
    optimizer->t = steps;
    optimizer->schedule_product = optimizer_schedule_product(&optimizer->settings, steps);
}
