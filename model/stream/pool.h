/* pool.h - the pool of the kernel KM: 400 lengths that stand for what people in general do, for
 * users of whom little is known. From the training sessions of the training users, each user
 * weighing the same (model/PREDICTOR.md). */
#ifndef OUTRO_STREAM_POOL_H
#define OUTRO_STREAM_POOL_H

#include "bundle/bundle.h"
#include "stream/session_lengths.h"

/** @param pool_ms (POOL_VALUES) out, ascending  @return 0, or -1: ERR_INPUT when no user has a
 * training session, ERR_MEMORY */
int pool_make(const struct session_lengths *lengths, int64_t *pool_ms, struct err *err) MUST_CHECK;

#endif
