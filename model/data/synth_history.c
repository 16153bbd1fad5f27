#include "data/synth_history.h"

#include <stdlib.h>

#include "core/array.h"

struct synth_history {
    struct synth *synth;
    struct synth_play *plays; /* in the order of time */
    size_t count, capacity;
    uint32_t *order; /* numbers of plays, as they are given out */
    size_t next;
};

static int play_all(struct synth_history *history, struct err *err)
{
    struct synth_play play;
    while (synth_next_play(history->synth, &play)) {
        if (history->count == history->capacity) {
            struct synth_play *plays =
                array_grow(history->plays, &history->capacity, history->count + 1, sizeof *plays);
            if (!plays || history->count == UINT32_MAX)
                return err_set(err, ERR_MEMORY, "out of memory for %zu scrobbles", history->count);
            history->plays = plays;
        }
        history->plays[history->count++] = play;
    }
    return 0;
}

/* Counting sort by user; a user's first play comes last. */
static int put_in_order(struct synth_history *history, struct err *err)
{
    uint32_t users = 0;
    for (size_t i = 0; i < history->count; i++)
        if (history->plays[i].user >= users)
            users = history->plays[i].user + 1;
    size_t *ends = calloc((size_t)users + 1, sizeof *ends);
    history->order = malloc((history->count + 1) * sizeof *history->order);
    if (!ends || !history->order) {
        free(ends);
        return err_set(err, ERR_MEMORY, "out of memory for %zu scrobbles", history->count);
    }
    for (size_t i = 0; i < history->count; i++)
        ends[history->plays[i].user]++;
    for (uint32_t user = 1; user < users; user++)
        ends[user] += ends[user - 1];
    for (size_t i = 0; i < history->count; i++)
        history->order[--ends[history->plays[i].user]] = (uint32_t)i;
    free(ends);
    return 0;
}

struct synth_history *synth_history_new(struct synth *synth, struct err *err)
{
    struct synth_history *history = calloc(1, sizeof *history);
    if (!history) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    history->synth = synth;
    if (play_all(history, err) == 0 && put_in_order(history, err) == 0)
        return history;
    synth_history_free(history);
    return NULL;
}

int synth_history_next(struct synth_history *history, struct scrobble *out)
{
    if (history->next == history->count)
        return 0;
    synth_open_play(history->synth, &history->plays[history->order[history->next++]], out);
    return 1;
}

void synth_history_free(struct synth_history *history)
{
    if (!history)
        return;
    free(history->plays);
    free(history->order);
    free(history);
}
