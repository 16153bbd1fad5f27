/* engine.h - the thread that does the work: takes scrobbles, steps the pipeline, produces, commits.
 * It owns all state and has an event loop of its own; everybody else talks to it through the inbox
 * and reads what it publishes in status. At least once: offsets are committed behind the
 * acknowledgement of everything made from the messages before them. Exactly once: output, state and
 * offsets are one transaction. */
#ifndef OUTRO_DAEMON_ENGINE_H
#define OUTRO_DAEMON_ENGINE_H

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/inbox.h"
#include "daemon/logger.h"
#include "daemon/status.h"

struct engine;

/** Makes clients and pipeline; consumes nothing yet: it joins the group when it gets its first
 * bundle.
 *  @param config, logger, status, inbox borrowed for the engine's life */
struct engine *engine_new(const struct config *config, struct logger *logger, struct status *status,
                          struct inbox *inbox, struct err *err) MUST_CHECK;
void engine_free(struct engine *engine); /* NULL is fine; not while it runs */

/** Starts the thread. It ends by inbox_stop, or when it cannot go on; then it rings inbox->done. */
int engine_start(struct engine *engine, struct err *err) MUST_CHECK;
/** Waits for the thread. @return 0 when it ended in order, everything committed; -1 with the reason
 * otherwise */
int engine_join(struct engine *engine, struct err *err) MUST_CHECK;

/** What sessions are made by, under a configuration; the same in engine and bundle watcher. */
struct stream_params engine_params(const struct config *config);

#endif
