/* topics_parts.h - what topics.c and topics_admin.c share; nobody else includes it. */
#ifndef OUTRO_DAEMON_TOPICS_PARTS_H
#define OUTRO_DAEMON_TOPICS_PARTS_H

#include "daemon/topics.h"

/* Whether a role is one of the optional topics beside the scrobbles. */
bool topics_is_side(enum topic_role role);

/* The configuration key that names the topic of a role. */
extern const char *const topic_role_keys[ROLES];

#endif
