/* workers.h - a few threads that share out numbered tasks. Which thread takes which task is chance,
 * so a task must write to places of its own number only: then results do not depend on how many
 * threads there are. */
#ifndef OUTRO_CORE_WORKERS_H
#define OUTRO_CORE_WORKERS_H

#include <stddef.h>

#include "core/err.h"

struct workers;

/** @param threads including the caller's, > 0  @return NULL with ERR_MEMORY, or ERR_IO when no
 * thread can be had */
struct workers *workers_new(size_t threads, struct err *err) MUST_CHECK;
void workers_free(struct workers *workers);
/** Threads, the caller's included: how many scratches there must be. */
size_t workers_count(const struct workers *workers);

/** Runs task(ctx, worker, i) for i in 0 .. tasks - 1 and returns when all are done. @param task is
 * told which worker, 0 .. threads - 1, runs it: its index of scratch */
void workers_run(struct workers *workers, size_t tasks,
                 void (*task)(void *ctx, size_t worker, size_t i), void *ctx);

#endif
