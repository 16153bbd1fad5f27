/* service.h - the daemon as a whole: engine, admin loop and what lies between them, from a
 * configuration to an exit status. */
#ifndef OUTRO_DAEMON_SERVICE_H
#define OUTRO_DAEMON_SERVICE_H

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/logger.h"
#include "daemon/status.h"

/** Runs until a signal ends it, or it cannot go on. Signals must be blocked (admin_block_signals).
 *  @param config borrowed, changed by reloads  @param status borrowed: where the engine publishes
 *  @return 0: ended in order, everything committed; -1 with the reason. SERVICE_STUCK: its threads
 * still run, the process must be left without cleaning up */
int service_run(struct config *config, const struct config_source *source, struct logger *logger,
                struct status *status, struct err *err) MUST_CHECK;
#define SERVICE_STUCK (-2)

#endif
