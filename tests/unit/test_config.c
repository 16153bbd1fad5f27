#include "daemon/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "daemon/kafka_conf.h"

static struct config fresh(void)
{
    struct config config;
    struct err err;
    assert_int_equal(config_init(&config, &err), 0);
    return config;
}

static int parse(struct config *config, const char *text, struct err *err)
{
    return config_parse(config, text, strlen(text), "test.conf", err);
}

static char *printed(const struct config *config, bool docs)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    config_print(config, out, docs);
    fclose(out);
    return text;
}

static void test_config_every_key_has_a_default_that_is_allowed(void **state)
{
    size_t count;
    struct config config = fresh();
    (void)state;
    for (const struct config_key *key = config_keys(&count), *end = key + count; key < end; key++) {
        struct err err;
        assert_int_equal(config_set(&config, key->name, key->fallback, &err), 0);
        assert_true(strlen(key->doc) > 10);
    }
    config_release(&config);
}

static void test_config_numbers_take_their_range_and_nothing_else(void **state)
{
    size_t count;
    struct config config = fresh();
    (void)state;
    for (const struct config_key *key = config_keys(&count), *end = key + count; key < end; key++) {
        char value[32];
        struct err err;
        if (key->type != CONFIG_NUMBER) {
            continue;
        }
        snprintf(value, sizeof value, "%lld", (long long)key->min);
        assert_int_equal(config_set(&config, key->name, value, &err), 0);
        snprintf(value, sizeof value, "%lld", (long long)key->max);
        assert_int_equal(config_set(&config, key->name, value, &err), 0);
        snprintf(value, sizeof value, "%lld", (long long)key->max + 1);
        assert_int_equal(config_set(&config, key->name, value, &err), -1);
        snprintf(value, sizeof value, "%lld", (long long)key->min - 1);
        assert_int_equal(config_set(&config, key->name, value, &err), -1);
        assert_non_null(strstr(err.text, key->name));
    }
    config_release(&config);
}

static void test_config_reads_lines_with_comments_and_blanks(void **state)
{
    struct config config = fresh();
    struct err err;
    (void)state;
    assert_int_equal(parse(&config,
                           "# a comment\n"
                           "\n"
                           "  topic.scrobbles=plays  \r\n"
                           "\tbundle.poll.s =\t7\n"
                           "durations.file = /data/a file = with # signs\n"
                           "kafka.bootstrap.servers = one:9092,two:9092\n"
                           "kafka.linger.ms = 20",
                           &err),
                     0);
    assert_string_equal(config.topic_scrobbles, "plays");
    assert_int_equal(config.bundle_poll_s, 7);
    assert_string_equal(config.durations_file, "/data/a file = with # signs");
    assert_string_equal(config_kafka(&config, "bootstrap.servers"), "one:9092,two:9092");
    assert_string_equal(config_kafka(&config, "linger.ms"), "20");
    assert_null(config_kafka(&config, "group.id"));
    config_release(&config);
}

static void test_config_errors_say_where_what_and_what_is_allowed(void **state)
{
    static const struct {
        const char *text, *place, *wanted;
    } cases[] = {
        {"bundle.poll.s = 0\n", "test.conf:1: ", "bundle.poll.s: 0 is out of range (1 .. 3600)"},
        {"\n\nbundle.poll.s = 3x", "test.conf:3: ", "is not a whole number (1 .. 3600)"},
        {"bundle.poll.s = \n", "test.conf:1: ", "is not a whole number"},
        {"bundle.poll.s = +5\n", "test.conf:1: ", "is not a whole number"},
        {"bundle.poll.s = 99999999999999999999\n", "test.conf:1: ", "is out of range"},
        {"bundel.poll.s = 3\n", "test.conf:1: ", "did you mean \"bundle.poll.s\"?"},
        {"\xef\xbb\xbf"
         "bundle.poll.s = 0\n",
         "test.conf:1: ", "bundle.poll.s: 0 is out of range"},
        {"colour = red\n", "test.conf:1: ", "unknown key \"colour\"; outrod --print-config-ref"},
        {"log.level = loud\n", "test.conf:1: ", "is none of: error, warn, info, debug"},
        {"topic.sessions = two words\n",
         "test.conf:1: ", "topic.sessions: \"two words\" is no topic"},
        {"topic.sessions = ..\n", "test.conf:1: ", "is no topic name"},
        {"topic.sessions =\n", "test.conf:1: ", "topic.sessions: must not be empty"},
        {"admin.listen = 9464\n", "test.conf:1: ", "admin.listen: must be HOST:PORT"},
        {"admin.listen = ::1:9464\n", "test.conf:1: ", "must be HOST:PORT"},
        {"admin.listen = localhost:99999\n", "test.conf:1: ", "must be HOST:PORT"},
        {"just words\n", "test.conf:1: ", "is not of the form key = value"},
        {" = 3\n", "test.conf:1: ", "there is no key before the ="},
        {"log.level = info\n#\nlog.level = warn\n", "test.conf:3: ", "is already set on line 1"},
        {"kafka.no.such = 1\n", "test.conf:1: ", "No such configuration property"},
        {"kafka.linger.ms = -9\n", "test.conf:1: ", "kafka.linger.ms"},
        {"kafka.enable.auto.commit = true\n", "test.conf:1: ", "is fixed to false"},
        {"kafka.transactional.id = x\n", "test.conf:1: ", "is outrod's own business"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config = fresh();
        struct err err = {0};
        assert_int_equal(parse(&config, cases[i].text, &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        assert_memory_equal(err.text, cases[i].place, strlen(cases[i].place));
        if (!strstr(err.text, cases[i].wanted)) {
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, err.text, cases[i].wanted);
        }
        config_release(&config);
    }
}

static void test_config_a_nul_byte_is_an_error_not_an_end(void **state)
{
    static const char text[] = "log.level = info\nlog.\0format = json\n";
    struct config config = fresh();
    struct err err;
    (void)state;
    assert_int_equal(config_parse(&config, text, sizeof text - 1, "f", &err), -1);
    assert_string_equal(err.text, "f:2: there is a NUL byte in the line");
    config_release(&config);
}

static void test_config_check_wants_brokers_distinct_topics_and_commits_in_time(void **state)
{
    static const struct {
        const char *text, *wanted; /* NULL: fine */
    } cases[] = {
        {"", "kafka.bootstrap.servers is not set"},
        {"kafka.bootstrap.servers = b:1\n", NULL},
        {"kafka.bootstrap.servers = b:1\ntopic.sessions = scrobbles\n", "name one topic"},
        {"kafka.bootstrap.servers = b:1\ntopic.profiles = p\ntopic.track-durations = d\n", NULL},
        {"kafka.bootstrap.servers = b:1\ntopic.profiles = p\ntopic.track-durations = p\n",
         "name one topic"},
        {"kafka.bootstrap.servers = b:1\ntopic.profiles = p\nprofiles.file = f\n", "both set"},
        {"kafka.bootstrap.servers = b:1\ntopic.track-durations = d\ndurations.file = f\n",
         "both set"},
        {"kafka.bootstrap.servers = b:1\ntopic.track-durations = d\nprofiles.file = f\n", NULL},
        {"kafka.bootstrap.servers = b:1\ndelivery = exactly-once\n", NULL},
        {"kafka.bootstrap.servers = b:1\nstate.ttl.days = 1\n",
         "longer than session.allowed.lateness.ms"},
        {"kafka.bootstrap.servers = b:1\ndelivery = exactly-once\ncommit.interval.ms = 5001\n",
         "at most a third of transaction.timeout.ms"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config = fresh();
        struct err err = {0};
        assert_int_equal(parse(&config, cases[i].text, &err), 0);
        assert_int_equal(config_check(&config, &err), cases[i].wanted ? -1 : 0);
        if (cases[i].wanted) {
            assert_int_equal(err.code, ERR_USAGE);
            assert_non_null(strstr(err.text, cases[i].wanted));
        }
        config_release(&config);
    }
}

static void test_config_what_is_printed_reads_back_the_same(void **state)
{
    struct config config = fresh(), again = fresh();
    struct err err;
    (void)state;
    assert_int_equal(parse(&config,
                           "kafka.bootstrap.servers = b:1\nlog.format = json\n"
                           "session.gap.s = 900\nprofiles.file = /p.tsv\n",
                           &err),
                     0);
    for (int docs = 0; docs < 2; docs++) {
        char *first = printed(&config, docs);
        assert_int_equal(parse(&again, first, &err), 0);
        char *second = printed(&again, docs);
        assert_string_equal(first, second);
        free(first);
        free(second);
    }
    config_release(&config);
    config_release(&again);
}

static void test_config_secrets_are_shown_nowhere(void **state)
{
    static const char *const secret[] = {"sasl.password", "ssl.key.password",
                                         "ssl.keystore.password", "ssl.key.pem",
                                         "sasl.oauthbearer.client.secret"};
    static const char *const open[] = {"bootstrap.servers", "sasl.username", "ssl.ca.location"};
    struct config config = fresh();
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++) {
        assert_true(config_is_secret(secret[i]));
    }
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        assert_false(config_is_secret(open[i]));
    }
    assert_int_equal(parse(&config, "kafka.sasl.password = hunter2\n", &err), 0);
    char *text = printed(&config, true);
    assert_null(strstr(text, "hunter2"));
    free(text);
    config_release(&config);
}

static void test_config_sets_of_the_command_line_go_over_the_file(void **state)
{
    static const char *const sets[] = {"kafka.bootstrap.servers=b:1", "bundle.poll.s = 9"};
    static const char *const bad[] = {"bundle.poll.s=never"};
    struct config_source source = {NULL, sets, 2};
    struct config config;
    struct err err = {0};
    (void)state;
    assert_int_equal(config_read(&config, &source, &err), 0);
    assert_int_equal(config.bundle_poll_s, 9);
    config_release(&config);
    source = (struct config_source){NULL, bad, 1};
    assert_int_equal(config_read(&config, &source, &err), -1);
    assert_memory_equal(err.text, "--set: ", 7);
    source = (struct config_source){"/no/such/file", NULL, 0};
    assert_int_equal(config_read(&config, &source, &err), -1);
    assert_int_equal(err.code, ERR_USAGE); /* a wrong -c: exit 2 */
}

struct noted {
    char text[512];
};

static void note(void *ctx, const char *key, bool reloadable)
{
    struct noted *noted = ctx;
    size_t used = strlen(noted->text);
    snprintf(noted->text + used, sizeof noted->text - used, "%s%s ", key, reloadable ? "*" : "");
}

static void test_config_a_reload_adopts_reloadable_keys_and_names_the_others(void **state)
{
    struct config config = fresh(), new = fresh();
    struct noted noted = {""};
    struct err err;
    (void)state;
    assert_int_equal(parse(&config, "kafka.linger.ms = 5\n", &err), 0);
    assert_int_equal(parse(&new,
                           "bundle.path = /new\nlog.level = debug\ntopic.sessions = other\n"
                           "kafka.linger.ms = 6\nkafka.client.id = me\n",
                           &err),
                     0);
    assert_int_equal(config_diff(&config, &new, note, &noted), 5);
    assert_string_equal(noted.text,
                        "topic.sessions bundle.path* log.level* kafka.linger.ms kafka.client.id ");
    config_adopt(&config, &new);
    assert_string_equal(config.bundle_path, "/new");
    assert_int_equal(config.log_level, 3);
    assert_string_equal(config.topic_sessions, "sessions");
    config_release(&config);
    config_release(&new);
}

static void test_config_listen_takes_hosts_and_bracketed_addresses(void **state)
{
    static const struct {
        const char *text, *host;
        int port; /* -1: refused */
    } cases[] = {
        {"127.0.0.1:9464", "127.0.0.1", 9464},
        {"localhost:0", "localhost", 0},
        {"[::1]:80", "::1", 80},
        {"[::1]", NULL, -1},
        {":80", NULL, -1},
        {"host:", NULL, -1},
        {"host:8x", NULL, -1},
        {"[]:1", NULL, -1},
        {"[::1:80", NULL, -1},
        {"host:65536", NULL, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char host[256];
        uint16_t port;
        struct err err;
        assert_int_equal(config_listen(cases[i].text, host, &port, &err),
                         cases[i].port < 0 ? -1 : 0);
        if (cases[i].port >= 0) {
            assert_string_equal(host, cases[i].host);
            assert_int_equal(port, cases[i].port);
        }
    }
}

static void test_config_schema_is_json_and_names_every_key(void **state)
{
    char *text = NULL;
    size_t size, count;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    assert_non_null(out);
    config_print_schema(out);
    fclose(out);
    json_t *schema = json_loads(text, 0, NULL);
    assert_non_null(schema);
    const json_t *properties = json_object_get(schema, "properties");
    const struct config_key *key = config_keys(&count);
    assert_int_equal(json_object_size(properties), count + 1); /* and kafka.bootstrap.servers */
    for (size_t i = 0; i < count; i++) {
        assert_non_null(json_object_get(properties, key[i].name));
    }
    json_decref(schema);
    free(text);
}

static void test_config_librdkafka_versions_that_lose_messages_are_refused(void **state)
{
    static const struct {
        int version, rc;
        const char *strategy;
    } cases[] = {
        {0x010900ff, -1, "range"},
        {0x020002ff, 0, "range"},
        {0x020100ff, -1, "range"},
        {0x020101ff, 0, "range"},
        {0x020500ff, -1, "range"},
        {0x020601ff, 0, "cooperative-sticky"},
        {0x020a00ff, -1, "cooperative-sticky"},
        {0x020a01ff, 0, "cooperative-sticky"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err;
        assert_int_equal(kafka_version_check(cases[i].version, &err), cases[i].rc);
        assert_string_equal(kafka_default_strategy(cases[i].version), cases[i].strategy);
    }
}

static void test_config_transactional_id_is_the_instance_or_the_process(void **state)
{
    static const struct {
        const char *text, *id;
    } cases[] = {
        {"transactional.id = mine\nkafka.group.id = g\nkafka.client.id = c\n", "mine"},
        {"kafka.group.id = g\nkafka.client.id = c\nkafka.group.instance.id = i\n", "g-i"},
        {"kafka.group.instance.id = i\n", "outro-i"},
    };
    char id[160], host[64] = "", expected[160];
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config config = fresh();
        assert_int_equal(parse(&config, cases[i].text, &err), 0);
        assert_int_equal(kafka_transactional_id(&config, id, sizeof id, &err), 0);
        assert_string_equal(id, cases[i].id);
        config_release(&config);
    }
    struct config config = fresh(); /* nothing named: this process */
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    snprintf(expected, sizeof expected, "outro-%s-%ld", host, (long)getpid());
    assert_int_equal(kafka_transactional_id(&config, id, sizeof id, &err), 0);
    assert_string_equal(id, expected);
    assert_int_equal(parse(&config, "kafka.group.instance.id = long\n", &err), 0);
    assert_int_equal(kafka_transactional_id(&config, id, 8, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    config_release(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_every_key_has_a_default_that_is_allowed),
        cmocka_unit_test(test_config_numbers_take_their_range_and_nothing_else),
        cmocka_unit_test(test_config_reads_lines_with_comments_and_blanks),
        cmocka_unit_test(test_config_errors_say_where_what_and_what_is_allowed),
        cmocka_unit_test(test_config_a_nul_byte_is_an_error_not_an_end),
        cmocka_unit_test(test_config_check_wants_brokers_distinct_topics_and_commits_in_time),
        cmocka_unit_test(test_config_what_is_printed_reads_back_the_same),
        cmocka_unit_test(test_config_secrets_are_shown_nowhere),
        cmocka_unit_test(test_config_sets_of_the_command_line_go_over_the_file),
        cmocka_unit_test(test_config_a_reload_adopts_reloadable_keys_and_names_the_others),
        cmocka_unit_test(test_config_listen_takes_hosts_and_bracketed_addresses),
        cmocka_unit_test(test_config_schema_is_json_and_names_every_key),
        cmocka_unit_test(test_config_transactional_id_is_the_instance_or_the_process),
        cmocka_unit_test(test_config_librdkafka_versions_that_lose_messages_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
