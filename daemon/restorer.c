#include "daemon/restorer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clocks.h"
#include "daemon/inbox.h"
#include "daemon/restorer_parts.h"

/* One client reads from one broker at a time, and a new store's memory takes as long to come as its
 * records: two partitions at once keep two cores busy. */
#define WORKERS 2

struct worker {
    struct restorer *restorer;
    struct reader reader;
    pthread_t thread;
    bool started;
};

struct restorer {
    struct worker worker[WORKERS];
    int bell;
    bool stop;
    pthread_mutex_t lock;
    pthread_cond_t asked;
    struct job *jobs; /* in the order they were asked for */
};

static void job_free(struct job *job)
{
    state_store_free(job->restored.store);
    free(job);
}

static void unlink_job(struct restorer *restorer, struct job *job)
{
    for (struct job **at = &restorer->jobs; *at; at = &(*at)->next) {
        if (*at == job) {
            *at = job->next;
            return;
        }
    }
}

static struct job *find_waiting(struct restorer *restorer)
{
    struct job *job = restorer->jobs;
    while (job && job->state != JOB_WAITING) {
        job = job->next;
    }
    return job;
}

static void *run(void *ctx)
{
    struct worker *worker = ctx;
    struct restorer *restorer = worker->restorer;
    struct job *job;
    pthread_mutex_lock(&restorer->lock);
    while (!restorer->stop) {
        if (!(job = find_waiting(restorer))) {
            pthread_cond_wait(&restorer->asked, &restorer->lock);
            continue;
        }
        job->state = JOB_RUNNING;
        pthread_mutex_unlock(&restorer->lock);
        int64_t began_ms = monotonic_ms();
        if (reader_restore(&worker->reader, job) != 0) {
            state_store_free(job->restored.store);
            job->restored.store = NULL;
        }
        job->restored.took_ms = monotonic_ms() - began_ms;
        pthread_mutex_lock(&restorer->lock);
        job->state = JOB_DONE;
        if (atomic_load(&job->cancelled)) {
            unlink_job(restorer, job);
            job_free(job);
        } else {
            inbox_ring(restorer->bell);
        }
    }
    pthread_mutex_unlock(&restorer->lock);
    return NULL;
}

static int start(struct restorer *restorer, struct worker *worker, const struct config *config,
                 const struct stream_params *params, struct logger *logger, struct err *err)
{
    worker->restorer = restorer;
    if (reader_init(&worker->reader, config, params, logger, err) != 0) {
        return -1;
    }
    int code = pthread_create(&worker->thread, NULL, run, worker);
    if (code != 0) {
        return err_set(err, ERR_IO, "cannot start a thread of the restorer: %s", strerror(code));
    }
    pthread_setname_np(worker->thread, "restorer");
    worker->started = true;
    return 0;
}

struct restorer *restorer_new(const struct config *config, const struct stream_params *params,
                              struct logger *logger, int bell, struct err *err)
{
    struct restorer *restorer = calloc(1, sizeof *restorer);
    if (!restorer) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    restorer->bell = bell;
    pthread_mutex_init(&restorer->lock, NULL);
    pthread_cond_init(&restorer->asked, NULL);
    for (size_t i = 0; i < WORKERS; i++) {
        if (start(restorer, &restorer->worker[i], config, params, logger, err) != 0) {
            restorer_free(restorer);
            return NULL;
        }
    }
    return restorer;
}

void restorer_free(struct restorer *restorer)
{
    if (!restorer) {
        return;
    }
    pthread_mutex_lock(&restorer->lock);
    restorer->stop = true;
    for (struct job *job = restorer->jobs; job; job = job->next) {
        atomic_store(&job->cancelled, true);
    }
    pthread_cond_broadcast(&restorer->asked);
    pthread_mutex_unlock(&restorer->lock);
    for (size_t i = 0; i < WORKERS; i++) {
        if (restorer->worker[i].started) {
            pthread_join(restorer->worker[i].thread, NULL);
        }
    }
    while (restorer->jobs) {
        struct job *job = restorer->jobs;
        restorer->jobs = job->next;
        job_free(job);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        reader_release(&restorer->worker[i].reader);
    }
    pthread_cond_destroy(&restorer->asked);
    pthread_mutex_destroy(&restorer->lock);
    free(restorer);
}

int restorer_ask(struct restorer *restorer, int32_t partition, struct err *err)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    job->restored.partition = partition;
    restorer_cancel(restorer, partition);
    pthread_mutex_lock(&restorer->lock);
    struct job **end = &restorer->jobs;
    while (*end) {
        end = &(*end)->next;
    }
    *end = job;
    pthread_cond_signal(&restorer->asked);
    pthread_mutex_unlock(&restorer->lock);
    return 0;
}

void restorer_cancel(struct restorer *restorer, int32_t partition)
{
    pthread_mutex_lock(&restorer->lock);
    struct job *job = restorer->jobs, *next;
    for (; job; job = next) {
        next = job->next;
        if (job->restored.partition != partition) {
            continue;
        }
        atomic_store(&job->cancelled, true);
        if (job->state != JOB_RUNNING) { /* else its thread ends it */
            unlink_job(restorer, job);
            job_free(job);
        }
    }
    pthread_mutex_unlock(&restorer->lock);
}

bool restorer_take(struct restorer *restorer, struct restored *restored)
{
    pthread_mutex_lock(&restorer->lock);
    struct job *job = restorer->jobs;
    while (job && job->state != JOB_DONE) {
        job = job->next;
    }
    if (job) {
        unlink_job(restorer, job);
        *restored = job->restored;
        free(job);
    }
    pthread_mutex_unlock(&restorer->lock);
    return job != NULL;
}

void restorer_progress(struct restorer *restorer, struct restore_progress *progress)
{
    memset(progress, 0, sizeof *progress);
    pthread_mutex_lock(&restorer->lock);
    for (struct job *job = restorer->jobs; job; job = job->next) {
        if (!atomic_load(&job->cancelled)) {
            progress->partitions++;
            progress->stalled += atomic_load(&job->stalled);
            progress->read += atomic_load(&job->read);
            progress->all += atomic_load(&job->all);
        }
    }
    pthread_mutex_unlock(&restorer->lock);
}
