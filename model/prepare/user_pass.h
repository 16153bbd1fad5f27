/* user_pass.h - all users of a history by several threads, and what they give in files in the order
 * of the users. Threads: core/workers.h. */
#ifndef OUTRO_PREPARE_USER_PASS_H
#define OUTRO_PREPARE_USER_PASS_H

#include "core/err.h"
#include "prepare/history.h"
#include "prepare/output.h"

enum { USER_PASS_FILES = 4 };

struct user_pass {
    const struct history *history;
    size_t threads;
    void **writers; /* (threads) what each thread needs to write a user */
    /** Writes one user. @param pieces (USER_PASS_FILES) of the files, in the same order
     *  @return 0, -1 with err: stops the pass */
    int (*write)(void *writer, uint32_t user, struct output *pieces, struct err *err);
    struct output *files[USER_PASS_FILES]; /* open; NULL: not wanted */
    /* As in prepare.h; called by one thread at a time. */
    void (*progress)(void *ctx, uint64_t users, uint64_t total);
    void *progress_ctx;
};

/** @return 0, -1 with the err of the first user who could not be written, or ERR_MEMORY */
int user_pass_run(const struct user_pass *pass, struct err *err) MUST_CHECK;

#endif
