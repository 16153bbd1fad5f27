#include "prepare/user_pass.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/array.h"
#include "core/workers.h"

/* Users of one task have about so many plays: some milliseconds, so that threads wait little for
 * each other. */
enum { TASK_PLAYS = 1 << 16 };

struct task {
    uint32_t begin, end; /* users */
};

struct run {
    const struct user_pass *pass;
    struct task *tasks;
    size_t task_count, task_capacity;
    struct output (*pieces)[USER_PASS_FILES]; /* (threads) */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    size_t turn; /* of which task the files come next */
    bool failed;
    struct err err; /* of the first failure */
};

/* A task and where it waits for its turn. */
struct place {
    struct run *run;
    size_t task;
};

/* Returns at once when the run has failed: nobody will look at the files. */
static void await_turn(void *ctx)
{
    struct place *place = ctx;
    struct run *run = place->run;
    pthread_mutex_lock(&run->lock);
    while (run->turn != place->task && !run->failed)
        pthread_cond_wait(&run->moved, &run->lock);
    pthread_mutex_unlock(&run->lock);
}

static void fail(struct run *run, const struct err *err)
{
    pthread_mutex_lock(&run->lock);
    if (!run->failed)
        run->err = *err;
    run->failed = true;
    pthread_cond_broadcast(&run->moved);
    pthread_mutex_unlock(&run->lock);
}

static bool has_failed(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    bool failed = run->failed;
    pthread_mutex_unlock(&run->lock);
    return failed;
}

static void end_task(struct place *place, struct output *pieces)
{
    struct run *run = place->run;
    const struct user_pass *pass = run->pass;
    await_turn(place);
    if (has_failed(run))
        return;
    for (int i = 0; i < USER_PASS_FILES; i++)
        if (pass->files[i])
            output_piece_end(&pieces[i]);
    if (pass->progress)
        pass->progress(pass->progress_ctx, run->tasks[place->task].end,
                       history_users(pass->history));
    pthread_mutex_lock(&run->lock);
    run->turn++;
    pthread_cond_broadcast(&run->moved);
    pthread_mutex_unlock(&run->lock);
}

static void do_task(void *ctx, size_t worker, size_t i)
{
    struct run *run = ctx;
    const struct user_pass *pass = run->pass;
    struct place place = {run, i};
    struct output *pieces = run->pieces[worker];
    for (int f = 0; f < USER_PASS_FILES; f++)
        if (pass->files[f])
            output_piece_begin(&pieces[f], pass->files[f], await_turn, &place);
    for (uint32_t user = run->tasks[i].begin; user < run->tasks[i].end; user++) {
        struct err err = {0};
        if (has_failed(run))
            return;
        if (pass->write(pass->writers[worker], user, pieces, &err) < 0) {
            fail(run, &err);
            return;
        }
    }
    end_task(&place, pieces);
}

static int make_tasks(struct run *run, struct err *err)
{
    const struct history *history = run->pass->history;
    uint32_t users = history_users(history);
    for (uint32_t begin = 0, end; begin < users; begin = end) {
        uint64_t plays = 0;
        for (end = begin; end < users && plays < TASK_PLAYS; end++)
            plays += play_store_count(history->plays, end);
        struct task *tasks =
            array_grow(run->tasks, &run->task_capacity, run->task_count + 1, sizeof *tasks);
        if (!tasks)
            return err_set(err, ERR_MEMORY, "out of memory for %u users", users);
        run->tasks = tasks;
        tasks[run->task_count++] = (struct task){begin, end};
    }
    return 0;
}

static int make_pieces(struct run *run, struct err *err)
{
    run->pieces = calloc(run->pass->threads, sizeof *run->pieces);
    if (!run->pieces)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t t = 0; t < run->pass->threads; t++)
        for (int f = 0; f < USER_PASS_FILES; f++)
            if (output_piece(&run->pieces[t][f], err) < 0)
                return -1;
    return 0;
}

int user_pass_run(const struct user_pass *pass, struct err *err)
{
    struct run run = {.pass = pass};
    struct workers *workers = workers_new(pass->threads, err);
    int status = -1;
    pthread_mutex_init(&run.lock, NULL);
    pthread_cond_init(&run.moved, NULL);
    if (workers && make_tasks(&run, err) == 0 && make_pieces(&run, err) == 0) {
        workers_run(workers, run.task_count, do_task, &run);
        status = run.failed ? -1 : 0;
        if (run.failed && err)
            *err = run.err;
    }
    workers_free(workers);
    pthread_cond_destroy(&run.moved);
    pthread_mutex_destroy(&run.lock);
    for (size_t t = 0; run.pieces && t < pass->threads; t++)
        for (int f = 0; f < USER_PASS_FILES; f++)
            free(run.pieces[t][f].data);
    free(run.pieces);
    free(run.tasks);
    return status;
}
