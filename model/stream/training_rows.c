#include "stream/training_rows.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

int training_rows_init(struct training_rows *rows, const struct session_lengths *lengths,
                       uint32_t panel, uint64_t seed, struct err *err)
{
    *rows = (struct training_rows){.lengths = lengths,
                                   .seed = seed,
                                   .set.panel = panel,
                                   .start_features = predictor_row_features(panel) - LIVE_FEATURES};
    rows->set.users = lengths->users;
    rows->set.user = calloc(lengths->users + 1, sizeof *rows->set.user);
    rows->capacity = calloc(lengths->users + 1, sizeof *rows->capacity);
    if (!rows->set.user || !rows->capacity)
        goto full;
    for (size_t u = 0; u < lengths->users; u++) {
        struct train_user *user = &rows->set.user[u];
        user->sessions = lengths->user[u].count;
        user->steps = calloc(user->sessions * STEP_INPUTS + 1, sizeof(float));
        user->start = calloc(user->sessions * rows->start_features + 1, sizeof(float));
        if (!user->steps || !user->start)
            goto full;
    }
    return 0;
full:
    training_rows_release(rows);
    return err_set(err, ERR_MEMORY, "out of memory for the training rows of %zu users",
                   lengths->users);
}

void training_rows_release(struct training_rows *rows)
{
    for (size_t u = 0; rows->set.user && u < rows->set.users; u++) {
        free(rows->set.user[u].steps);
        free(rows->set.user[u].start);
        free(rows->set.user[u].row);
    }
    free(rows->set.user);
    free(rows->capacity);
    *rows = (struct training_rows){0};
}

static bool is_kept(const struct training_rows *rows, const struct prediction *p)
{
    if (p->scrobble <= 2)
        return true;
    uint64_t h = hash_bytes(p->user_id, strlen(p->user_id), rows->seed);
    h = hash_mix(h ^ ((uint64_t)p->session << 32 | p->scrobble));
    return (double)(h >> 11) * 0x1p-53 * p->scrobble < 2;
}

/* Once a session: a log in order, as training has it, does not change them within. */
static void take_start(struct train_user *user, size_t session, size_t width, const double *start)
{
    for (size_t i = 0; i < width; i++)
        user->start[session * width + i] = (float)start[i];
}

static struct train_row *next_row(struct training_rows *rows, uint32_t index)
{
    struct train_user *user = &rows->set.user[index];
    if (user->rows == rows->capacity[index]) {
        size_t capacity = user->rows ? user->rows * 2 : 256;
        struct train_row *row = realloc(user->row, capacity * sizeof *row);
        if (!row)
            return NULL;
        user->row = row;
        rows->capacity[index] = capacity;
    }
    return &user->row[user->rows++];
}

int training_rows_take(void *ctx, const struct prediction *prediction,
                       const struct prediction_detail *detail, struct err *err)
{
    struct training_rows *rows = ctx;
    const struct user_lengths *lengths = &rows->lengths->user[detail->user_index];
    struct train_user *user = &rows->set.user[detail->user_index];
    size_t session = prediction->session - 1;
    if (prediction->scrobble == 1 && detail->previous_step)
        memcpy(user->steps + (session - 1) * STEP_INPUTS, detail->previous_step,
               STEP_INPUTS * sizeof(float));
    if (session >= validation_end(lengths->count))
        return 0;
    if (prediction->scrobble == 1)
        take_start(user, session, rows->start_features, detail->start);
    if (session < train_sessions(lengths->count) && !is_kept(rows, prediction))
        return 0;
    struct train_row *row = next_row(rows, detail->user_index);
    if (!row)
        return err_set(err, ERR_MEMORY, "out of memory for training rows: use a shorter log");
    row->session = (uint32_t)session;
    row->scrobble = prediction->scrobble;
    for (int i = 0; i < LIVE_FEATURES; i++)
        row->live[i] = (float)detail->live[i];
    for (int q = 0; q < QUANTILES; q++)
        row->kernel_s[q] = (float)detail->kernel_s[q];
    double remaining_ms = (double)(lengths->ms[session] - prediction->elapsed_ms);
    row->remaining_s = (float)(remaining_ms > 0 ? remaining_ms / 1000.0 : 0);
    return 0;
}
