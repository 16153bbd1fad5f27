#include "core/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct worker {
    struct workers *pool;
    size_t index;
    pthread_t thread;
};

/* One mutex guards everything: a task is milliseconds, taking one is nothing. */
struct workers {
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    size_t threads, started; /* the caller's included in both */
    struct worker *worker;   /* (threads), owned; the first is the caller */
    bool stop;
    size_t tasks, taken, finished;
    void (*task)(void *ctx, size_t worker, size_t i);
    void *ctx;
};

/* Takes tasks until none is left. Called and left with the lock held. */
static void work(struct workers *pool, size_t index)
{
    while (pool->taken < pool->tasks) {
        size_t i = pool->taken++;
        pthread_mutex_unlock(&pool->lock);
        pool->task(pool->ctx, index, i);
        pthread_mutex_lock(&pool->lock);
        if (++pool->finished == pool->tasks)
            pthread_cond_signal(&pool->end);
    }
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct workers *pool = worker->pool;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stop) {
        work(pool, worker->index);
        pthread_cond_wait(&pool->begin, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct workers *workers_new(size_t threads, struct err *err)
{
    struct workers *pool = calloc(1, sizeof *pool);
    struct worker *worker = calloc(threads, sizeof *worker);
    if (!pool || !worker) {
        free(pool);
        free(worker);
        err_set(err, ERR_MEMORY, "no memory for %zu workers", threads);
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->begin, NULL);
    pthread_cond_init(&pool->end, NULL);
    pool->threads = threads;
    pool->worker = worker;
    for (pool->started = 1; pool->started < threads; pool->started++) {
        struct worker *next = worker + pool->started;
        *next = (struct worker){.pool = pool, .index = pool->started};
        int code = pthread_create(&next->thread, NULL, worker_main, next);
        if (code) {
            err_set(err, ERR_IO, "cannot start thread %zu of %zu (error %d)", pool->started + 1,
                    threads, code);
            workers_free(pool);
            return NULL;
        }
    }
    return pool;
}

void workers_free(struct workers *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->begin);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 1; i < pool->started; i++)
        pthread_join(pool->worker[i].thread, NULL);
    pthread_cond_destroy(&pool->end);
    pthread_cond_destroy(&pool->begin);
    pthread_mutex_destroy(&pool->lock);
    free(pool->worker);
    free(pool);
}

size_t workers_count(const struct workers *pool)
{
    return pool->threads;
}

void workers_run(struct workers *pool, size_t tasks,
                 void (*task)(void *ctx, size_t worker, size_t i), void *ctx)
{
    pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->ctx = ctx;
    pool->taken = pool->finished = 0;
    pool->tasks = tasks;
    pthread_cond_broadcast(&pool->begin);
    work(pool, 0);
    while (pool->finished < pool->tasks)
        pthread_cond_wait(&pool->end, &pool->lock);
    pool->tasks = pool->taken = 0;
    pthread_mutex_unlock(&pool->lock);
}
