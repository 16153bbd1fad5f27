#include "daemon/audit_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ENTRIES = 8, FOUND = 8 };

/* {session, number, what it says, open}; session 0 ends a list. */
struct short_entry {
    unsigned session, number, says;
    bool open;
};

/* {what, its key}; a session of 0 ends the list. */
struct short_finding {
    enum audit_finding finding;
    unsigned session, number;
};

struct diff_case {
    const char *what;
    struct audit_rules rules;
    struct short_entry expected[ENTRIES], published[ENTRIES];
    struct short_finding found[FOUND];
};

struct findings {
    struct short_finding found[FOUND];
    size_t count;
};

static void on_found(void *ctx, enum audit_finding finding, const struct audit_entry *entry)
{
    struct findings *findings = ctx;
    assert_true(findings->count < FOUND);
    findings->found[findings->count++] =
        (struct short_finding){finding, entry->key.session, entry->key.number};
}

static void fill(struct audit_list *list, const struct short_entry *entry)
{
    struct err err;
    for (int i = 0; i < ENTRIES && entry[i].session; i++) {
        struct audit_entry full = {.key = {entry[i].session, entry[i].number},
                                   .hash = entry[i].says,
                                   .offset = i,
                                   .open = entry[i].open};
        assert_int_equal(audit_list_add(list, &full, &err), 0);
    }
}

static void check(enum audit_stream stream, const struct diff_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct audit_list expected = {0}, published = {0};
        struct findings findings = {0};
        struct err err = {0};
        size_t wanted = 0;
        fill(&expected, cases[i].expected);
        fill(&published, cases[i].published);
        assert_int_equal(
            audit_diff(stream, &cases[i].rules, &expected, &published, on_found, &findings, &err),
            0);
        while (wanted < FOUND && cases[i].found[wanted].session) {
            wanted++;
        }
        if (findings.count != wanted ||
            memcmp(findings.found, cases[i].found, wanted * sizeof *findings.found) != 0) {
            fail_msg("%s: %zu findings, the first %d of %u.%u", cases[i].what, findings.count,
                     (int)findings.found[0].finding, findings.found[0].session,
                     findings.found[0].number);
        }
        audit_list_release(&expected);
        audit_list_release(&published);
    }
}

#define FOUR                                                                                       \
    {                                                                                              \
        {1, 1, 11, 0}, {1, 2, 12, 0}, {2, 1, 21, 0},                                               \
        {                                                                                          \
            3, 1, 31, 0                                                                            \
        }                                                                                          \
    }

static void test_audit_diff_predictions(void **state)
{
    static const struct diff_case cases[] = {
        {"the same", {0}, FOUR, FOUR, {{0}}},
        {"nobody published", {0}, {{1, 1, 11, 0}}, {{0}}, {{AUDIT_LOST, 1, 1}}},
        {"one in the middle is lost",
         {0},
         FOUR,
         {{1, 1, 11, 0}, {2, 1, 21, 0}, {3, 1, 31, 0}},
         {{AUDIT_LOST, 1, 2}}},
        {"the last is lost, though more may come",
         {.ahead = true},
         FOUR,
         {{1, 1, 11, 0}, {1, 2, 12, 0}, {2, 1, 21, 0}},
         {{AUDIT_LOST, 3, 1}}},
        {"one twice",
         {0},
         FOUR,
         {{1, 1, 11, 0}, {1, 2, 12, 0}, {1, 2, 12, 0}, {2, 1, 21, 0}, {3, 1, 31, 0}},
         {{AUDIT_DOUBLED, 1, 2}}},
        {"one twice, the first of them wrong: the right one counts",
         {0},
         FOUR,
         {{1, 1, 11, 0}, {1, 2, 99, 0}, {1, 2, 12, 0}, {2, 1, 21, 0}, {3, 1, 31, 0}},
         {{AUDIT_DOUBLED, 1, 2}}},
        {"two changed places",
         {0},
         FOUR,
         {{1, 1, 11, 0}, {2, 1, 21, 0}, {1, 2, 12, 0}, {3, 1, 31, 0}},
         {{AUDIT_OUT_OF_ORDER, 2, 1}}},
        {"one says something else",
         {0},
         FOUR,
         {{1, 1, 11, 0}, {1, 2, 12, 0}, {2, 1, 99, 0}, {3, 1, 31, 0}},
         {{AUDIT_DIFFERS, 2, 1}}},
        {"one beyond, where nothing can be",
         {0},
         {{1, 1, 11, 0}},
         {{1, 1, 11, 0}, {1, 2, 12, 0}},
         {{AUDIT_ORPHANED, 1, 2}}},
        {"one beyond, where input is left",
         {.ahead = true},
         {{1, 1, 11, 0}},
         {{1, 1, 11, 0}, {1, 2, 12, 0}},
         {{0}}},
        {"one in between, where input is left",
         {.ahead = true},
         {{1, 1, 11, 0}, {2, 1, 21, 0}},
         {{1, 1, 11, 0}, {1, 2, 12, 0}, {2, 1, 21, 0}},
         {{AUDIT_ORPHANED, 1, 2}}},
    };
    (void)state;
    check(AUDIT_PREDICTIONS, cases, sizeof cases / sizeof cases[0]);
}

static void test_audit_diff_sessions(void **state)
{
    static const struct diff_case cases[] = {
        {"the same, with a revision behind the next session",
         {0},
         {{1, 0, 10, 0}, {2, 0, 20, 0}, {1, 1, 11, 0}},
         {{1, 0, 10, 0}, {2, 0, 20, 0}, {1, 1, 11, 0}},
         {{0}}},
        {"a revision before what it revises",
         {0},
         {{1, 0, 10, 0}, {1, 1, 11, 0}},
         {{1, 1, 11, 0}, {1, 0, 10, 0}},
         {{AUDIT_OUT_OF_ORDER, 1, 1}}},
        {"two sessions changed places",
         {0},
         {{1, 0, 10, 0}, {2, 0, 20, 0}},
         {{2, 0, 20, 0}, {1, 0, 10, 0}},
         {{AUDIT_OUT_OF_ORDER, 2, 0}}},
        {"a revision is lost, one is doubled",
         {0},
         {{1, 0, 10, 0}, {1, 1, 11, 0}, {2, 0, 20, 0}},
         {{1, 0, 10, 0}, {2, 0, 20, 0}, {2, 0, 20, 0}},
         {{AUDIT_LOST, 1, 1}, {AUDIT_DOUBLED, 2, 0}}},
        {"the first of two revisions is lost",
         {0},
         {{1, 0, 10, 0}, {1, 1, 11, 0}},
         {{1, 1, 11, 0}},
         {{AUDIT_LOST, 1, 0}}},
        {"one is published while it is open",
         {0},
         {{1, 0, 10, 0}, {2, 0, 20, true}},
         {{1, 0, 10, 0}, {2, 0, 20, 0}},
         {{AUDIT_ORPHANED, 2, 0}}},
        {"the same, closed by input that is left",
         {.ahead = true},
         {{1, 0, 10, 0}, {2, 0, 20, true}},
         {{1, 0, 10, 0}, {2, 0, 25, 0}, {3, 0, 30, 0}},
         {{0}}},
        {"the same, closed by the clock",
         {.by_the_clock = true},
         {{1, 0, 10, 0}, {2, 0, 20, true}},
         {{1, 0, 10, 0}, {2, 0, 15, 0}, {2, 1, 20, 0}},
         {{0}}},
        {"closed by the clock, gone on with, and right in the end",
         {.by_the_clock = true},
         {{1, 0, 10, 0}, {2, 0, 20, 0}},
         {{1, 0, 8, 0}, {1, 1, 10, 0}, {2, 0, 20, 0}},
         {{0}}},
        {"closed by the clock, gone on with, and that is lost",
         {.by_the_clock = true},
         {{1, 0, 10, 0}, {2, 0, 20, 0}},
         {{1, 0, 8, 0}, {2, 0, 20, 0}},
         {{AUDIT_DIFFERS, 1, 0}}},
        {"a session nobody listened to",
         {0},
         {{1, 0, 10, 0}},
         {{1, 0, 10, 0}, {7, 0, 70, 0}},
         {{AUDIT_ORPHANED, 7, 0}}},
    };
    (void)state;
    check(AUDIT_SESSIONS, cases, sizeof cases / sizeof cases[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_audit_diff_predictions),
                                       cmocka_unit_test(test_audit_diff_sessions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
