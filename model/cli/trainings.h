/* trainings.h - several trainings at work at once, as the tasks of workers.h: one progress line for
 * all of them, and the first error that one of them met, which stops the others. */
#ifndef OUTRO_CLI_TRAININGS_H
#define OUTRO_CLI_TRAININGS_H

#include <pthread.h>

#include "cli/train_data.h"
#include "core/workers.h"
#include "nn/trainer.h"

struct trainings {
    const struct train_source *source;
    const char *about; /* what the progress line ends with; borrowed */
    size_t count;
    pthread_mutex_t lock; /* of what follows */
    struct progress progress;
    double *done; /* (count) 0 .. 1 */
    uint64_t rows;
    struct err err; /* the first */
};

/* One of them: ctx of trainings_tell. */
struct training {
    struct trainings *all;
    size_t number;
    uint64_t rows; /* 0 to begin */
};

/** Runs task(ctx, worker, number) for all numbers below count under one progress line.
 *  @param what the line begins with  @param trainings zeroed; task's ctx reaches it, for the next
 * three
 *  @return 0; -1: ERR_MEMORY, or the first error that trainings_fail was told */
int trainings_run(struct trainings *trainings, const struct train_source *source, const char *what,
                  const char *about, size_t count, struct workers *workers,
                  void (*task)(void *ctx, size_t worker, size_t number), void *ctx,
                  struct err *err) MUST_CHECK;

/** For trainer_hooks.progress. @return false when it was interrupted or another one failed */
bool trainings_tell(void *ctx, const struct trainer_progress *progress);
/** There is nothing more to do for this one. */
void trainings_done(struct trainings *trainings, size_t number);
/** One of them failed; only the first is kept. */
void trainings_fail(struct trainings *trainings, const struct err *err);

#endif
