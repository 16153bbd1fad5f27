#include "daemon/restorer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clocks.h"
#include "daemon/inbox.h"
#include "daemon/restorer_parts.h"

struct restorer {
    struct reader reader;
    int bell;
    pthread_t thread;
    bool started, stop;
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
    struct restorer *restorer = ctx;
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
        if (reader_restore(&restorer->reader, job) != 0) {
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
    if (reader_init(&restorer->reader, config, params, logger, err) != 0) {
        restorer_free(restorer);
        return NULL;
    }
    int code = pthread_create(&restorer->thread, NULL, run, restorer);
    if (code != 0) {
        err_set(err, ERR_IO, "cannot start the restorer's thread: %s", strerror(code));
        restorer_free(restorer);
        return NULL;
    }
    pthread_setname_np(restorer->thread, "restorer");
    restorer->started = true;
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
    pthread_cond_signal(&restorer->asked);
    pthread_mutex_unlock(&restorer->lock);
    if (restorer->started) {
        pthread_join(restorer->thread, NULL);
    }
    while (restorer->jobs) {
        struct job *job = restorer->jobs;
        restorer->jobs = job->next;
        job_free(job);
    }
    reader_release(&restorer->reader);
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
