/* golden_case.h - what the tests of recurrent networks share: values held against a reference
 * relative to the largest of their tensor, one line printed a case with the worst of them, and
 * between sequence-major (B,T,n), as references are stored, and time-major (T,B,n), as we compute.
 */
#ifndef OUTRO_TESTS_GOLDEN_CASE_H
#define OUTRO_TESTS_GOLDEN_CASE_H

#include <stddef.h>

#include "golden_file.h"
#include "nn/real.h"

struct golden_case {
    const char *name;
    double worst; /* of all tensors so far */
    char where[64];
};

/** How far got is from expected, relative to the largest expected value; infinite where a value is
 * no number. */
double golden_relative(const real *got, const double *expected, size_t count);
/** Fails above the tolerance, and fails when a reference with one value spoilt by three tolerances
 * passes. */
void golden_hold(struct golden_case *c, const char *tensor, const real *got, const double *expected,
                 size_t count, double tolerance);
/** The same against a tensor of the file. */
void golden_hold_tensor(struct golden_case *c, const struct golden_file *file, const char *tensor,
                        const real *got, size_t count, double tolerance);
/** Prints the case's line. */
void golden_report(const struct golden_case *c);

/** out (T,B,n) of in (B,T,n), or back with rows and columns swapped. @return new, caller frees */
real *golden_turn(const real *in, size_t rows, size_t columns, size_t n);
/** The same of a tensor (B,T,n) of the file. */
real *golden_fetch_turned(const struct golden_file *file, const char *tensor, size_t batch,
                          size_t steps, size_t n);
/** New, zero, caller frees. */
real *golden_block(size_t count);

#endif
