#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "daemon/kafka_conf.h"
#include "daemon/kafka_log.h"
#include "daemon/topics_parts.h"

/* A check must not hold up a start while the brokers are away; a creation may take its time. */
#define CHECK_TIMEOUT_MS  5000
#define CREATE_TIMEOUT_MS 30000

struct topics_admin {
    struct kafka_log_owner log; /* first: see kafka_log.h */
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    int timeout_ms;
    int brokers;
    struct topic_facts facts[ROLES];
};

static void admin_release(struct topics_admin *admin)
{
    if (admin->queue) {
        rd_kafka_queue_destroy(admin->queue);
    }
    if (admin->rk) {
        rd_kafka_destroy_flags(admin->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
}

/* A consumer that never joins: unlike a producer's, its questions never make a topic. */
static int admin_init(struct topics_admin *admin, const struct config *config,
                      struct logger *logger, int timeout_ms, struct err *err)
{
    char reason[256];
    memset(admin, 0, sizeof *admin);
    rd_kafka_conf_t *conf = kafka_conf_new(config, KAFKA_CONSUMER, err);
    if (!conf) {
        return -1;
    }
    admin->log.logger = logger;
    admin->timeout_ms = timeout_ms;
    rd_kafka_conf_set_opaque(conf, admin);
    kafka_log_attach(conf);
    admin->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (!admin->rk) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, ERR_KAFKA, "topics: %s", reason);
    }
    admin->queue = rd_kafka_queue_new(admin->rk);
    const char *names[ROLES] = {config->topic_scrobbles,      config->topic_predictions,
                                config->topic_sessions,       config->topic_rejected,
                                config->topic_state,          config->topic_profiles,
                                config->topic_track_durations};
    for (int role = 0; role < ROLES; role++) {
        admin->facts[role].name = names[role];
    }
    return 0;
}

static void note_topic(struct topic_facts *facts, const struct rd_kafka_metadata_topic *topic)
{
    facts->exists = topic->err == RD_KAFKA_RESP_ERR_NO_ERROR ||
                    topic->err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    facts->partitions = topic->partition_cnt;
    facts->replicas = topic->partition_cnt > 0 ? topic->partitions[0].replica_cnt : 0;
}

/* Brokers, and what there is of the topics. */
static int ask_metadata(struct topics_admin *admin, struct err *err)
{
    for (int role = 0; role < ROLES; role++) {
        const struct rd_kafka_metadata *answer = NULL;
        struct topic_facts *facts = &admin->facts[role];
        if (!*facts->name) {
            continue;
        }
        rd_kafka_topic_t *topic = rd_kafka_topic_new(admin->rk, facts->name, NULL);
        rd_kafka_resp_err_t code =
            topic ? rd_kafka_metadata(admin->rk, 0, topic, &answer, admin->timeout_ms)
                  : rd_kafka_last_error();
        if (topic) {
            rd_kafka_topic_destroy(topic);
        }
        if (code || !answer) {
            return err_set(err, ERR_KAFKA, "topic %s: %s", facts->name, rd_kafka_err2str(code));
        }
        admin->brokers = answer->broker_cnt;
        if (answer->topic_cnt == 1) {
            note_topic(facts, &answer->topics[0]);
        }
        rd_kafka_metadata_destroy(answer);
    }
    return 0;
}

static void note_setting(struct topic_facts *facts, const rd_kafka_ConfigEntry_t *entry)
{
    const char *name = rd_kafka_ConfigEntry_name(entry);
    const char *value = rd_kafka_ConfigEntry_value(entry);
    if (value && strcmp(name, "cleanup.policy") == 0) {
        snprintf(facts->cleanup_policy, sizeof facts->cleanup_policy, "%s", value);
    } else if (value && strcmp(name, "min.insync.replicas") == 0) {
        facts->min_insync_replicas = atoi(value);
    }
}

static void note_settings(struct topics_admin *admin, const rd_kafka_ConfigResource_t *resource)
{
    for (int role = 0; role < ROLES; role++) {
        struct topic_facts *facts = &admin->facts[role];
        if (strcmp(facts->name, rd_kafka_ConfigResource_name(resource)) == 0) {
            size_t count;
            const rd_kafka_ConfigEntry_t **entry =
                rd_kafka_ConfigResource_configs(resource, &count);
            for (size_t i = 0; i < count; i++) {
                note_setting(facts, entry[i]);
            }
        }
    }
}

static rd_kafka_AdminOptions_t *options_for(struct topics_admin *admin, rd_kafka_admin_op_t what)
{
    char reason[128];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->rk, what);
    rd_kafka_AdminOptions_set_request_timeout(options, admin->timeout_ms, reason, sizeof reason);
    return options;
}

/* The answer to an admin request; NULL with err when there is none. rd_kafka_event_destroy it. */
static rd_kafka_event_t *await(struct topics_admin *admin, const char *what, struct err *err)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(admin->queue, admin->timeout_ms + 1000);
    if (!event || rd_kafka_event_error(event)) {
        err_set(err, ERR_KAFKA, "%s: %s", what,
                event ? rd_kafka_event_error_string(event) : "no answer");
        if (event) {
            rd_kafka_event_destroy(event);
        }
        return NULL;
    }
    return event;
}

/* The settings of those that exist. */
static int ask_settings(struct topics_admin *admin, struct err *err)
{
    rd_kafka_ConfigResource_t *ask[ROLES];
    size_t asked = 0, answered = 0;
    for (int role = 0; role < ROLES; role++) {
        if (admin->facts[role].exists) {
            ask[asked++] =
                rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, admin->facts[role].name);
        }
    }
    if (asked == 0) {
        return 0;
    }
    rd_kafka_AdminOptions_t *options = options_for(admin, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(admin->rk, ask, asked, options, admin->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy_array(ask, asked);
    rd_kafka_event_t *event = await(admin, "the topics' settings", err);
    if (!event) {
        return -1;
    }
    const rd_kafka_ConfigResource_t **resource = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &answered);
    for (size_t i = 0; i < answered; i++) {
        note_settings(admin, resource[i]); /* those that may not be asked for have no entries */
    }
    rd_kafka_event_destroy(event);
    return 0;
}

static void say_doubts(struct topics_admin *admin, struct logger *logger)
{
    for (int role = 0; role < ROLES; role++) {
        struct err doubt;
        if (topics_doubt(&admin->facts[role], (enum topic_role)role, &doubt)) {
            logger_event(logger, LEVEL_WARN, "topic-doubtful", "%s", doubt.text);
        }
    }
}

/* What lies beside the scrobbles is read by everybody as a whole: one partition, one order. */
static int partitions_of(const struct topics_admin *admin, enum topic_role role)
{
    return topics_is_side(role) ? 1 : admin->facts[ROLE_INPUT].partitions;
}

static rd_kafka_NewTopic_t *describe_new(const struct topics_admin *admin, enum topic_role role,
                                         struct err *err)
{
    char reason[256] = "", insync[8];
    int replicas = topics_replicas(admin->brokers);
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
        admin->facts[role].name, partitions_of(admin, role), replicas, reason, sizeof reason);
    if (!topic) {
        err_set(err, ERR_KAFKA, "topic %s: %s", admin->facts[role].name, reason);
        return NULL;
    }
    for (const struct topic_setting *row = topics_settings(role); row->name; row++) {
        rd_kafka_NewTopic_set_config(topic, row->name, row->value);
    }
    snprintf(insync, sizeof insync, "%d", topics_min_insync(replicas));
    rd_kafka_NewTopic_set_config(topic, "min.insync.replicas", insync);
    return topic;
}

/* One that somebody else made meanwhile is fine: it is judged like all. */
static int take_answer(const rd_kafka_topic_result_t *answer, struct logger *logger,
                       struct err *err)
{
    rd_kafka_resp_err_t code = rd_kafka_topic_result_error(answer);
    const char *name = rd_kafka_topic_result_name(answer);
    if (code && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        const char *text = rd_kafka_topic_result_error_string(answer);
        return err_set(err, ERR_KAFKA, "topic %s was not made: %s", name,
                       text ? text : rd_kafka_err2str(code));
    }
    logger_event(logger, LEVEL_INFO, "topic-made", "topic %s", name);
    return 0;
}

/* Makes those of the roles from .. to - 1 that are missing. */
static int make_missing(struct topics_admin *admin, enum topic_role from, enum topic_role to,
                        struct logger *logger, struct err *err)
{
    rd_kafka_NewTopic_t *topic[ROLES];
    size_t count = 0, answers = 0;
    int rc = 0;
    for (int role = from; rc == 0 && role < (int)to; role++) {
        if (*admin->facts[role].name && !admin->facts[role].exists &&
            !(topic[count++] = describe_new(admin, (enum topic_role)role, err))) {
            count--;
            rc = -1;
        }
    }
    if (rc != 0 || count == 0) {
        rd_kafka_NewTopic_destroy_array(topic, count);
        return rc;
    }
    rd_kafka_AdminOptions_t *options = options_for(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_CreateTopics(admin->rk, topic, count, options, admin->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy_array(topic, count);
    rd_kafka_event_t *event = await(admin, "making topics", err);
    if (!event) {
        return -1;
    }
    const rd_kafka_topic_result_t **answer =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &answers);
    for (size_t i = 0; i < answers && rc == 0; i++) {
        rc = take_answer(answer[i], logger, err);
    }
    rd_kafka_event_destroy(event);
    return rc;
}

/* What was there is judged; what was made is right. */
static int judge_existing(struct topics_admin *admin, struct logger *logger, struct err *err)
{
    for (int role = ROLE_INPUT + 1; role < ROLES; role++) {
        struct topic_facts *facts = &admin->facts[role];
        if (facts->exists) {
            logger_event(logger, LEVEL_INFO, "topic-there", "topic %s: %d partitions, %d replicas",
                         facts->name, facts->partitions, facts->replicas);
        } else if (*facts->name) {
            *facts =
                (struct topic_facts){.name = facts->name,
                                     .exists = true,
                                     .partitions = partitions_of(admin, (enum topic_role)role)};
        }
    }
    int rc = topics_judge(admin->facts, err);
    if (rc == 0) {
        say_doubts(admin, logger);
    }
    return rc;
}

int topics_create(const struct config *config, struct logger *logger, struct err *err)
{
    struct topics_admin admin;
    int rc = -1;
    if (admin_init(&admin, config, logger, CREATE_TIMEOUT_MS, err) != 0 ||
        ask_metadata(&admin, err) != 0 || ask_settings(&admin, err) != 0) {
        goto out;
    }
    if (!admin.facts[ROLE_INPUT].exists) {
        rc = topics_judge(admin.facts, err);
        goto out;
    }
    if (make_missing(&admin, ROLE_INPUT + 1, ROLES, logger, err) != 0) {
        goto out;
    }
    rc = judge_existing(&admin, logger, err);
out:
    admin_release(&admin);
    return rc;
}

int topics_check(const struct config *config, struct logger *logger, struct err *err)
{
    struct topics_admin admin;
    struct err doubt = {0};
    int rc = -1;
    if (admin_init(&admin, config, logger, CHECK_TIMEOUT_MS, err) != 0) {
        goto out;
    }
    if (ask_metadata(&admin, &doubt) != 0) {
        logger_event(logger, LEVEL_WARN, "topics-unchecked", "%s", doubt.text);
        rc = 0;
        goto out;
    }
    if (ask_settings(&admin, &doubt) != 0) {
        logger_event(logger, LEVEL_WARN, "topics-unchecked", "%s", doubt.text);
    }
    /* The changelog is ours alone: nobody can have made it right but for us. An empty one beside
     * committed offsets is found out by the restore. */
    struct topic_facts *state = &admin.facts[ROLE_STATE];
    if (admin.facts[ROLE_INPUT].exists && !state->exists) {
        if (make_missing(&admin, ROLE_STATE, ROLE_STATE + 1, logger, err) != 0) {
            goto out;
        }
        state->exists = true;
        state->partitions = admin.facts[ROLE_INPUT].partitions;
    }
    rc = topics_judge(admin.facts, err);
    if (rc == 0) {
        say_doubts(&admin, logger);
    }
out:
    admin_release(&admin);
    return rc;
}
