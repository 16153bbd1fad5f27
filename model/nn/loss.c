#include "nn/loss.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/settings.h"

#define TINY 1e-7 /* Keras' epsilon: below it nothing is divided by, and no logarithm is taken */

enum takes { TAKES_NOTHING, TAKES_DELTA, TAKES_LEVELS };

struct loss_kind {
    const char *name;
    double (*compute)(const struct loss *loss, const struct loss_rows *rows, real *gradient);
    enum takes takes;
    bool metric; /* reported as the root of its mean, not trained on */
};

/* A loss of one number and its derivative by the prediction p; y is the target. */
struct element {
    double value, slope;
};

/* The loop that every loss is: inlined with its element, so that no call is left in it. */
static inline __attribute__((always_inline)) double
sum_elements(const struct loss_rows *rows, const double *number, size_t stride, real *gradient,
             struct element (*element)(double p, double y, double number))
{
    double sum = 0;
    for (size_t row = 0; row < rows->rows; row++)
        for (size_t o = 0; o < rows->outputs; o++) {
            size_t i = row * rows->outputs + o;
            struct element e =
                element((double)rows->prediction[i], (double)rows->target[row], number[o * stride]);
            sum += e.value;
            if (gradient)
                gradient[i] = (real)(e.slope * rows->scale);
        }
    return sum * rows->scale;
}

static double sign(double x)
{
    return (double)((x > 0) - (x < 0));
}

/* max(x, TINY) that keeps a NaN */
static double at_least_tiny(double x)
{
    return x <= TINY ? TINY : x;
}

static inline struct element element_mse(double p, double y, double unused)
{
    (void)unused;
    double e = p - y;
    return (struct element){e * e, 2 * e};
}

static inline struct element element_mae(double p, double y, double unused)
{
    (void)unused;
    double e = p - y;
    return (struct element){fabs(e), sign(e)};
}

static inline struct element element_huber(double p, double y, double delta)
{
    double e = p - y, size = fabs(e);
    if (size > delta)
        return (struct element){delta * size - .5 * delta * delta, delta * sign(e)};
    return (struct element){.5 * e * e, e};
}

/* ln cosh: near 0 by sinh, where the other form would cancel; that one never overflows. */
static inline struct element element_logcosh(double p, double y, double unused)
{
    (void)unused;
    double e = p - y, size = fabs(e), s = sinh(size < 1 ? size : 1);
    double value = size < 1 ? .5 * log1p(s * s) : size + log1p(exp(-2 * size)) - M_LN2;
    return (struct element){value, tanh(e)};
}

static inline struct element element_mape(double p, double y, double unused)
{
    (void)unused;
    double e = p - y, weight = 100 / at_least_tiny(fabs(y));
    return (struct element){weight * fabs(e), weight * sign(e)};
}

static inline struct element element_msle(double p, double y, double unused)
{
    (void)unused;
    double d = log(at_least_tiny(p) + 1) - log(at_least_tiny(y) + 1);
    return (struct element){d * d, p <= TINY ? 0 : 2 * d / (p + 1)};
}

static inline struct element element_pinball(double p, double y, double level)
{
    double e = y - p;
    double slope = e > 0 ? level : e < 0 ? level - 1 : 0 * e; /* 0 * NaN stays NaN */
    return (struct element){slope * e, -slope};
}

#define LOSS_FUNCTION(name)                                                                        \
    static double compute_##name(const struct loss *loss, const struct loss_rows *rows,            \
                                 real *gradient)                                                   \
    {                                                                                              \
        return sum_elements(rows, loss->number, 0, gradient, element_##name);                      \
    }
LOSS_FUNCTION(mse)
LOSS_FUNCTION(mae)
LOSS_FUNCTION(huber)
LOSS_FUNCTION(logcosh)
LOSS_FUNCTION(mape)
LOSS_FUNCTION(msle)

double loss_pinball(const struct loss_rows *rows, const double *levels, real *gradient)
{
    return sum_elements(rows, levels, 1, gradient, element_pinball);
}

static double compute_pinball(const struct loss *loss, const struct loss_rows *rows, real *gradient)
{
    assert(rows->outputs == loss->numbers);
    return loss_pinball(rows, loss->number, gradient);
}

static const struct loss_kind kinds[] = {
    {"mse", compute_mse, TAKES_NOTHING, false},
    {"rmse", compute_mse, TAKES_NOTHING, true},
    {"mae", compute_mae, TAKES_NOTHING, false},
    {"huber", compute_huber, TAKES_DELTA, false},
    {"logcosh", compute_logcosh, TAKES_NOTHING, false},
    {"mape", compute_mape, TAKES_NOTHING, false},
    {"msle", compute_msle, TAKES_NOTHING, false},
    {"pinball", compute_pinball, TAKES_LEVELS, false},
};
#define KINDS (sizeof kinds / sizeof *kinds)

/* The numbers behind the colon, as many as fit. @return false when a word between commas is none */
static bool read_numbers(const char *text, struct loss *loss)
{
    for (const char *at = text;; at++) {
        size_t size = strcspn(at, ",");
        if (loss->numbers == LOSS_NUMBERS_MAX ||
            !settings_number(at, size, &loss->number[loss->numbers]))
            return false;
        loss->numbers++;
        at += size;
        if (!*at)
            return true;
    }
}

static bool numbers_fit(const struct loss *loss)
{
    switch (loss->kind->takes) {
    case TAKES_NOTHING:
        return !loss->numbers;
    case TAKES_DELTA:
        return loss->numbers == 1 && loss->number[0] > 0;
    case TAKES_LEVELS:
        for (size_t i = 0; i < loss->numbers; i++)
            if (!(loss->number[i] > 0 && loss->number[i] < 1))
                return false;
        return loss->numbers > 0;
    }
    return false;
}

int loss_by_name(const char *text, struct loss *out, struct err *err)
{
    struct loss loss = {0};
    size_t size = strcspn(text, ":");
    for (size_t i = 0; i < KINDS; i++)
        if (strlen(kinds[i].name) == size && !memcmp(kinds[i].name, text, size))
            loss.kind = &kinds[i];
    bool fits = loss.kind && (!text[size] || read_numbers(text + size + 1, &loss));
    if (fits && loss.kind->takes == TAKES_DELTA && !loss.numbers)
        loss.number[loss.numbers++] = 1;
    if (!fits || !numbers_fit(&loss))
        return err_set(
            err, ERR_INPUT,
            "'%.60s' is no loss; it may be mse, rmse (a metric), mae, huber:DELTA (above "
            "0), logcosh, mape, msle or pinball:LEVEL,LEVEL (up to %d, between 0 and 1)",
            text, LOSS_NUMBERS_MAX);
    *out = loss;
    return 0;
}

void loss_print(const struct loss *loss, char out[LOSS_TEXT_MAX])
{
    snprintf(out, LOSS_TEXT_MAX, "%s", loss->kind->name);
    for (size_t i = 0; i < loss->numbers; i++) {
        size_t used = strlen(out);
        snprintf(out + used, LOSS_TEXT_MAX - used, "%c", i ? ',' : ':');
        settings_append_number(loss->number[i], out, LOSS_TEXT_MAX);
    }
}

const char *loss_name(size_t i)
{
    return i < KINDS ? kinds[i].name : NULL;
}

bool loss_is_metric(const struct loss *loss)
{
    return loss->kind->metric;
}

size_t loss_outputs(const struct loss *loss)
{
    return loss->kind->takes == TAKES_LEVELS ? loss->numbers : 0;
}

double loss_compute(const struct loss *loss, const struct loss_rows *rows, real *gradient)
{
    assert(!gradient || !loss->kind->metric);
    return loss->kind->compute(loss, rows, gradient);
}

double loss_report(const struct loss *loss, double mean)
{
    return loss->kind->metric ? sqrt(mean) : mean;
}
