/* reference_net.h - the outputs of a network of net_spec.h in double, written down from the
 * formulas of the cells with one loop for each sum: slow, and plain enough to be checked by
 * reading. */
#ifndef OUTRO_TESTS_REFERENCE_NET_H
#define OUTRO_TESTS_REFERENCE_NET_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/net_spec.h"

/** @param x (T,I) of one sequence  @param skip (T) steps that are none; NULL: all are steps
 *  @param outputs the head's, after the last step. Plain networks: features 0, recurrent */
void reference_outputs(const struct net_spec *spec, const double *params, size_t steps,
                       const double *x, const bool *skip, double *outputs);

#endif
