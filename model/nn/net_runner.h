/* net_runner.h - a network of net_spec.h as serving computes it: one recurrent step of some rows,
 * the head in two parts, so that what does not change between two calls of the head is kept. Any
 * cells, gates, biases, layers; dropout is training's. Weights are packed once; states are the
 * caller's, a pointer a row, net_state_width() floats. A row's results do not depend, to the bit,
 * on the rows it is batched with. Allocates nothing after net_runner_new(). */
#ifndef OUTRO_NN_NET_RUNNER_H
#define OUTRO_NN_NET_RUNNER_H

#include <stddef.h>

#include "core/err.h"
#include "nn/kernels.h"
#include "nn/net_spec.h"

struct net_runner;
/** Not shared between threads. @param spec checked, copied  @param params packed, not kept  @param
 * early of the head's features, so many from the first on are given to net_runner_base()
 *  @param lender a runner of the same spec and early, of this thread, that outlives this one and
 * whose scratch it uses, so that of many nets in turn only the weights need the cache; NULL: its
 * own
 *  @return NULL with ERR_MEMORY */
struct net_runner *net_runner_new(const struct net_spec *spec, const float *params, size_t early,
                                  const struct net_runner *lender, struct err *err) MUST_CHECK;
void net_runner_free(struct net_runner *runner); /* NULL is fine */

/** One step. @param x (rows,inputs)  @param state rows pointers, read and replaced; distinct rows
 * must be distinct states. Does nothing without recurrent layers. */
void net_runner_step(struct net_runner *runner, size_t rows, const float *x, float *const *state);

/** The part of the head's first layer that state and early features give.
 *  @param state rows pointers; not read without recurrent layers  @param features (rows,early)
 *  @param base rows pointers to (width of the head's first layer), written */
void net_runner_base(struct net_runner *runner, size_t rows, const float *const *state,
                     const float *features, float *const *base);

/** The rest of the head. @param base as net_runner_base() wrote it  @param features (rows,F -
 * early)  @param outputs (rows,outputs) out */
void net_runner_outputs(struct net_runner *runner, size_t rows, const float *const *base,
                        const float *features, float *outputs);

/** Makes a runner use other kernels than the best, for tests and benchmarks. */
void net_runner_use(struct net_runner *runner, const struct kernels *kernels);

#endif
