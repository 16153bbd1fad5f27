#include "cli/log_sessions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/log_pass.h"
#include "core/array.h"
#include "nn/train_set.h"
#include "stream/past_lengths.h"
#include "stream/pool.h"
#include "stream/session_lengths.h"

/* ---- the sinks ---- */

static struct log_session *session_of(struct log_sessions *all, uint32_t user_index, const char *id,
                                      uint32_t number, struct err *err)
{
    while (all->users <= user_index) {
        void *grown = array_grow(all->user, &all->capacity, all->users + 1, sizeof *all->user);
        if (!grown)
            goto full;
        all->user = grown;
        all->user[all->users++] = (struct log_user){.id = ""};
    }
    struct log_user *user = &all->user[user_index];
    memcpy(user->id, id, sizeof user->id);
    while (user->sessions < number) {
        void *grown =
            array_grow(user->session, &user->capacity, user->sessions + 1, sizeof *user->session);
        if (!grown)
            goto full;
        user->session = grown;
        user->session[user->sessions++] =
            (struct log_session){.net_s = (double)NAN, .kernel_s = (double)NAN, .cluster = -1};
    }
    return &user->session[number - 1];
full:
    err_set(err, ERR_MEMORY, "out of memory for the sessions of %zu users", all->users);
    return NULL;
}

static int take_session(void *ctx, const struct session *session, uint32_t partition,
                        uint32_t user_index, struct err *err)
{
    (void)partition;
    struct log_session *to = session_of(ctx, user_index, session->user_id, session->number, err);
    if (!to)
        return -1;
    to->start_ms = session->start.ms;
    to->length_ms = session->length_ms;
    return 0;
}

static int take_prediction(void *ctx, const struct prediction *prediction,
                           const struct prediction_detail *detail, struct err *err)
{
    if (prediction->scrobble != 1)
        return 0;
    struct log_session *to =
        session_of(ctx, detail->user_index, prediction->user_id, prediction->session, err);
    if (!to)
        return -1;
    to->net_s = prediction->total_s[QUANTILE_MEDIAN];
    to->kernel_s = detail->kernel_s[QUANTILE_MEDIAN];
    to->cluster = prediction->cluster;
    return 0;
}

static int note_length(void *ctx, const struct session *session, uint32_t partition,
                       uint32_t user_index, struct err *err)
{
    (void)partition;
    return session_lengths_note(ctx, user_index, session, err);
}

/* ---- the passes ---- */

static int make_pool(struct log *log, const struct stream_params *params, bool quiet,
                     int64_t *pool_ms, struct err *err)
{
    struct session_lengths lengths = {0};
    const struct log_pass pass = {.what = "finding sessions",
                                  .params = *params,
                                  .sink = {.ctx = &lengths, .session = note_length},
                                  .quiet = quiet};
    int result = log_pass_run(log, &pass, err);
    if (result == 0)
        result = pool_make(&lengths, pool_ms, err);
    session_lengths_release(&lengths);
    return result;
}

int log_sessions_make(struct log *log, const struct stream_params *params, struct bundle *bundle,
                      const struct holidays *holidays, bool quiet, struct log_sessions *out,
                      struct err *err)
{
    int64_t pool_ms[POOL_VALUES];
    *out = (struct log_sessions){0};
    if (!bundle && make_pool(log, params, quiet, pool_ms, err))
        return -1;
    const struct log_pass pass = {
        .what = "evaluating",
        .params = *params,
        .sink = {.ctx = out, .prediction = take_prediction, .session = take_session},
        .pool_ms = bundle ? NULL : pool_ms,
        .bundle = bundle,
        .holidays = holidays,
        .quiet = quiet};
    if (log_pass_run(log, &pass, err))
        return -1;
    for (size_t u = 0; !bundle && u < out->users; u++)
        for (size_t k = 0; k < out->user[u].sessions; k++)
            out->user[u].session[k].net_s = (double)NAN;
    return 0;
}

void log_sessions_release(struct log_sessions *sessions)
{
    for (size_t u = 0; u < sessions->users; u++)
        free(sessions->user[u].session);
    free(sessions->user);
    *sessions = (struct log_sessions){0};
}

/* ---- judging ---- */

static double length_of(const struct log_user *user, size_t k)
{
    return (double)user->session[k].length_ms / 1000.0;
}

static int evaluate_user(const struct log_user *user, uint32_t number, const int32_t *cluster,
                         struct evaluation *evaluation, struct err *err)
{
    struct past_lengths past = {0};
    size_t training = train_sessions(user->sessions), test = validation_end(user->sessions);
    double mean = (double)NAN, median = (double)NAN;
    int result = 0;
    for (size_t k = 0; result == 0 && k < user->sessions; k++) {
        const struct log_session *session = &user->session[k];
        struct evaluation_row row = {
            number, cluster ? cluster[number] : session->cluster, length_of(user, k), {0}};
        const struct evaluation_length length = {number, row.cluster, row.length_s};
        if (k == training && k > 0) {
            mean = past_lengths_mean_s(&past);
            median = past_lengths_median_s(&past);
        }
        result = evaluation_add_length(evaluation, length, err);
        if (result == 0 && k >= test && training > 0) {
            const double said[EVALUATED] = {
                [EVALUATED_MODEL] = session->net_s,
                [EVALUATED_KERNEL] = session->kernel_s,
                [EVALUATED_MEAN] = mean,
                [EVALUATED_MEDIAN] = median,
                [EVALUATED_PREVIOUS] = length_of(user, k - 1),
                [EVALUATED_RUNNING] = past_lengths_mean_s(&past),
            };
            memcpy(row.said_s, said, sizeof said);
            result = evaluation_add(evaluation, &row, err);
        }
        if (result == 0)
            result = past_lengths_add(&past, session->length_ms, err);
    }
    past_lengths_release(&past);
    return result;
}

int log_sessions_evaluate(const struct log_sessions *sessions, const int32_t *cluster,
                          struct evaluation *evaluation, struct err *err)
{
    for (size_t u = 0; u < sessions->users; u++)
        if (evaluate_user(&sessions->user[u], (uint32_t)u, cluster, evaluation, err))
            return -1;
    return 0;
}
