/* golden_file.h - reads one safetensors file of reference values, holds what we computed against it
 * and prints how far off it was. Shared by the tests of this folder that check many tensors. */
#ifndef OUTRO_TESTS_GOLDEN_FILE_H
#define OUTRO_TESTS_GOLDEN_FILE_H

#include <stddef.h>

#include "bundle/safetensors.h"
#include "nn/real.h"

struct golden_file {
    unsigned char *bytes;
    struct safetensors file;
};

/** Opens OUTRO_GOLDEN/name; where it is absent the test says so and skips. */
void golden_open(struct golden_file *golden, const char *name);
void golden_close(struct golden_file *golden);

/** @param count values that the tensor must have  @return new, caller frees */
double *golden_fetch(const struct golden_file *golden, const char *name, size_t count);
/** The same in the number that we compute with. */
real *golden_fetch_real(const struct golden_file *golden, const char *name, size_t count);
/** Values of a tensor that must be there. */
size_t golden_count(const struct golden_file *golden, const char *name);

/** The largest error / max(1, |expected|); infinite where a value is no number. */
double golden_distance(const real *got, const double *expected, size_t count);
/** Prints the distance under its name and fails the test if it is above tolerance - or if it still
 * is not with one expected value spoilt by three tolerances: then the check itself is broken. */
void golden_check(const char *name, const real *got, const double *expected, size_t count,
                  double tolerance);
/** golden_check() against the tensor of that name. */
void golden_check_tensor(const struct golden_file *golden, const char *name, const real *got,
                         size_t count, double tolerance);

#endif
