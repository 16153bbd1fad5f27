/* optimizer.h - first-order optimizers over one flat block of parameters: a table of methods, each
 * in up to three forms, found by name and printed back ("adam.keras", "momentum momentum=.8",
 * "rmsprop.torch rho=.9 centered=1"). Form: keras (Keras 3), keras2 (2.2.4), torch (PyTorch). A
 * name without a form means torch. g the gradient, l the learning rate, t from 1, E epsilon: sgd p
 * -= l g momentum  torch v = mu v + g;  p -= l v      keras v = mu v + l g;  p -= v nesterov  torch
 * p -= l (g + mu v)            keras p -= mu v + l g rmsprop   a = rho a + (1-rho) g^2;  p -= l g /
 * (sqrt(a) + E)   keras: / sqrt(a + E) momentum as above on g / (..);  centered: a - m^2 for a, m
 * the mean of g adagrad   a += g^2;  p -= l g / (sqrt(a) + E)                  keras: / sqrt(a +
 * E), a from .1 adadelta  a as rmsprop;  d = sqrt(D+E) / sqrt(a+E) g;  D = rho D + (1-rho) d^2;  p
 * -= l d adam      m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2 torch p -= l/(1-b1^t) m /
 * (sqrt(v/(1-b2^t)) + E) keras, keras2 p -= l sqrt(1-b2^t)/(1-b1^t) m / (sqrt(v) + E) amsgrad: the
 * largest v so far for v adamax    u = max(b2 u, |g|);  p -= l/(1-b1^t) m / (u + E)     torch:
 * max(b2 u, |g| + E), m / u nadam     mu_t = b1 (1 - .96^(t momentum_decay) / 2);  K = mu_1 .. mu_t
 *               p -= l (mu_{t+1} m / (1 - K mu_{t+1}) + (1 - mu_t) g / (1-K)) / (sqrt(v/(1-b2^t)) +
 * E) adamw     adam with weight decay; no keras2 form Any may have l2 (g += l2 p) and weight_decay
 * (p -= l weight_decay p before the step), of every parameter. keras2: l / (1 + decay (t-1)) for l.
 * Sources: Keras 3 and 2.2.4, PyTorch 2. */
#ifndef OUTRO_NN_OPTIMIZER_H
#define OUTRO_NN_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "nn/real.h"

#define OPTIMIZER_TEXT_MAX 512 /* the NUL included */

enum optimizer_form { FORM_KERAS, FORM_KERAS2, FORM_TORCH, OPTIMIZER_FORMS };

struct optimizer_settings {
    const struct optimizer_method *method; /* a row of the table */
    enum optimizer_form form;
    double learning_rate;    /* for the caller's schedule; optimizer_step() is told its own */
    double momentum;         /* mu of momentum, nesterov, rmsprop */
    double rho;              /* of rmsprop, adadelta */
    double beta1, beta2;     /* of the adams */
    double epsilon;          /* E, of all but sgd, momentum, nesterov */
    double accumulator;      /* what adagrad's a starts at */
    double momentum_decay;   /* of nadam: 1 in keras, else .004 */
    double decay;            /* of the learning rate, keras2 */
    double l2, weight_decay; /* of any */
    bool centered;           /* rmsprop */
    bool amsgrad;            /* adam, adamw */
};

/** Reads "NAME[.FORM] [key=value ...]"; what is not said has that form's default. Keys are the
 * fields above, learning_rate is lr.  @return 0, or -1 with ERR_INPUT: the word and what it may be
 */
int optimizer_parse(const char *text, struct optimizer_settings *out, struct err *err) MUST_CHECK;
/** The shortest text that reads back equal. */
void optimizer_print(const struct optimizer_settings *settings, char out[OPTIMIZER_TEXT_MAX]);
/** Walks the table. @return whether there is a row i; then out is its defaults */
bool optimizer_row(size_t i, struct optimizer_settings *out);

struct optimizer;
/** @param settings copied  @param count of parameters  @return new optimizer at its start, or NULL
 * with ERR_MEMORY */
struct optimizer *optimizer_new(const struct optimizer_settings *settings, size_t count,
                                struct err *err) MUST_CHECK;
void optimizer_free(struct optimizer *optimizer);

/** One step. @param params (count) changed  @param gradient (count); the two do not overlap */
void optimizer_step(struct optimizer *optimizer, double learning_rate, real *params,
                    const real *gradient);

/** All it remembers but the number of steps, in one block to be saved or overwritten. The same
 * settings, state and steps go on to the same bits. @param count out, 0 for plain sgd  @return
 * borrowed */
real *optimizer_state(struct optimizer *optimizer, size_t *count);
uint64_t optimizer_steps(const struct optimizer *optimizer);
/** Goes on as after so many steps; the state is the caller's to put back. */
void optimizer_resume(struct optimizer *optimizer, uint64_t steps);

#endif
