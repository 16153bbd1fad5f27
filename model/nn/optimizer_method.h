/* optimizer_method.h - a row of the table of optimizers, and the step that a method is. Private to
 * optimizer*.c. A new method is one function here and one row in optimizer.c. */
#ifndef OUTRO_NN_OPTIMIZER_METHOD_H
#define OUTRO_NN_OPTIMIZER_METHOD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/optimizer.h"
#include "nn/real.h"

#define OPTIMIZER_STATES_MAX 3

/* What a step is given; numbers that are the same for all parameters are worked out once a step, in
 * double. */
struct optimizer_step {
    const struct optimizer_settings *settings;
    size_t count;
    uint64_t t; /* from 1 */
    double learning_rate;
    real keep;                /* what weight decay leaves of a parameter */
    real l2;                  /* of the parameter, joins the gradient */
    double *schedule_product; /* nadam's K over the steps before; in and out */
    real *params;
    const real *gradient;
    real *state[OPTIMIZER_STATES_MAX]; /* (count) each, as many as the method keeps */
};

struct optimizer_method {
    const char *name;
    void (*step)(const struct optimizer_step *step);
    size_t states;  /* arrays of count, without those of its options */
    unsigned takes; /* bits of the keys that it takes in any form */
    struct optimizer_settings defaults[OPTIMIZER_FORMS]; /* learning_rate 0: no such form */
};

void optimizer_step_sgd(const struct optimizer_step *step);
void optimizer_step_momentum(const struct optimizer_step *step);
void optimizer_step_nesterov(const struct optimizer_step *step);
void optimizer_step_rmsprop(const struct optimizer_step *step);
void optimizer_step_adagrad(const struct optimizer_step *step);
void optimizer_step_adadelta(const struct optimizer_step *step);
void optimizer_step_adam(const struct optimizer_step *step); /* and adamw */
void optimizer_step_adamax(const struct optimizer_step *step);
void optimizer_step_nadam(const struct optimizer_step *step);

/* K of nadam after t steps, multiplied up in the order of the steps: the same bits as taking them.
 */
double optimizer_schedule_product(const struct optimizer_settings *settings, uint64_t t);

static inline real real_sqrt(real x)
{
#ifdef OUTRO_REAL_DOUBLE
    return sqrt(x);
#else
    return sqrtf(x);
#endif
}

static inline real real_abs(real x)
{
    return x < 0 ? -x : x;
}

static inline real real_max(real a, real b)
{
    return a > b ? a : b;
}

#endif
