/* topics.h - the topics of a daemon, five and its side inputs: what each must be, whether it is,
 * and making those that are missing. What a topic should be is one table in topics.c, topics_judge
 * (pure) holds facts against it, topics_admin.c asks the brokers. Nothing that exists is ever
 * changed: whoever made a topic has the last word, and outrod says what is wrong with it. */
#ifndef OUTRO_DAEMON_TOPICS_H
#define OUTRO_DAEMON_TOPICS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/logger.h"

enum topic_role {
    ROLE_INPUT,
    ROLE_PREDICTIONS,
    ROLE_SESSIONS,
    ROLE_REJECTED,
    ROLE_STATE,
    ROLE_PROFILES,
    ROLE_DURATIONS,
    ROLES
};

/* One topic as the brokers describe it. */
struct topic_facts {
    const char *name; /* borrowed; "": not configured, which only the side inputs may be */
    bool exists;
    int partitions, replicas;
    char cleanup_policy[32]; /* empty: could not be asked */
    int min_insync_replicas; /* 0: could not be asked */
};

/* One setting of a topic that outrod makes. */
struct topic_setting {
    const char *name, *value;
    const char *why;
};

/** The settings of a role, NULL-terminated names; empty for ROLE_INPUT, which outrod never makes.
 */
const struct topic_setting *topics_settings(enum topic_role role);

/** How many copies a topic is made with, and how many of them a write waits for. */
int topics_replicas(int brokers);
int topics_min_insync(int replicas);

/** Whether this is what outrod needs. @param facts (ROLES)
 *  @return 0, or -1 ERR_USAGE: the first topic that is wrong, and what to change */
int topics_judge(const struct topic_facts *facts, struct err *err) MUST_CHECK;
/** What is allowed and still worth a warning. @return false when there is nothing to say */
bool topics_doubt(const struct topic_facts *facts, enum topic_role role, struct err *doubt);

/** At start: asks the brokers, makes topic.state when it is missing (it is internal) and judges.
 * Brokers that do not answer within a few seconds, or that forbid the question, are warned about
 * and pass: the clients wait for them.
 *  @return 0, or -1 ERR_USAGE with what to change */
int topics_check(const struct config *config, struct logger *logger, struct err *err) MUST_CHECK;

/** `outrod --create-topics`: makes what is missing, with as many partitions as the input has, and
 * judges the rest. @return 0, or -1: ERR_USAGE (a wrong one), ERR_KAFKA */
int topics_create(const struct config *config, struct logger *logger, struct err *err) MUST_CHECK;

#endif
