/* What the brokers can answer to a member of the group that joins, asks for its offsets and
 * fetches, and what the engine sees of it. On librdkafka's mock: a cluster for every case, since
 * what one was told to refuse sticks to it; all cases at once, since joining takes seconds there.
 */
#include "daemon/consumer.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "daemon/clocks.h"
#include "daemon/inbox.h"

#define PATIENCE_MS 60000
#define LOOK_MS     20

/* Of Kafka's protocol. */
enum api { API_FETCH = 1, API_OFFSET_FETCH = 9, API_JOIN_GROUP = 11, API_SYNC_GROUP = 14 };

/* What becomes of the message in the input. */
enum fate { ARRIVES, GAVE_UP, DEAD };

static const struct answer {
    enum api api;
    rd_kafka_resp_err_t code;
    enum fate fate;
    rd_kafka_resp_err_t said; /* to the engine */
} answers[] = {
    {API_JOIN_GROUP, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, ARRIVES,
     RD_KAFKA_RESP_ERR_NO_ERROR},
    {API_JOIN_GROUP, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, ARRIVES, RD_KAFKA_RESP_ERR_NO_ERROR},
    {API_JOIN_GROUP, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, ARRIVES, RD_KAFKA_RESP_ERR_NO_ERROR},
    {API_JOIN_GROUP, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, ARRIVES,
     RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS},
    {API_JOIN_GROUP, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, ARRIVES,
     RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED},
    {API_JOIN_GROUP, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, DEAD, RD_KAFKA_RESP_ERR__FATAL},
    {API_OFFSET_FETCH, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, ARRIVES,
     RD_KAFKA_RESP_ERR_NO_ERROR},
    {API_OFFSET_FETCH, RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, ARRIVES,
     RD_KAFKA_RESP_ERR_NO_ERROR},
    {API_OFFSET_FETCH, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, GAVE_UP,
     RD_KAFKA_RESP_ERR_NOT_COORDINATOR},
    {API_OFFSET_FETCH, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, GAVE_UP,
     RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED},
    {API_FETCH, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, ARRIVES, RD_KAFKA_RESP_ERR_NO_ERROR},
    {API_FETCH, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ARRIVES, RD_KAFKA_RESP_ERR_NO_ERROR},
    {API_FETCH, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, ARRIVES, RD_KAFKA_RESP_ERR_NO_ERROR},
    {API_FETCH, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ARRIVES,
     RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED},
};
enum { CASES = sizeof answers / sizeof answers[0] };

struct fixture {
    rd_kafka_t *host; /* of the mock, and who writes the message */
    struct config config;
    struct metrics metrics;
    struct logger logger;
    int bell, log;
    struct consumer *consumer;
    bool held; /* the partition has arrived, and its messages wait */
    bool arrived, gave_up;
    rd_kafka_resp_err_t said;
};

static int on_arrived(void *ctx, const int32_t *partition, size_t count)
{
    struct fixture *fixture = ctx;
    (void)partition;
    fixture->held |= count > 0;
    return 0;
}

static void on_leaving(void *ctx, const int32_t *partition, size_t count, bool lost)
{
    (void)ctx;
    (void)partition;
    (void)count;
    (void)lost;
}

static void on_failed(void *ctx, const char *reason)
{
    (void)ctx;
    fail_msg("%s", reason);
}

static void set(struct config *config, const char *key, const char *value)
{
    struct err err = {0};
    assert_int_equal(config_set(config, key, value, &err), 0);
}

static void open_mock(struct fixture *fixture)
{
    char reason[256], body[] = "{}";
    struct err err = {0};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", reason, sizeof reason),
                     RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "log_level", "0", reason, sizeof reason),
                     RD_KAFKA_CONF_OK);
    fixture->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    assert_non_null(fixture->host);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(fixture->host);
    assert_int_equal(rd_kafka_mock_topic_create(cluster, "scrobbles", 1, 1), 0);
    assert_int_equal(rd_kafka_producev(fixture->host, RD_KAFKA_V_TOPIC("scrobbles"),
                                       RD_KAFKA_V_VALUE(body, 2),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(fixture->host, PATIENCE_MS), 0);
    assert_int_equal(config_init(&fixture->config, &err), 0);
    set(&fixture->config, "kafka.bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster));
}

/* @param log where its log goes, the fixture's now */
static void open_consumer(struct fixture *fixture, int log, enum log_level level)
{
    struct err err = {0};
    struct consumer_owner owner = {
        .ctx = fixture, .arrived = on_arrived, .leaving = on_leaving, .failed = on_failed};
    fixture->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    fixture->log = log;
    assert_true(fixture->bell >= 0 && fixture->log >= 0);
    logger_init(&fixture->logger, fixture->log, level, FORMAT_TEXT);
    fixture->consumer = consumer_new(&fixture->config, &owner, &fixture->metrics, &fixture->logger,
                                     fixture->bell, &err);
    assert_non_null(fixture->consumer);
    assert_int_equal(consumer_subscribe(fixture->consumer, &err), 0);
}

static void close_fixture(struct fixture *fixture)
{
    consumer_close(fixture->consumer);
    config_release(&fixture->config);
    close(fixture->bell);
    close(fixture->log);
    rd_kafka_destroy(fixture->host);
}

/* As the engine does: what waits is taken, what has arrived is let through. */
static void take(struct fixture *fixture)
{
    inbox_answer(fixture->bell);
    rd_kafka_message_t *message = consumer_take(fixture->consumer);
    if (fixture->held) {
        fixture->held = false;
        consumer_release(fixture->consumer, 0);
    }
    if (!message) {
        return;
    }
    if (!message->err) {
        fixture->arrived = true;
    } else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF && !fixture->said) {
        fixture->said = message->err;
        fixture->gave_up = consumer_gave_up(message);
    }
    rd_kafka_message_destroy(message);
}

static bool as_wanted(const struct fixture *fixture, const struct answer *answer)
{
    return (fixture->arrived || answer->fate != ARRIVES) && fixture->said == answer->said &&
           fixture->gave_up == (answer->fate == GAVE_UP);
}

static void test_consumer_every_answer_has_its_meaning(void **state)
{
    static struct fixture fixture[CASES];
    struct pollfd bells[CASES];
    size_t done = 0;
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        open_mock(&fixture[i]);
        rd_kafka_mock_push_request_errors(rd_kafka_handle_mock_cluster(fixture[i].host),
                                          answers[i].api, 1, answers[i].code);
        open_consumer(&fixture[i], open("/dev/null", O_WRONLY | O_CLOEXEC), LEVEL_ERROR);
        bells[i] = (struct pollfd){.fd = fixture[i].bell, .events = POLLIN};
    }
    int64_t deadline_ms = monotonic_ms() + PATIENCE_MS;
    while (done < CASES && monotonic_ms() < deadline_ms) {
        done = 0;
        poll(bells, CASES, LOOK_MS);
        for (size_t i = 0; i < CASES; i++) {
            take(&fixture[i]);
            done += as_wanted(&fixture[i], &answers[i]);
        }
    }
    for (size_t i = 0; i < CASES; i++) {
        if (!as_wanted(&fixture[i], &answers[i])) {
            print_error("api %d, %s: the message %s, said %s, %s\n", answers[i].api,
                        rd_kafka_err2name(answers[i].code),
                        fixture[i].arrived ? "arrived" : "did not arrive",
                        rd_kafka_err2name(fixture[i].said),
                        fixture[i].gave_up ? "gave up" : "goes on");
            wrong++;
        }
        close_fixture(&fixture[i]);
    }
    assert_int_equal(wrong, 0);
}

/* Reads the log until it says so; everything of it has to fit. */
static void await_word(int log, const char *word)
{
    static char text[1 << 20];
    size_t size = 0;
    while (!strstr(text, word)) {
        struct pollfd one = {.fd = log, .events = POLLIN};
        assert_int_equal(poll(&one, 1, PATIENCE_MS), 1);
        ssize_t got = read(log, text + size, sizeof text - 1 - size);
        assert_true(got > 0);
        size += (size_t)got;
    }
}

/* Between the answers to JoinGroup and SyncGroup the strategy is known and has no state yet:
 * librdkafka below 2.3.0 died of that. */
static void test_consumer_may_leave_in_the_middle_of_its_first_join(void **state)
{
    struct fixture fixture = {0};
    int log[2];
    (void)state;
    assert_int_equal(pipe(log), 0);
    open_mock(&fixture);
    set(&fixture.config, "kafka.partition.assignment.strategy", "cooperative-sticky");
    set(&fixture.config, "kafka.debug", "cgrp");
    assert_int_equal(rd_kafka_mock_broker_push_request_error_rtts(
                         rd_kafka_handle_mock_cluster(fixture.host), 1, API_SYNC_GROUP, 1,
                         RD_KAFKA_RESP_ERR_NO_ERROR, 1000),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    open_consumer(&fixture, log[1], LEVEL_DEBUG);
    await_word(log[0], "-> wait-sync");
    close_fixture(&fixture);
    close(log[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_consumer_every_answer_has_its_meaning),
        cmocka_unit_test(test_consumer_may_leave_in_the_middle_of_its_first_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
