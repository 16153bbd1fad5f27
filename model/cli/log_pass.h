/* log_pass.h - one pass of a log through a pipeline: what training, scoring and evaluating are made
 * of. Draws the progress line. */
#ifndef OUTRO_CLI_LOG_PASS_H
#define OUTRO_CLI_LOG_PASS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "data/log.h"
#include "stream/pipeline.h"

struct log_pass {
    const char *what; /* for the progress line */
    struct stream_params params;
    struct pipeline_sink sink;
    const int64_t *pool_ms;          /* of the kernel KM, for predictions without a net; or NULL */
    uint32_t panel;                  /* the start features of those that not all nets have */
    const struct holidays *holidays; /* borrowed; NULL: none */
    struct bundle *bundle;           /* the net; or NULL */
    /* What is known of everybody when all sessions are closed; or NULL. */
    int (*end)(void *ctx, struct state_store *store, struct err *err);
    void *end_ctx;
    bool quiet;
    const volatile sig_atomic_t *interrupted; /* not 0: stop with ERR_CANCELLED; may be NULL */
};

/** From the first scrobble to the last; sessions still open are closed. @return 0, or -1 with what
 * the log, the pipeline or the sink said */
int log_pass_run(struct log *log, const struct log_pass *pass, struct err *err) MUST_CHECK;

#endif
