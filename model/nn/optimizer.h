/* optimizer.h - first-order optimizers over one flat block of parameters. g the gradient, lr the
 * learning rate, t from 1:
 *     sgd      v = mu v + g;  p -= lr v  (mu 0: plain)
 *     rmsprop  a = rho a + (1-rho) g^2;  p -= lr g / (sqrt(a) + eps)  (PyTorch's place of eps)
 *     adam     m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;
 *              p -= lr / (1-b1^t) m / (sqrt(v / (1-b2^t)) + eps)  (PyTorch's: eps after correction)
 *     adamw    p -= lr wd p, then adam
 * Sources: Tieleman and Hinton 2012; Kingma and Ba 2015; Loshchilov and Hutter 2019. */
#ifndef OUTRO_NN_OPTIMIZER_H
#define OUTRO_NN_OPTIMIZER_H

#include <stddef.h>

#include "core/err.h"
#include "nn/real.h"

enum optimizer_kind { OPTIMIZER_SGD, OPTIMIZER_RMSPROP, OPTIMIZER_ADAM, OPTIMIZER_ADAMW };

struct optimizer_settings {
    enum optimizer_kind kind;
    double momentum;     /* mu of sgd */
    double rho;          /* of rmsprop */
    double beta1, beta2; /* of adam, adamw */
    double epsilon;
    double weight_decay; /* of adamw; decays every parameter */
};

/** PyTorch's defaults of a kind: mu 0, rho .99, betas .9 .999, eps 1e-8, decay .01 for adamw. */
struct optimizer_settings optimizer_defaults(enum optimizer_kind kind);

struct optimizer;
/** @param settings copied  @param count of parameters  @return new optimizer, state zero, or NULL
 * with ERR_MEMORY */
struct optimizer *optimizer_new(const struct optimizer_settings *settings, size_t count,
                                struct err *err) MUST_CHECK;
void optimizer_free(struct optimizer *optimizer);

/** One step. @param params (count) changed  @param gradient (count) */
void optimizer_step(struct optimizer *optimizer, double learning_rate, real *params,
                    const real *gradient);

/** Scales gradient down so that its Euclidean norm is at most norm_max. @return the norm before,
 * not finite if any is */
double gradient_clip(real *gradient, size_t count, double norm_max);

#endif
