#include "daemon/audit_users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/prediction.h"
#include "core/session.h"
#include "data/record_json.h"

static struct slice text(const char *value)
{
    return (struct slice){value, strlen(value)};
}

static struct audit_entry entry(unsigned session, unsigned number, uint64_t hash)
{
    return (struct audit_entry){.key = {session, number}, .hash = hash};
}

static void test_audit_users_each_is_found_again(void **state)
{
    enum { USERS = 5000 };
    struct audit_users users = {0};
    struct err err;
    char id[16];
    (void)state;
    assert_null(audit_users_find(&users, text("nobody")));
    for (int i = 0; i < USERS; i++) {
        snprintf(id, sizeof id, "user_%d", i);
        struct audit_user *user = audit_users_at(&users, text(id), i % 3, &err);
        assert_non_null(user);
        user->open.offset = i;
    }
    assert_int_equal(users.count, USERS);
    for (int i = 0; i < USERS; i++) {
        snprintf(id, sizeof id, "user_%d", i);
        assert_int_equal(audit_users_find(&users, text(id))->open.offset, i);
    }
    assert_null(audit_users_find(&users, text("user_5000")));
    assert_null(audit_users_at(&users, text(""), 0, &err));
    assert_int_equal(err.code, ERR_INPUT);
    audit_users_release(&users);
}

static void test_audit_users_in_two_partitions_are_split(void **state)
{
    struct audit_users users = {0};
    struct err err;
    (void)state;
    assert_false(audit_users_at(&users, text("a"), 1, &err)->split);
    assert_false(audit_users_at(&users, text("a"), 1, &err)->split);
    assert_true(audit_users_at(&users, text("a"), 2, &err)->split);
    audit_users_release(&users);
}

/* Whether a stream of {1.1, 1.2, 2.1} is suspect when `published` (ended by a session of 0) is what
 * is there. */
static bool suspect(const struct audit_rules *rules, const struct audit_entry *published)
{
    struct audit_user user = {.id_size = 1};
    const struct audit_entry expected[] = {entry(1, 1, 11), entry(1, 2, 12), entry(2, 1, 21)};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        audit_user_expect(&user, AUDIT_PREDICTIONS, &expected[i]);
    }
    for (; published->key.session; published++) {
        audit_user_publish(&user, AUDIT_PREDICTIONS, rules, published);
    }
    return audit_user_settle(&user);
}

static void test_audit_users_whatever_differs_is_suspect(void **state)
{
    const struct audit_rules strict = {0}, ahead = {.ahead = true};
    const struct audit_entry a = entry(1, 1, 11), b = entry(1, 2, 12), c = entry(2, 1, 21),
                             beyond = entry(2, 2, 22), other = entry(1, 2, 13), end = {0};
    (void)state;
    assert_false(suspect(&strict, (struct audit_entry[]){a, b, c, end}));
    assert_false(suspect(&ahead, (struct audit_entry[]){a, b, c, beyond, end}));
    assert_true(suspect(&strict, (struct audit_entry[]){a, b, c, beyond, end}));
    assert_true(suspect(&ahead, (struct audit_entry[]){a, b, c, b, end}));
    assert_true(suspect(&strict, (struct audit_entry[]){a, c, end}));
    assert_true(suspect(&strict, (struct audit_entry[]){end}));
    assert_true(suspect(&strict, (struct audit_entry[]){b, a, c, end}));
    assert_true(suspect(&strict, (struct audit_entry[]){a, other, c, end}));
}

static void test_audit_users_a_session_closed_by_the_clock_is_no_suspect(void **state)
{
    const struct audit_rules clock = {.by_the_clock = true};
    struct audit_entry first = entry(1, 0, 10), open = entry(2, 0, 20);
    struct audit_user user = {.id_size = 1};
    (void)state;
    audit_user_expect(&user, AUDIT_SESSIONS, &first);
    open.open = true;
    audit_user_expect(&user, AUDIT_SESSIONS, &open);
    open.open = false;
    audit_user_publish(&user, AUDIT_SESSIONS, &clock, &first);
    audit_user_publish(&user, AUDIT_SESSIONS, &clock, &open);
    assert_false(audit_user_settle(&user));
    audit_user_publish(&user, AUDIT_SESSIONS, &clock, &open); /* but once */
    assert_true(audit_user_settle(&user));
}

static struct audit_entry read_session(uint32_t revision, uint32_t scrobbles)
{
    char json[RECORD_JSON_MAX];
    struct audit_entry out = {.hash = 0};
    struct session session = {.user_id = "a \"quoted,\\\"session\\\":9\" one",
                              .number = 7,
                              .revision = revision,
                              .start = {1000},
                              .end = {3000},
                              .length_ms = 2000,
                              .scrobbles = scrobbles};
    size_t size = session_to_json(&session, json, sizeof json);
    assert_true(audit_read_record(AUDIT_SESSIONS, (struct slice){json, size}, &out));
    assert_int_equal(out.key.session, 7);
    assert_int_equal(out.key.number, revision);
    return out;
}

static void test_audit_record_of_a_session_leaves_out_its_revision(void **state)
{
    (void)state;
    assert_true(read_session(0, 5).hash == read_session(12, 5).hash);
    assert_true(read_session(0, 5).hash != read_session(0, 6).hash);
}

static struct audit_entry read_prediction(double total_s, int64_t elapsed_ms, const char *model)
{
    char json[RECORD_JSON_MAX];
    struct audit_entry out = {.hash = 0};
    struct prediction prediction = {.user_id = "user",
                                    .time = {5000},
                                    .session = 3,
                                    .session_start = {1000},
                                    .scrobble = 4,
                                    .elapsed_ms = elapsed_ms,
                                    .total_s = {total_s, total_s, total_s},
                                    .cluster = -1,
                                    .model = model};
    size_t size = prediction_to_json(&prediction, json, sizeof json);
    assert_true(audit_read_record(AUDIT_PREDICTIONS, (struct slice){json, size}, &out));
    assert_int_equal(out.key.session, 3);
    assert_int_equal(out.key.number, 4);
    return out;
}

static void test_audit_record_of_a_prediction_leaves_out_what_the_bundle_says(void **state)
{
    (void)state;
    assert_true(read_prediction(60, 4000, "one").hash == read_prediction(90, 4000, "two").hash);
    assert_true(read_prediction(60, 4000, "one").hash != read_prediction(60, 4001, "one").hash);
}

/* A net of one output says no p10: what is compared ends before the median then. */
static void test_audit_record_of_a_single_value_is_known_again(void **state)
{
    struct audit_entry a, b;
    (void)state;
    assert_true(audit_read_record(
        AUDIT_PREDICTIONS,
        text("{\"user_id\":\"a\",\"session\":2,\"scrobble\":7,\"elapsed_s\":5,\"p50_s\":1}"), &a));
    assert_true(audit_read_record(
        AUDIT_PREDICTIONS,
        text("{\"user_id\":\"a\",\"session\":2,\"scrobble\":7,\"elapsed_s\":5,\"p10_s\":3}"), &b));
    assert_true(a.hash == b.hash);
    assert_true(audit_read_record(
        AUDIT_PREDICTIONS,
        text("{\"user_id\":\"a\",\"session\":2,\"scrobble\":7,\"elapsed_s\":6,\"p50_s\":1}"), &b));
    assert_true(a.hash != b.hash);
}

static void test_audit_record_what_is_none_is_refused(void **state)
{
    static const char *const none[] = {
        "",
        "{}",
        "null",
        "{\"user_id\":\"a\",\"session\":1}",
        "{\"user_id\":\"a\",\"session\":,\"scrobble\":1,\"p10_s\":1}",
        "{\"user_id\":\"a\",\"session\":4294967296,\"scrobble\":1,\"p10_s\":1}",
        "{\"user_id\":\"a\",\"session\":1,\"scrobble\":-1,\"p10_s\":1}"};
    struct audit_entry out;
    (void)state;
    assert_false(audit_read_record(AUDIT_PREDICTIONS, (struct slice){NULL, 0}, &out));
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_false(audit_read_record(AUDIT_PREDICTIONS, text(none[i]), &out));
        assert_false(audit_read_record(AUDIT_SESSIONS, text(none[i]), &out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_audit_users_each_is_found_again),
        cmocka_unit_test(test_audit_users_in_two_partitions_are_split),
        cmocka_unit_test(test_audit_users_whatever_differs_is_suspect),
        cmocka_unit_test(test_audit_users_a_session_closed_by_the_clock_is_no_suspect),
        cmocka_unit_test(test_audit_record_of_a_session_leaves_out_its_revision),
        cmocka_unit_test(test_audit_record_of_a_prediction_leaves_out_what_the_bundle_says),
        cmocka_unit_test(test_audit_record_of_a_single_value_is_known_again),
        cmocka_unit_test(test_audit_record_what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
