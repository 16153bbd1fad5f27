/* admin.h - the loop beside the engine: signals, health and metrics over HTTP, configuration
 * reload, bundle loading. It reads what the engine publishes and speaks to it through the inbox, so
 * it answers while the engine waits for a broker. */
#ifndef OUTRO_DAEMON_ADMIN_H
#define OUTRO_DAEMON_ADMIN_H

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/inbox.h"
#include "daemon/logger.h"
#include "daemon/status.h"

struct admin;

/** Blocks SIGTERM, SIGINT and SIGHUP; before the first thread starts, so that only the admin loop
 * gets them. */
void admin_block_signals(void);

/** Opens the admin address, reads durations and profiles, looks for the bundle a first time.
 *  @param config borrowed; changed by a reload  @param source borrowed: where a reload reads from
 *  @return new, or NULL with err: the address, or a file that cannot be read */
struct admin *admin_new(struct config *config, const struct config_source *source,
                        struct logger *logger, struct status *status, struct inbox *inbox,
                        struct err *err) MUST_CHECK;
void admin_free(struct admin *admin); /* NULL is fine */

/** Serves until the engine has ended. @return 0, or -1 when it did not end within
 * shutdown.timeout.ms, or waited past watchdog.timeout.ms in one call: then nothing can be freed
 * any more, the caller must leave the process */
int admin_run(struct admin *admin) MUST_CHECK;

#endif
