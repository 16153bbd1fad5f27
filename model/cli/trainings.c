#include "cli/trainings.h"

#include <stdlib.h>

/* With the lock held. */
static void draw(struct trainings *t)
{
    double sum = 0;
    for (size_t i = 0; i < t->count; i++)
        sum += t->done[i];
    progress_update(&t->progress, t->rows, sum / (double)t->count, "%s", t->about);
}

bool trainings_tell(void *ctx, const struct trainer_progress *p)
{
    struct training *training = ctx;
    struct trainings *t = training->all;
    pthread_mutex_lock(&t->lock);
    t->rows += p->rows - training->rows;
    training->rows = p->rows;
    t->done[training->number] = (p->epoch - 1 + (double)p->step / p->steps) / p->epochs;
    draw(t);
    bool go_on = t->err.code == ERR_NONE && !*t->source->interrupted;
    pthread_mutex_unlock(&t->lock);
    return go_on;
}

void trainings_done(struct trainings *t, size_t number)
{
    pthread_mutex_lock(&t->lock);
    t->done[number] = 1;
    pthread_mutex_unlock(&t->lock);
}

void trainings_fail(struct trainings *t, const struct err *err)
{
    pthread_mutex_lock(&t->lock);
    if (t->err.code == ERR_NONE)
        t->err = *err;
    pthread_mutex_unlock(&t->lock);
}

int trainings_run(struct trainings *t, const struct train_source *source, const char *what,
                  const char *about, size_t count, struct workers *workers,
                  void (*task)(void *ctx, size_t worker, size_t number), void *ctx, struct err *err)
{
    *t = (struct trainings){.source = source, .about = about, .count = count};
    t->done = calloc(count, sizeof *t->done);
    if (!t->done)
        return err_set(err, ERR_MEMORY, "out of memory for %zu trainings", count);
    pthread_mutex_init(&t->lock, NULL);
    progress_begin(&t->progress, what, "rows", source->quiet);
    workers_run(workers, count, task, ctx);
    progress_end(&t->progress);
    pthread_mutex_destroy(&t->lock);
    free(t->done);
    if (t->err.code == ERR_NONE)
        return 0;
    *err = t->err;
    return -1;
}
