#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/topics.h"

/* Topics as they should be. */
static void right(struct topic_facts facts[ROLES])
{
    static const char *const names[ROLES] = {"in",    "predictions", "sessions", "rejected",
                                             "state", "profiles",    "durations"};
    for (int role = 0; role < ROLES; role++) {
        facts[role] = (struct topic_facts){.name = names[role],
                                           .exists = true,
                                           .partitions = 4,
                                           .replicas = 3,
                                           .cleanup_policy = "delete",
                                           .min_insync_replicas = 2};
    }
    for (int role = ROLE_STATE; role < ROLES; role++) {
        strcpy(facts[role].cleanup_policy, "compact");
    }
    facts[ROLE_PROFILES].partitions = facts[ROLE_DURATIONS].partitions = 1;
}

static void test_topics_right_ones_pass(void **state)
{
    struct topic_facts facts[ROLES];
    struct err err = {0}, doubt;
    (void)state;
    right(facts);
    assert_int_equal(topics_judge(facts, &err), 0);
    for (int role = 0; role < ROLES; role++) {
        assert_false(topics_doubt(&facts[role], (enum topic_role)role, &doubt));
    }
    strcpy(facts[ROLE_STATE].cleanup_policy, ""); /* could not be asked */
    assert_int_equal(topics_judge(facts, &err), 0);
}

static void test_topics_what_is_missing_is_named(void **state)
{
    static const char *const says[ROLES] = {
        "topic.scrobbles", "topic.predictions", "topic.sessions",       "topic.rejected",
        "topic.state",     "topic.profiles",    "topic.track-durations"};
    (void)state;
    for (int role = 0; role < ROLES; role++) {
        struct topic_facts facts[ROLES];
        struct err err = {0};
        right(facts);
        facts[role].exists = false;
        assert_int_equal(topics_judge(facts, &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        assert_non_null(strstr(err.text, says[role]));
        assert_int_equal(strstr(err.text, "--create-topics") != NULL, role != ROLE_INPUT);
    }
}

static void test_topics_state_must_lie_beside_its_input(void **state)
{
    static const struct {
        int partitions;
        const char *policy, *says; /* NULL: passes */
    } cases[] = {
        {3, "compact", "has 3 partitions, in has 4"},
        {8, "compact", "has 8 partitions"},
        {4, "delete", "cleanup.policy=delete"},
        {4, "compact,delete", "compact,delete"},
        {4, "uncompacted", "uncompacted"},
        {4, "compact", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct topic_facts facts[ROLES];
        struct err err = {0};
        right(facts);
        facts[ROLE_STATE].partitions = cases[i].partitions;
        strcpy(facts[ROLE_STATE].cleanup_policy, cases[i].policy);
        assert_int_equal(topics_judge(facts, &err), cases[i].says ? -1 : 0);
        assert_true(!cases[i].says || strstr(err.text, cases[i].says));
    }
}

static void test_topics_side_inputs_may_be_absent_and_must_be_compacted(void **state)
{
    (void)state;
    for (int role = ROLE_PROFILES; role < ROLES; role++) {
        struct topic_facts facts[ROLES];
        struct err err = {0};
        right(facts);
        facts[role] = (struct topic_facts){.name = ""}; /* not configured */
        assert_int_equal(topics_judge(facts, &err), 0);
        right(facts);
        strcpy(facts[role].cleanup_policy, "compact,delete");
        assert_int_equal(topics_judge(facts, &err), -1);
        assert_non_null(strstr(err.text, "set cleanup.policy=compact"));
        assert_non_null(strstr(err.text, facts[role].name));
    }
}

static void test_topics_doubts_do_not_refuse(void **state)
{
    struct topic_facts facts[ROLES];
    struct err doubt = {0};
    (void)state;
    right(facts);
    strcpy(facts[ROLE_SESSIONS].cleanup_policy, "compact");
    assert_true(topics_doubt(&facts[ROLE_SESSIONS], ROLE_SESSIONS, &doubt));
    assert_non_null(strstr(doubt.text, "compaction"));
    facts[ROLE_STATE].min_insync_replicas = 1;
    assert_true(topics_doubt(&facts[ROLE_STATE], ROLE_STATE, &doubt));
    assert_non_null(strstr(doubt.text, "min.insync.replicas"));
    assert_int_equal(topics_judge(facts, &doubt), 0);
}

static void test_topics_copies_follow_the_brokers(void **state)
{
    static const int brokers[] = {0, 1, 2, 3, 12}, replicas[] = {1, 1, 2, 3, 3},
                     insync[] = {1, 1, 1, 2, 2};
    (void)state;
    for (size_t i = 0; i < sizeof brokers / sizeof brokers[0]; i++) {
        assert_int_equal(topics_replicas(brokers[i]), replicas[i]);
        assert_int_equal(topics_min_insync(replicas[i]), insync[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topics_right_ones_pass),
        cmocka_unit_test(test_topics_what_is_missing_is_named),
        cmocka_unit_test(test_topics_state_must_lie_beside_its_input),
        cmocka_unit_test(test_topics_side_inputs_may_be_absent_and_must_be_compacted),
        cmocka_unit_test(test_topics_doubts_do_not_refuse),
        cmocka_unit_test(test_topics_copies_follow_the_brokers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
