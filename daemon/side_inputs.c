#include "daemon/side_inputs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/inbox.h"
#include "daemon/side_inputs_parts.h"

/* Changes that wait for the engine: enough that neither waits for the other all the time. */
#define CHANGES_MAX 16384

struct side_link {
    int bell;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t room;
    struct side_change *change[2]; /* (CHANGES_MAX) filled by the thread, and with the engine */
    size_t count;
    bool whole, failed;
    struct err failure;
};

bool side_inputs_wanted(const struct config *config)
{
    return *config->topic_profiles || *config->topic_track_durations;
}

void side_inputs_give(struct side_inputs *side, const struct side_change *change)
{
    struct side_link *link = side->link;
    pthread_mutex_lock(&link->lock);
    while (link->count == CHANGES_MAX && !atomic_load(&side->stop)) {
        pthread_cond_wait(&link->room, &link->lock);
    }
    if (link->count < CHANGES_MAX) {
        link->change[0][link->count++] = *change;
    }
    bool first = link->count == 1;
    pthread_mutex_unlock(&link->lock);
    if (first) {
        inbox_ring(link->bell);
    }
}

void side_inputs_whole(struct side_inputs *side)
{
    pthread_mutex_lock(&side->link->lock);
    side->link->whole = true;
    pthread_mutex_unlock(&side->link->lock);
    inbox_ring(side->link->bell);
}

static void *run(void *ctx)
{
    struct side_inputs *side = ctx;
    struct side_link *link = side->link;
    struct err err = {0};
    if (side_reader_run(side, &err) != 0) {
        pthread_mutex_lock(&link->lock);
        link->failed = true;
        link->failure = err;
        pthread_mutex_unlock(&link->lock);
        inbox_ring(link->bell);
    }
    return NULL;
}

static int make_link(struct side_inputs *side, int bell, struct err *err)
{
    struct side_link *link = calloc(1, sizeof *link);
    if (!link) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    side->link = link;
    link->bell = bell;
    pthread_mutex_init(&link->lock, NULL);
    pthread_cond_init(&link->room, NULL);
    for (int i = 0; i < 2; i++) {
        link->change[i] = calloc(CHANGES_MAX, sizeof *link->change[i]);
        if (!link->change[i]) {
            return err_set(err, ERR_MEMORY, "out of memory");
        }
    }
    return 0;
}

struct side_inputs *side_inputs_new(const struct config *config, struct logger *logger, int bell,
                                    struct err *err)
{
    struct side_inputs *side = calloc(1, sizeof *side);
    if (!side) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    if (make_link(side, bell, err) != 0 ||
        side_reader_init(&side->reader, config, logger, err) != 0) {
        side_inputs_free(side);
        return NULL;
    }
    int code = pthread_create(&side->link->thread, NULL, run, side);
    if (code != 0) {
        err_set(err, ERR_IO, "cannot start the side inputs' thread: %s", strerror(code));
        side_inputs_free(side);
        return NULL;
    }
    pthread_setname_np(side->link->thread, "side-inputs");
    side->link->started = true;
    return side;
}

void side_inputs_free(struct side_inputs *side)
{
    if (!side) {
        return;
    }
    struct side_link *link = side->link;
    if (link) {
        pthread_mutex_lock(&link->lock);
        atomic_store(&side->stop, true);
        pthread_cond_signal(&link->room);
        pthread_mutex_unlock(&link->lock);
        if (link->started) {
            pthread_join(link->thread, NULL);
        }
        free(link->change[0]);
        free(link->change[1]);
        pthread_cond_destroy(&link->room);
        pthread_mutex_destroy(&link->lock);
        free(link);
    }
    side_reader_release(&side->reader);
    free(side);
}

const struct side_change *side_inputs_take(struct side_inputs *side, size_t *count, bool *whole,
                                           struct err *err)
{
    struct side_link *link = side->link;
    pthread_mutex_lock(&link->lock);
    struct side_change *filled = link->change[0];
    link->change[0] = link->change[1];
    link->change[1] = filled;
    *count = link->count;
    *whole = link->whole;
    link->count = 0;
    bool failed = link->failed;
    if (failed) {
        *err = link->failure;
    }
    pthread_cond_signal(&link->room);
    pthread_mutex_unlock(&link->lock);
    return failed ? NULL : filled;
}

void side_inputs_progress(struct side_inputs *side, struct side_progress *progress)
{
    pthread_mutex_lock(&side->link->lock);
    progress->reading = !side->link->whole;
    pthread_mutex_unlock(&side->link->lock);
    progress->read = atomic_load(&side->read);
    progress->all = atomic_load(&side->all);
    for (int i = 0; i < SIDE_INPUTS; i++) {
        progress->records[i] = atomic_load(&side->records[i]);
        progress->bad[i] = atomic_load(&side->bad[i]);
    }
}
