/* loss.h - losses and their gradients by the prediction: a table of rows, found by name and printed
 * back ("mae", "huber:1.5", "pinball:.1,.5,.9"). Each sums over `rows` predictions of `outputs`
 * numbers against one target a row and multiplies sum and gradient by scale: 1/(rows outputs) for
 * the mean, or one over the whole batch when its rows are worked on in parts. Where every output
 * has a target of its own, each is a row of one output. Sums in double. With p the prediction, y
 * the target, e = p - y and E = 1e-7: mse       e^2                                             2e
 *     rmse      root of the mean of e^2: a metric, no gradient
 *     mae       |e|                                             sign(e), 0 at 0
 *     huber:D   e^2/2, beyond D: D |e| - D^2/2                  clip(e, -D, D)
 *     logcosh   ln cosh e                                       tanh(e)
 *     mape      100 |e| / max(|y|, E)                           100 sign(e) / max(|y|, E)
 *     msle      d^2, d = ln(max(p,E)+1) - ln(max(y,E)+1)        2d/(p+1), 0 where p <= E
 *     pinball:Q max(Q (y-p), (Q-1) (y-p)), a level an output    -Q if y > p, 1-Q if y < p, 0 at 0
 * A number that is not finite is not lost: the loss is NaN then. Source: Keras 3. */
#ifndef OUTRO_NN_LOSS_H
#define OUTRO_NN_LOSS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "nn/real.h"

#define LOSS_NUMBERS_MAX 16  /* levels of a pinball loss */
#define LOSS_TEXT_MAX    512 /* the NUL included */

struct loss_rows {
    size_t rows, outputs;
    const real *prediction; /* (rows,outputs) borrowed */
    const real *target;     /* (rows) borrowed */
    double scale;
};

struct loss {
    const struct loss_kind *kind; /* a row of the table */
    size_t numbers;               /* behind its name: huber's delta, pinball's levels, or none */
    double number[LOSS_NUMBERS_MAX];
};

/** Reads a loss by its name: huber alone is huber:1, pinball must have its levels.
 *  @return 0, or -1 with ERR_INPUT: what was found and what it may be */
int loss_by_name(const char *text, struct loss *out, struct err *err) MUST_CHECK;
/** The text that reads back equal. */
void loss_print(const struct loss *loss, char out[LOSS_TEXT_MAX]);
/** @return name of row i of the table, NULL behind the last */
const char *loss_name(size_t i);
/** Cannot be trained on: rmse. */
bool loss_is_metric(const struct loss *loss);
/** Outputs a row that it is defined for: as many as levels for pinball, 0 for any number. */
size_t loss_outputs(const struct loss *loss);

/** @param gradient (rows,outputs) written, or NULL; NULL for a metric  @return scaled sum */
double loss_compute(const struct loss *loss, const struct loss_rows *rows, real *gradient);
/** What is reported of a mean of loss_compute() over all rows: the root of it for rmse, else
 * itself.
 */
double loss_report(const struct loss *loss, double mean);

/** Pinball at the level of each output, for callers whose levels are fixed.
 *  @param levels (outputs), in 0 .. 1  @param gradient as above  @return scaled sum */
double loss_pinball(const struct loss_rows *rows, const double *levels, real *gradient);

#endif
