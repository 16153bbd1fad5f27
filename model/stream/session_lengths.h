/* session_lengths.h - every finished session's length, by user and number: what training and
 * scoring need once a log is at its end, since truths and splits (nn/train_set.h) hang on it. A
 * revised session replaces itself. */
#ifndef OUTRO_STREAM_SESSION_LENGTHS_H
#define OUTRO_STREAM_SESSION_LENGTHS_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/session.h"

struct user_lengths {
    int64_t *ms; /* (count) in order of the sessions' numbers */
    size_t count, capacity;
    char user_id[USER_ID_MAX + 1];
};

struct session_lengths {
    struct user_lengths *user; /* (users), by user_index */
    size_t users, capacity;
};

/** Notes one session of a user; numbers come ascending at their first appearance. @return 0, -1
 * with ERR_MEMORY */
int session_lengths_note(struct session_lengths *lengths, uint32_t user_index,
                         const struct session *session, struct err *err) MUST_CHECK;
void session_lengths_release(struct session_lengths *lengths);

#endif
