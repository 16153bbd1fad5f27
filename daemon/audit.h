/* audit.h - `outrod audit`: whether every scrobble before the committed offsets is in exactly one
 * place, and everything published follows from one. Steps the input through the pipeline again and
 * holds predictions, sessions, rejected records and the changelog against it, under read_committed,
 * beside running daemons or without. Memory: the state of one partition's users, and some hundred
 * bytes of every other user and every rejected record. */
#ifndef OUTRO_DAEMON_AUDIT_H
#define OUTRO_DAEMON_AUDIT_H

#include <stdio.h>

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/logger.h"

/** Audits and prints the table. @return 0 clean, 1 something is wrong (printed), -1 with err: it
 * could not be audited */
int audit_run(const struct config *config, struct logger *logger, FILE *out,
              struct err *err) MUST_CHECK;

#endif
