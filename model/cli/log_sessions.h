/* log_sessions.h - every session of a log, user by user, with what was said of it when it began: by
 * a bundle's net and by the kernel KM. What `outro evaluate` judges. */
#ifndef OUTRO_CLI_LOG_SESSIONS_H
#define OUTRO_CLI_LOG_SESSIONS_H

#include <stddef.h>
#include <stdint.h>

#include "bundle/bundle.h"
#include "core/err.h"
#include "core/scrobble.h"
#include "data/holidays.h"
#include "data/log.h"
#include "stream/evaluation.h"
#include "stream/params.h"

struct log_session {
    int64_t start_ms, length_ms;
    double net_s, kernel_s; /* of the total length, at the first scrobble; NAN: nothing was said */
    int32_t cluster;        /* whose net said it; -1 the global one */
};

struct log_user {
    char id[USER_ID_MAX + 1];
    struct log_session *session; /* (sessions) owned, by number */
    size_t sessions, capacity;
};

/* Zero to begin. */
struct log_sessions {
    struct log_user *user; /* (users) owned, in the order of their first scrobbles */
    size_t users, capacity;
};

/** Runs a log. @param bundle NULL: the kernel KM alone, on a pool of this log's training sessions
 *  @param holidays for a bundle with that feature, or NULL
 *  @return 0, or -1 with err; release it either way */
int log_sessions_make(struct log *log, const struct stream_params *params, struct bundle *bundle,
                      const struct holidays *holidays, bool quiet, struct log_sessions *out,
                      struct err *err) MUST_CHECK;
void log_sessions_release(struct log_sessions *sessions);

/** The last fifth of each user's sessions beside its baselines; who has no training session is left
 * out.  @param cluster (users) whose a user is, -1 nobody's; NULL: the cluster whose net answered
 *  @return 0, -1 with ERR_MEMORY */
int log_sessions_evaluate(const struct log_sessions *sessions, const int32_t *cluster,
                          struct evaluation *evaluation, struct err *err) MUST_CHECK;

#endif
