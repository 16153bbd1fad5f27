/* state_dump.h - `outrod state`: what the changelog knows of users, one JSON object a line: the
 * last two sessions, the running statistics, the cluster, and the finished sessions of the ring,
 * oldest first. Reads what is committed, beside running daemons or without. */
#ifndef OUTRO_DAEMON_STATE_DUMP_H
#define OUTRO_DAEMON_STATE_DUMP_H

#include <stdio.h>

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/logger.h"

/** @param user whose; NULL: everybody's, partition by partition
 *  @return 0, 1 when there is no such user, -1 with err: the state cannot be read */
int state_dump(const struct config *config, const char *user, struct logger *logger, FILE *out,
               struct err *err) MUST_CHECK;

#endif
