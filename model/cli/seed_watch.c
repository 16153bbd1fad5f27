#include "cli/seed_watch.h"

#include <pthread.h>
#include <signal.h>

#include "cli/progress.h"

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

struct watch {
    pthread_mutex_t lock; /* of what follows: epochs end in any thread */
    struct progress progress;
    uint64_t done, work; /* rows */
};

static bool epoch(void *ctx, uint64_t rows)
{
    struct watch *watch = ctx;
    pthread_mutex_lock(&watch->lock);
    watch->done += rows;
    progress_update(&watch->progress, watch->done, (double)watch->done / (double)watch->work, "%s",
                    "");
    pthread_mutex_unlock(&watch->lock);
    return !interrupted;
}

int seed_watch_train(struct seed_models *const *models, size_t count, const struct seed_data *data,
                     uint32_t threads, bool quiet, struct err *err)
{
    struct watch watch = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const struct seed_hooks hooks = {.ctx = &watch, .epoch = epoch};
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    for (size_t m = 0; m < count; m++)
        watch.work += seed_models_work(models[m]);
    progress_begin(&watch.progress, "training", "sessions", quiet);
    int result = seed_models_train(models, count, data, threads, &hooks, err);
    progress_end(&watch.progress);
    return result;
}
