#include "stream/session_lengths.h"

#include <stdlib.h>
#include <string.h>

#include "core/array.h"

/* Makes room for item `at` of an array, new room zeroed. */
static void *grown(void *array, size_t *capacity, size_t at, size_t item_bytes)
{
    size_t before = *capacity;
    char *bigger = array_grow(array, capacity, at + 1, item_bytes);
    if (bigger)
        memset(bigger + before * item_bytes, 0, (*capacity - before) * item_bytes);
    return bigger;
}

int session_lengths_note(struct session_lengths *lengths, uint32_t user_index,
                         const struct session *session, struct err *err)
{
    if (user_index >= lengths->capacity) {
        void *user = grown(lengths->user, &lengths->capacity, user_index, sizeof *lengths->user);
        if (!user)
            goto full;
        lengths->user = user;
    }
    if (user_index >= lengths->users)
        lengths->users = user_index + 1;
    struct user_lengths *user = &lengths->user[user_index];
    memcpy(user->user_id, session->user_id, sizeof user->user_id);
    size_t at = session->number - 1;
    if (at >= user->capacity) {
        void *ms = grown(user->ms, &user->capacity, at, sizeof *user->ms);
        if (!ms)
            goto full;
        user->ms = ms;
    }
    if (at >= user->count)
        user->count = at + 1;
    user->ms[at] = session->length_ms;
    return 0;
full:
    return err_set(err, ERR_MEMORY, "out of memory for the lengths of sessions");
}

void session_lengths_release(struct session_lengths *lengths)
{
    for (size_t u = 0; u < lengths->users; u++)
        free(lengths->user[u].ms);
    free(lengths->user);
    *lengths = (struct session_lengths){0};
}
