#include "daemon/snapshot_saver.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/clocks.h"
#include "daemon/kafka_conf.h"

struct job {
    struct job *next;
    int32_t partition;
    char cluster[CLUSTER_ID_MAX + 1];
    struct snapshot_covers covers;
    struct state_store *store; /* owned */
};

struct snapshot_saver {
    struct logger *logger;
    char *dir, *group, *topic;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* on CLOCK_MONOTONIC */
    bool stop, busy;
    _Atomic bool give_up;
    _Atomic uint64_t written, failed;
    struct job *jobs; /* in the order they were given */
};

static void save(struct snapshot_saver *saver, struct job *job)
{
    struct err err = {0};
    const struct snapshot_of of = {job->cluster, saver->group, saver->topic, job->partition};
    int64_t began_ms = monotonic_ms();
    size_t users = state_store_users(job->store);
    if (snapshot_file_write(saver->dir, &of, &job->covers, job->store, &saver->give_up, &err) !=
        0) {
        atomic_fetch_add(&saver->failed, 1);
        logger_event(saver->logger, LEVEL_WARN, "snapshot-failed",
                     "%s; the next start reads more of the changelog", err.text);
        return;
    }
    atomic_fetch_add(&saver->written, 1);
    logger_event(
        saver->logger, LEVEL_INFO, "snapshot-written",
        "partition %" PRId32 ": %zu users up to offset %" PRId64 " of %s, in %" PRId64 " ms",
        job->partition, users, job->covers.changelog_end, saver->topic, monotonic_ms() - began_ms);
}

static void *run(void *ctx)
{
    struct snapshot_saver *saver = ctx;
    pthread_mutex_lock(&saver->lock);
    while (saver->jobs || !saver->stop) {
        struct job *job = saver->jobs;
        if (!job) {
            pthread_cond_wait(&saver->changed, &saver->lock);
            continue;
        }
        saver->jobs = job->next;
        saver->busy = true;
        pthread_mutex_unlock(&saver->lock);
        save(saver, job);
        state_store_free(job->store);
        free(job);
        pthread_mutex_lock(&saver->lock);
        saver->busy = false;
        pthread_cond_broadcast(&saver->changed);
    }
    pthread_mutex_unlock(&saver->lock);
    return NULL;
}

struct snapshot_saver *snapshot_saver_new(const struct config *config, struct logger *logger,
                                          struct err *err)
{
    pthread_condattr_t monotonic;
    struct snapshot_saver *saver = calloc(1, sizeof *saver);
    if (!saver) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    saver->logger = logger;
    saver->dir = strdup(config->state_dir);
    saver->group = strndup(kafka_group(config), SNAPSHOT_TEXT_MAX);
    saver->topic = strdup(config->topic_state);
    pthread_mutex_init(&saver->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&saver->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int code = pthread_create(&saver->thread, NULL, run, saver);
    saver->started = code == 0;
    if (!saver->dir || !saver->group || !saver->topic || code != 0) {
        err_set(err, ERR_IO, "cannot start the snapshot's thread: %s", strerror(code));
        snapshot_saver_free(saver, 0);
        return NULL;
    }
    pthread_setname_np(saver->thread, "snapshots");
    return saver;
}

void snapshot_saver_free(struct snapshot_saver *saver, int64_t deadline_ms)
{
    const struct timespec deadline = {deadline_ms / 1000, deadline_ms % 1000 * 1000000};
    if (!saver) {
        return;
    }
    pthread_mutex_lock(&saver->lock);
    saver->stop = true;
    pthread_cond_broadcast(&saver->changed);
    while (saver->started && (saver->jobs || saver->busy) && monotonic_ms() < deadline_ms) {
        pthread_cond_timedwait(&saver->changed, &saver->lock, &deadline);
    }
    atomic_store(&saver->give_up, true); /* what is left ends at its next user */
    pthread_mutex_unlock(&saver->lock);
    if (saver->started) {
        pthread_join(saver->thread, NULL);
    }
    pthread_cond_destroy(&saver->changed);
    pthread_mutex_destroy(&saver->lock);
    free(saver->dir);
    free(saver->group);
    free(saver->topic);
    free(saver);
}

void snapshot_saver_counts(const struct snapshot_saver *saver, uint64_t *written, uint64_t *failed)
{
    *written = atomic_load(&saver->written);
    *failed = atomic_load(&saver->failed);
}

void snapshot_saver_give(struct snapshot_saver *saver, int32_t partition, const char *cluster,
                         const struct snapshot_covers *covers, struct state_store *store)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job) { /* what cannot be saved is read again */
        state_store_free(store);
        return;
    }
    job->partition = partition;
    snprintf(job->cluster, sizeof job->cluster, "%s", cluster);
    job->covers = *covers;
    job->covers.written_ms = wall_ms();
    job->store = store;
    pthread_mutex_lock(&saver->lock);
    struct job **end = &saver->jobs;
    while (*end) {
        end = &(*end)->next;
    }
    *end = job;
    pthread_cond_broadcast(&saver->changed);
    pthread_mutex_unlock(&saver->lock);
}
