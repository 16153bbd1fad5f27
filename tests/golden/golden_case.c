#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_case.h"

double golden_relative(const real *got, const double *expected, size_t count)
{
    double worst = 0, scale = DBL_MIN;
    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)got[i] - expected[i]);
        if (!(off <= worst))
            worst = isfinite(off) ? off : (double)INFINITY;
        scale = fmax(scale, fabs(expected[i]));
    }
    return worst / scale;
}

void golden_hold(struct golden_case *c, const char *tensor, const real *got, const double *expected,
                 size_t count, double tolerance)
{
    double off = golden_relative(got, expected, count), largest = 0;
    if (!(off <= tolerance))
        fail_msg("%s, %s: off by %.3g of its largest value, %.3g allowed", c->name, tensor, off,
                 tolerance);
    if (off >= c->worst) {
        c->worst = off;
        snprintf(c->where, sizeof c->where, "%s", tensor);
    }
    double *spoilt = malloc(count * sizeof *spoilt);
    assert_non_null(spoilt);
    memcpy(spoilt, expected, count * sizeof *spoilt);
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(expected[i]));
    spoilt[count / 2] += 3 * tolerance * fmax(largest, DBL_MIN);
    if (golden_relative(got, spoilt, count) <= tolerance)
        fail_msg("%s, %s: a spoilt reference passes", c->name, tensor);
    free(spoilt);
}

void golden_hold_tensor(struct golden_case *c, const struct golden_file *file, const char *tensor,
                        const real *got, size_t count, double tolerance)
{
    double *expected = golden_fetch(file, tensor, count);
    golden_hold(c, tensor, got, expected, count, tolerance);
    free(expected);
}

void golden_report(const struct golden_case *c)
{
    print_message("%-32s %.1e  (%s)\n", c->name, c->worst, c->where);
}

real *golden_block(size_t count)
{
    real *values = calloc(count + 1, sizeof *values);
    assert_non_null(values);
    return values;
}

real *golden_turn(const real *in, size_t rows, size_t columns, size_t n)
{
    real *out = golden_block(rows * columns * n);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            memcpy(out + (j * rows + i) * n, in + (i * columns + j) * n, n * sizeof *out);
    return out;
}

real *golden_fetch_turned(const struct golden_file *file, const char *tensor, size_t batch,
                          size_t steps, size_t n)
{
    real *stored = golden_fetch_real(file, tensor, batch * steps * n);
    real *out = golden_turn(stored, batch, steps, n);
    free(stored);
    return out;
}
