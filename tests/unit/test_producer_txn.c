/* What the brokers can answer to each request of a transaction, and what the engine is told. On
 * librdkafka's mock: a cluster for every case, since what one was told to refuse sticks to it. */
#include "daemon/producer.h"

#include <fcntl.h>
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
#include "daemon/consumer.h"

#define PATIENCE_MS 20000

/* A client that is destroyed after a fatal answer now and then keeps the offsets of its last
 * request: librdkafka's own, with no frame of ours. What we would leak is seen at the end of any
 * outrod. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:librdkafka";
}

/* Of Kafka's protocol. */
enum api {
    API_PRODUCE = 0,
    API_INIT_PRODUCER_ID = 22,
    API_ADD_PARTITIONS = 24,
    API_ADD_OFFSETS = 25,
    API_END_TXN = 26,
    API_OFFSET_COMMIT = 28
};

struct fixture {
    rd_kafka_t *host; /* of the mock */
    rd_kafka_mock_cluster_t *cluster;
    struct config config;
    struct ledger ledger;
    struct metrics metrics;
    struct logger logger;
    struct watch watch;
    int bell, silence;
    struct producer *producer;
    struct consumer *consumer;
};

static int on_arrived(void *ctx, const int32_t *partition, size_t count)
{
    (void)ctx;
    (void)partition;
    (void)count;
    return 0;
}

static void set(struct config *config, const char *key, const char *value)
{
    struct err err = {0};
    assert_int_equal(config_set(config, key, value, &err), 0);
}

static void open_fixture(struct fixture *fixture)
{
    char reason[256];
    struct err err = {0};
    struct consumer_owner owner = {.ctx = fixture, .arrived = on_arrived};
    memset(fixture, 0, sizeof *fixture);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", reason, sizeof reason),
                     RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "log_level", "0", reason, sizeof reason),
                     RD_KAFKA_CONF_OK);
    fixture->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    assert_non_null(fixture->host);
    fixture->cluster = rd_kafka_handle_mock_cluster(fixture->host);
    assert_int_equal(config_init(&fixture->config, &err), 0);
    set(&fixture->config, "kafka.bootstrap.servers",
        rd_kafka_mock_cluster_bootstraps(fixture->cluster));
    set(&fixture->config, "transactional.id", "txn");
    set(&fixture->config, "kafka.linger.ms", "0");
    set(&fixture->config, "kafka.allow.auto.create.topics", "true"); /* what the mock can do */
    const char *topics[] = {"session-predictions", "sessions", "scrobbles-rejected", "outro-state",
                            "scrobbles"};
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        assert_int_equal(rd_kafka_mock_topic_create(fixture->cluster, topics[i], 1, 1), 0);
    }
    fixture->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    fixture->silence =
        open("/dev/null", O_WRONLY | O_CLOEXEC); /* every case logs what it is about */
    assert_true(fixture->silence >= 0);
    logger_init(&fixture->logger, fixture->silence, LEVEL_ERROR, FORMAT_TEXT);
    fixture->producer = producer_new(&fixture->config, &fixture->ledger, &fixture->metrics,
                                     &fixture->logger, &fixture->watch, fixture->bell, &err);
    assert_non_null(fixture->producer);
    fixture->consumer = consumer_new(&fixture->config, &owner, &fixture->metrics, &fixture->logger,
                                     fixture->bell, &err);
    assert_non_null(fixture->consumer);
}

static void close_fixture(struct fixture *fixture)
{
    consumer_close(fixture->consumer);
    producer_free(fixture->producer);
    config_release(&fixture->config);
    close(fixture->bell);
    close(fixture->silence);
    rd_kafka_destroy(fixture->host);
}

static enum txn call(struct fixture *fixture, enum api what, struct err *err)
{
    static const struct consumer_offset offset = {0, 7};
    switch (what) {
    case API_INIT_PRODUCER_ID:
        return producer_txn_init(fixture->producer, 500, err);
    case API_ADD_OFFSETS:
        return producer_txn_offsets(fixture->producer, fixture->consumer, &offset, 1, 500, err);
    case API_END_TXN:
        return producer_txn_commit(fixture->producer, 500, err);
    default:
        return producer_txn_abort(fixture->producer, 500, err);
    }
}

static enum txn persist(struct fixture *fixture, enum api what, struct err *err)
{
    int64_t deadline_ms = monotonic_ms() + PATIENCE_MS;
    enum txn result = TXN_AGAIN;
    while (result == TXN_AGAIN && monotonic_ms() < deadline_ms) {
        result = call(fixture, what, err);
    }
    return result;
}

/* One transaction with a record and an offset. @return what stood in its way, or TXN_DONE */
static enum txn transaction(struct fixture *fixture, struct err *err)
{
    if (producer_txn_begin(fixture->producer, err) != TXN_DONE ||
        producer_send(fixture->producer, TOPIC_PREDICTIONS, "key", 3, "{}", 2, err) != 0) {
        return TXN_FAILED;
    }
    enum txn result = persist(fixture, API_ADD_OFFSETS, err);
    return result == TXN_DONE ? persist(fixture, API_END_TXN, err) : result;
}

static const struct answer {
    enum api api;
    rd_kafka_resp_err_t code;
    enum txn wanted;
    const char *said; /* in the reason; NULL: nothing in particular */
    bool for_good;    /* the same record would be refused again */
} answers[] = {
    {API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, TXN_DONE, NULL, false},
    {API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, TXN_DONE, NULL, false},
    {API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, TXN_DONE, NULL, false},
    {API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, TXN_FAILED, NULL, false},
    {API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, TXN_FAILED,
     NULL, false},
    {API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, TXN_DONE, NULL, false},
    {API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, TXN_DONE, NULL, false},
    {API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, TXN_ABORT, NULL, false},
    {API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, TXN_FAILED, "fenced", false},
    {API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, TXN_DONE, NULL, false},
    {API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, TXN_ABORT, NULL, false},
    {API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, TXN_FAILED, "fenced", false},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, TXN_DONE, NULL, false},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, TXN_ABORT, NULL, false},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, TXN_ABORT, NULL, false},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, TXN_ABORT, NULL, false},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, TXN_FAILED, "fenced", false},
    {API_END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, TXN_DONE, NULL, false},
    {API_END_TXN, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, TXN_ABORT, NULL, false},
    {API_END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, TXN_FAILED, NULL, false},
    {API_END_TXN, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, TXN_FAILED, "fenced", false},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, TXN_DONE, NULL, false},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, TXN_DONE, NULL, false},
    /* nothing was in flight before it: librdkafka takes it for lost data */
    {API_PRODUCE, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, TXN_FAILED, "sequence", false},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, TXN_ABORT, NULL, true},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, TXN_ABORT, NULL, true},
    {API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, TXN_DONE, NULL, false},
    {API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, TXN_FAILED, NULL, false},
    {API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, TXN_FAILED, "fenced", false},
    {API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, TXN_DONE, NULL, false},
    {API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, TXN_DONE, NULL, false},
    {API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, TXN_DONE, NULL, false},
    {API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, TXN_ABORT, NULL, false},
    {API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, TXN_FAILED, "fenced", false},
    {API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, TXN_FAILED, NULL, false},
    {API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, TXN_FAILED, NULL,
     false},
    {API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, TXN_DONE, NULL, false},
    {API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, TXN_DONE, NULL, false},
    {API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, TXN_DONE, NULL, false},
    {API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, TXN_ABORT, NULL, false},
    {API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, TXN_FAILED, "fenced", false},
    {API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, TXN_FAILED, NULL, false},
    {API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, TXN_FAILED, NULL,
     false},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, TXN_DONE, NULL, false},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, TXN_DONE, NULL, false},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, TXN_DONE, NULL, false},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, TXN_ABORT, NULL, false},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, TXN_FAILED, "fenced", false},
    {API_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, TXN_FAILED, NULL,
     false},
    {API_END_TXN, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, TXN_DONE, NULL, false},
    {API_END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, TXN_DONE, NULL, false},
    {API_END_TXN, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, TXN_DONE, NULL, false},
    {API_END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, TXN_FAILED, "fenced", false},
    {API_END_TXN, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, TXN_FAILED, NULL, false},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, TXN_DONE, NULL, false},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, TXN_DONE, NULL, false},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, TXN_DONE, NULL, false},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, TXN_DONE, NULL, false},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, TXN_DONE, NULL, false},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_MSG, TXN_ABORT, NULL, true},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, TXN_FAILED, "fenced", false},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, TXN_ABORT, NULL, false},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, TXN_ABORT, NULL, true},
    {API_PRODUCE, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, TXN_ABORT, NULL, true},
};

/* The abort, and whether the next transaction goes through when the record was not at fault. */
static bool recovers(struct fixture *fixture, const struct answer *answer)
{
    struct err err = {0};
    if (persist(fixture, API_PRODUCE, &err) != TXN_DONE || ledger_in_flight(&fixture->ledger) > 0 ||
        (producer_failure(fixture->producer) != NULL) != answer->for_good ||
        producer_txn_broken(fixture->producer)) {
        return false;
    }
    if (answer->for_good) {
        return true;
    }
    if (producer_txn_disturbed(fixture->producer) &&
        (producer_txn_renew(fixture->producer, &err) != 0 ||
         persist(fixture, API_INIT_PRODUCER_ID, &err) != TXN_DONE)) {
        return false;
    }
    return transaction(fixture, &err) == TXN_DONE;
}

static bool check_answer(const struct answer *answer)
{
    struct fixture fixture;
    struct err err = {0};
    open_fixture(&fixture);
    rd_kafka_mock_push_request_errors(fixture.cluster, answer->api, 1, answer->code);
    enum txn result = persist(&fixture, API_INIT_PRODUCER_ID, &err);
    if (result == TXN_DONE) {
        result = transaction(&fixture, &err);
    }
    /* librdkafka's own thread may fail the call under way before it declares the client dead; then
     * the abort that follows says so */
    if (result == TXN_ABORT && answer->wanted == TXN_FAILED) {
        result = persist(&fixture, API_PRODUCE, &err);
    }
    bool right = result == answer->wanted && (!answer->said || strstr(err.text, answer->said));
    if (!right) {
        print_error("api %d, %s: %d instead of %d: %s\n", answer->api,
                    rd_kafka_err2name(answer->code), result, answer->wanted, err.text);
    } else if (result == TXN_ABORT && !recovers(&fixture, answer)) {
        print_error("api %d, %s: does not recover\n", answer->api, rd_kafka_err2name(answer->code));
        right = false;
    }
    close_fixture(&fixture);
    return right;
}

static void test_producer_txn_every_answer_has_its_meaning(void **state)
{
    bool right = true;
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        right &= check_answer(&answers[i]);
    }
    assert_true(right);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_producer_txn_every_answer_has_its_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
