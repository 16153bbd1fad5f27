#include "daemon/snapshot_saver.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    pthread_cond_t given;
    bool stop;
    struct job *jobs; /* in the order they were given */
};

static void save(struct snapshot_saver *saver, struct job *job)
{
    struct err err = {0};
    const struct snapshot_of of = {job->cluster, saver->group, saver->topic, job->partition};
    int64_t began_ms = monotonic_ms();
    size_t users = state_store_users(job->store);
    if (snapshot_file_write(saver->dir, &of, &job->covers, job->store, &err) != 0) {
        logger_event(saver->logger, LEVEL_WARN, "snapshot-failed",
                     "%s; the next start reads more of the changelog", err.text);
        return;
    }
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
            pthread_cond_wait(&saver->given, &saver->lock);
            continue;
        }
        saver->jobs = job->next;
        pthread_mutex_unlock(&saver->lock);
        save(saver, job);
        state_store_free(job->store);
        free(job);
        pthread_mutex_lock(&saver->lock);
    }
    pthread_mutex_unlock(&saver->lock);
    return NULL;
}

struct snapshot_saver *snapshot_saver_new(const struct config *config, struct logger *logger,
                                          struct err *err)
{
    struct snapshot_saver *saver = calloc(1, sizeof *saver);
    if (!saver) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    saver->logger = logger;
    saver->dir = strdup(config->state_dir);
    saver->group = strdup(kafka_group(config));
    saver->topic = strdup(config->topic_state);
    pthread_mutex_init(&saver->lock, NULL);
    pthread_cond_init(&saver->given, NULL);
    int code = pthread_create(&saver->thread, NULL, run, saver);
    saver->started = code == 0;
    if (!saver->dir || !saver->group || !saver->topic || code != 0) {
        err_set(err, ERR_IO, "cannot start the snapshot's thread: %s", strerror(code));
        snapshot_saver_free(saver);
        return NULL;
    }
    pthread_setname_np(saver->thread, "snapshots");
    return saver;
}

void snapshot_saver_free(struct snapshot_saver *saver)
{
    if (!saver) {
        return;
    }
    pthread_mutex_lock(&saver->lock);
    saver->stop = true;
    pthread_cond_signal(&saver->given);
    pthread_mutex_unlock(&saver->lock);
    if (saver->started) {
        pthread_join(saver->thread, NULL);
    }
    pthread_cond_destroy(&saver->given);
    pthread_mutex_destroy(&saver->lock);
    free(saver->dir);
    free(saver->group);
    free(saver->topic);
    free(saver);
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
    pthread_cond_signal(&saver->given);
    pthread_mutex_unlock(&saver->lock);
}
