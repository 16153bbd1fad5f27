#include "daemon/topics.h"

#include <string.h>

#include "daemon/topics_parts.h"

/* clang-format off */
static const struct topic_setting stream_settings[] = {
    {"cleanup.policy", "delete", "a stream of records: compaction would keep one a user"},
    {NULL, NULL, NULL}};
static const struct topic_setting side_settings[] = {
    {"cleanup.policy", "compact", "the last record of a key is what is known; time must not delete it"},
    {"delete.retention.ms", "86400000", "who follows sees that a key was taken out"},
    {NULL, NULL, NULL}};
static const struct topic_setting state_settings[] = {
    {"cleanup.policy", "compact", "the last record of a key is the state; time must not delete it"},
    {"segment.bytes", "67108864", "only closed segments are compacted, and a restore reads what is not"},
    {"segment.ms", "3600000", "a quiet partition is compacted, too"},
    {"min.cleanable.dirty.ratio", "0.2", "a restore reads at most a quarter more than there are users"},
    {"min.compaction.lag.ms", "0", "nobody reads older values of a key"},
    {"delete.retention.ms", "86400000", "tombstones outlive the longest restore"},
    {NULL, NULL, NULL}};
/* clang-format on */

const char *const topic_role_keys[ROLES] = {
    "topic.scrobbles", "topic.predictions", "topic.sessions",       "topic.rejected",
    "topic.state",     "topic.profiles",    "topic.track-durations"};

bool topics_is_side(enum topic_role role)
{
    return role == ROLE_PROFILES || role == ROLE_DURATIONS;
}

const struct topic_setting *topics_settings(enum topic_role role)
{
    static const struct topic_setting none[] = {{NULL, NULL, NULL}};
    return role == ROLE_INPUT     ? none
           : role == ROLE_STATE   ? state_settings
           : topics_is_side(role) ? side_settings
                                  : stream_settings;
}

int topics_replicas(int brokers)
{
    return brokers < 1 ? 1 : brokers > 3 ? 3 : brokers;
}

int topics_min_insync(int replicas)
{
    /* one copy may be away; of two, waiting for both would stop at the first restart of a broker */
    return replicas >= 3 ? 2 : 1;
}

static int missing(const struct topic_facts *facts, enum topic_role role, struct err *err)
{
    if (role == ROLE_INPUT) {
        return err_set(err, ERR_USAGE,
                       "topic %s (topic.scrobbles) does not exist; whoever writes scrobbles makes "
                       "it, or topic.scrobbles should name another",
                       facts->name);
    }
    return err_set(err, ERR_USAGE,
                   "topic %s (%s) does not exist; make it by outrod -c FILE --create-topics",
                   facts->name, topic_role_keys[role]);
}

static bool has_word(const char *list, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += size) {
        bool begins = at == list || at[-1] == ',' || at[-1] == ' ';
        bool ends = at[size] == '\0' || at[size] == ',' || at[size] == ' ';
        if (begins && ends) {
            return true;
        }
    }
    return false;
}

static int judge_compacted(const struct topic_facts *facts, enum topic_role role, const char *what,
                           struct err *err)
{
    if (*facts->cleanup_policy && (!has_word(facts->cleanup_policy, "compact") ||
                                   has_word(facts->cleanup_policy, "delete"))) {
        return err_set(err, ERR_USAGE,
                       "topic %s (%s) has cleanup.policy=%s: %s would be deleted with time; set "
                       "cleanup.policy=compact (kafka-configs --alter --topic %s --add-config "
                       "cleanup.policy=compact)",
                       facts->name, topic_role_keys[role], facts->cleanup_policy, what,
                       facts->name);
    }
    return 0;
}

static int judge_state(const struct topic_facts *input, const struct topic_facts *state,
                       struct err *err)
{
    if (state->partitions != input->partitions) {
        return err_set(
            err, ERR_USAGE,
            "topic %s (topic.state) has %d partitions, %s has %d, and a partition's state "
            "must lie in the partition of the same number; name another topic.state and "
            "make it by outrod -c FILE --create-topics",
            state->name, state->partitions, input->name, input->partitions);
    }
    return judge_compacted(state, ROLE_STATE, "users' state", err);
}

int topics_judge(const struct topic_facts *facts, struct err *err)
{
    for (int role = 0; role < ROLES; role++) {
        if (!facts[role].exists && *facts[role].name) {
            return missing(&facts[role], (enum topic_role)role, err);
        }
    }
    if (judge_state(&facts[ROLE_INPUT], &facts[ROLE_STATE], err) != 0 ||
        judge_compacted(&facts[ROLE_PROFILES], ROLE_PROFILES, "profiles", err) != 0) {
        return -1;
    }
    return judge_compacted(&facts[ROLE_DURATIONS], ROLE_DURATIONS, "durations", err);
}

bool topics_doubt(const struct topic_facts *facts, enum topic_role role, struct err *doubt)
{
    if (!facts->exists || role == ROLE_INPUT) {
        return false;
    }
    if (role != ROLE_STATE && !topics_is_side(role) && has_word(facts->cleanup_policy, "compact")) {
        err_set(doubt, ERR_USAGE,
                "topic %s (%s) has cleanup.policy=%s: compaction keeps one record a user",
                facts->name, topic_role_keys[role], facts->cleanup_policy);
        return true;
    }
    if (facts->min_insync_replicas == 1 && facts->replicas >= 3) {
        err_set(
            doubt, ERR_USAGE,
            "topic %s (%s) has min.insync.replicas=1 with %d replicas: one broker that dies can "
            "take acknowledged records with it; 2 is safe",
            facts->name, topic_role_keys[role], facts->replicas);
        return true;
    }
    return false;
}
