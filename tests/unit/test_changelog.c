/* A user as records of the changelog and back: the same to the byte, and small; parts of
 * one moment only; and what version 1 wrote is read for ever. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "changelog_fixture.h"
#include "stream_fixture.h"

#define HOUR INT64_C(3600000)

enum { AT_VERSION = 3 }; /* schemas/state.md */

static struct state_store *empty_store(void)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct state_store *store = state_store_new(&params, 0, NULL);
    assert_non_null(store);
    return store;
}

static const struct user_state *user_of(const struct state_store *store, const char *name)
{
    const struct user_slot *slot = state_store_find(store, (struct slice){name, strlen(name)});
    assert_non_null(slot);
    return &slot->state;
}

static const struct changelog_meta some_meta = {.input_offset = 42,
                                                .stream_time = {LIFE_START_MS + 20000 * HOUR}};

/* ---- there and back ---- */

static void test_changelog_round_trip(void **state)
{
    static const uint32_t sessions[] = {1, 2, 3, 63, 64, 65, 66, 255, 256, 257, 258, 1000};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof sessions / sizeof *sessions; i++) {
        const struct life life = {.sessions = sessions[i / 2], .durations = i % 2};
        struct state_store *from = empty_store(), *to = empty_store();
        struct slice id = {"somebody", 8};
        live(from, "somebody", &life);
        carry_user(to, from, id); /* compares the records */
        assert_int_equal(state_store_users(to), 1);
        assert_int_equal(state_store_open_sessions(to), 1);
        carry_user(to, from, id); /* over what is there: the same */
        assert_int_equal(state_store_users(to), 1);
        assert_int_equal(state_store_open_sessions(to), 1);
        assert_int_equal(state_store_stream_time(to).ms, state_store_stream_time(from).ms);
        state_store_free(from);
        state_store_free(to);
    }
}

static void test_changelog_records_in_any_order(void **state)
{
    const struct life old_life = {.sessions = 3}, life = {.sessions = 80, .durations = true};
    struct state_store *from = empty_store(), *before = empty_store();
    struct record_list list = {0};
    (void)state;
    live(before, "a", &old_life);
    live(from, "a", &life);
    live(from, "b", &life);
    list_add_user(&list, before, CHANGELOG_OPEN, "a"); /* the last of a key counts */
    list_add_user(&list, before, CHANGELOG_HISTORY, "a");
    list_add_user(&list, from, CHANGELOG_OPEN, "a");
    list_add_user(&list, from, CHANGELOG_HISTORY, "b");
    list_add_user(&list, from, CHANGELOG_OPEN, "b");
    list_add_user(&list, from, CHANGELOG_HISTORY, "a");
    struct state_store *to = empty_store();
    list_apply(&list, to);
    assert_int_equal(changelog_finish(to, &some_meta, NULL), 0);
    size_t bytes = state_store_layout(from)->size_bytes;
    assert_memory_equal(user_of(to, "a"), user_of(from, "a"), bytes);
    assert_memory_equal(user_of(to, "b"), user_of(from, "b"), bytes);
    list_release(&list);
    state_store_free(before);
    state_store_free(from);
    state_store_free(to);
}

/* At W 256 with 16 and 64 slots, both keys included. */
static void test_changelog_at_most_4096_bytes_a_user(void **state)
{
    static const struct life lives[] = {
        {.sessions = 1},
        {.sessions = 300},
        {.sessions = 1000, .durations = true},
        {.sessions = 300, .durations = true, .days_apart = 20, .scrobbles = 200},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        struct state_store *store = empty_store();
        const char *name = "01234567-0123-0123-0123-0123456789ab";
        struct record_list list = {0};
        live(store, name, &lives[i]);
        list_add_user(&list, store, CHANGELOG_OPEN, name);
        list_add_user(&list, store, CHANGELOG_HISTORY, name);
        size_t open = list.record[0].value.size, history = list.record[1].value.size;
        size_t keys = list.record[0].key.size + list.record[1].key.size;
        print_message("%u sessions: open %zu bytes, history %zu, keys %zu\n", lives[i].sessions,
                      open, history, keys);
        assert_true(open + history + keys <= 4096);
        list_release(&list);
        state_store_free(store);
    }
}

/* What is restored goes on: its open session closes when it would have. */
static void test_changelog_timers_are_set(void **state)
{
    const struct life life = {.sessions = 5};
    struct state_store *from = empty_store(), *to = empty_store();
    uint32_t index, session;
    (void)state;
    live(from, "a", &life);
    carry_user(to, from, (struct slice){"a", 1});
    const struct session_sums *current = &user_of(from, "a")->current;
    assert_int_equal(current->open, 1);
    int64_t end = session_end_ms(current);
    int64_t due = (end > current->arrival_ms ? end : current->arrival_ms) + HOUR / 2;
    state_store_move_time(to, (struct event_time){due});
    assert_false(state_store_due(to, &index, &session));
    state_store_move_time(to, (struct event_time){due + 1});
    assert_true(state_store_due(to, &index, &session));
    assert_int_equal(session, 5);
    assert_false(state_store_due(to, &index, &session));
    state_store_free(from);
    state_store_free(to);
}

/* ---- parts that do not fit, parts that are gone ---- */

struct pieces {
    const char *what;
    uint32_t open, history; /* sessions of the life that each is of; 0: none, GONE: a tombstone */
    const char *reason;     /* NULL: it fits */
    size_t users;
};

#define GONE UINT32_MAX

static const struct pieces pieces[] = {
    {"the same moment", 9, 9, NULL, 1},
    {"nothing folded yet", 2, 0, NULL, 1},
    {"a first session", 1, 0, NULL, 1},
    {"folded, without a history", 3, 0, "history of 0 sessions does not fit session 3", 0},
    {"an old history", 9, 8, "history of 6 sessions does not fit session 9 of user \"a\"", 0},
    {"an old open part", 8, 9, "history of 7 sessions does not fit session 8", 0},
    {"no open part", 0, 9, "history of 7 sessions does not fit session 0", 0},
    {"open part gone", GONE, 9, "does not fit", 0},
    {"history gone", 9, GONE, "does not fit", 0},
    {"both gone", GONE, GONE, NULL, 0},
    {"nothing was there, and is gone", GONE, 0, NULL, 0},
};

static void add_part(struct record_list *list, enum changelog_kind kind, uint32_t sessions)
{
    const struct life life = {.sessions = sessions};
    struct state_store *store = empty_store();
    if (sessions == GONE) {
        list_add_tombstone(list, kind, "a");
    } else if (sessions > 0) {
        live(store, "a", &life);
        list_add_user(list, store, kind, "a");
    }
    state_store_free(store);
}

static void test_changelog_parts_must_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof pieces / sizeof *pieces; i++) {
        const struct pieces *p = &pieces[i / 2];
        struct state_store *store = empty_store();
        struct record_list list = {0};
        struct err err = {0};
        if (i % 2 && (p->open == GONE || p->history == GONE)) { /* over what was there */
            add_part(&list, CHANGELOG_OPEN, 9);
            add_part(&list, CHANGELOG_HISTORY, 9);
        }
        add_part(&list, CHANGELOG_OPEN, p->open);
        add_part(&list, CHANGELOG_HISTORY, p->history);
        list_apply(&list, store);
        bool over = i % 2 && p->open == GONE && p->history == 0; /* then a history is left */
        const char *reason = over ? "does not fit session 0" : p->reason;
        int result = changelog_finish(store, &some_meta, &err);
        if (result != (reason ? -1 : 0) || (reason && !strstr(err.text, reason)))
            fail_msg("%s: %d %s", p->what, result, err.text);
        if (!reason)
            assert_int_equal(state_store_users(store), p->users);
        if (!reason && p->users == 0)
            assert_null(state_store_find(store, (struct slice){"a", 1}));
        list_release(&list);
        state_store_free(store);
    }
}

/* At least once, a crash may come between two records: whom it met begins anew, nobody else. */
static void test_changelog_drops_whom_a_crash_met(void **state)
{
    const struct life life = {.sessions = 9}, before = {.sessions = 8};
    struct state_store *from = empty_store(), *old = empty_store(), *store = empty_store();
    struct record_list list = {0};
    size_t removed = 0;
    (void)state;
    live(from, "whole", &life);
    live(from, "half", &life);
    live(from, "gone", &life);
    live(old, "half", &before);
    list_add_user(&list, from, CHANGELOG_OPEN, "whole");
    list_add_user(&list, from, CHANGELOG_HISTORY, "whole");
    list_add_user(&list, from, CHANGELOG_OPEN, "half");
    list_add_user(&list, old, CHANGELOG_HISTORY, "half");
    list_add_user(&list, from, CHANGELOG_HISTORY, "gone");
    list_add_tombstone(&list, CHANGELOG_HISTORY, "gone");
    list_apply(&list, store);
    assert_int_equal(changelog_drop_unfit(store, &removed, NULL), 0);
    assert_int_equal(removed, 1);
    assert_int_equal(changelog_finish(store, &some_meta, NULL), 0);
    assert_int_equal(state_store_users(store), 1);
    assert_memory_equal(user_of(store, "whole"), user_of(from, "whole"),
                        state_store_layout(store)->size_bytes);
    list_release(&list);
    state_store_free(store);
    state_store_free(from);
    state_store_free(old);
}

/* ---- meta ---- */

static void test_changelog_meta(void **state)
{
    static const struct {
        struct changelog_meta meta;
        bool taken;
    } cases[] = {
        {{0, {0}}, true},
        {{INT64_MAX, {EVENT_TIME_END_MS - 1}}, true},
        {{7, {INT64_MIN}}, true}, /* EVENT_TIME_NEVER: nothing but rejected records so far */
        {{-1, {0}}, false},
        {{7, {-1}}, false},
        {{7, {EVENT_TIME_END_MS}}, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct state_store *store = empty_store();
        struct record_list list = {0};
        struct changelog_meta meta = {.input_offset = 99};
        struct err err = {0};
        list_add_meta(&list, &cases[i].meta);
        int kind = changelog_apply(store, list.record[0].key, list.record[0].value, &meta, &err);
        if (cases[i].taken) {
            assert_int_equal(kind, CHANGELOG_META);
            assert_int_equal(meta.input_offset, cases[i].meta.input_offset);
            assert_int_equal(meta.stream_time.ms, cases[i].meta.stream_time.ms);
            assert_int_equal(changelog_finish(store, &meta, NULL), 0);
            assert_int_equal(state_store_stream_time(store).ms, meta.stream_time.ms);
        } else {
            assert_int_equal(kind, -1);
            assert_int_equal(err.code, ERR_CHECK);
            assert_int_equal(meta.input_offset, 99);
        }
        const struct slice none = {NULL, 0};
        assert_int_equal(changelog_apply(store, list.record[0].key, none, &meta, NULL),
                         CHANGELOG_META);
        assert_int_equal(meta.input_offset, -1); /* as if it had never been */
        list_release(&list);
        state_store_free(store);
    }
}

/* ---- records that version 1 wrote ---- */

static void assert_near(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-6 * fmax(1, fabs(expected))))
        fail_msg("%.9g, expected %.9g", got, expected);
}

/* The golden users are compared to what their lives give today: logarithms by what they are, all
 * else to the byte. */
static void assert_same_user(const struct user_layout *layout, const struct user_state *got,
                             const struct user_state *expected)
{
    const size_t from_stats = offsetof(struct history_stats, total_length_ms);
    const size_t to_bins = offsetof(struct history_stats, day_z);
    const size_t step = offsetof(struct user_state, step);
    const struct history_stats *a = &got->history, *b = &expected->history;
    struct session_sums sessions[2][2] = {{got->current, got->previous},
                                          {expected->current, expected->previous}};
    for (int s = 0; s < 2; s++) {
        assert_near(sessions[0][s].ln_interval_sum, sessions[1][s].ln_interval_sum);
        sessions[0][s].ln_interval_sum = sessions[1][s].ln_interval_sum;
    }
    assert_memory_equal(sessions[0], sessions[1], sizeof sessions[0]);
    assert_memory_equal(got, expected, offsetof(struct user_state, current));
    double averages[2][6];
    float bins[2][6 * DAYPARTS];
    memcpy(averages[0], a, sizeof averages[0]);
    memcpy(averages[1], b, sizeof averages[1]);
    memcpy(bins[0], (const char *)a + to_bins, sizeof bins[0]);
    memcpy(bins[1], (const char *)b + to_bins, sizeof bins[1]);
    for (size_t i = 0; i < 6; i++)
        assert_near(averages[0][i], averages[1][i]);
    assert_memory_equal((const char *)a + from_stats, (const char *)b + from_stats,
                        to_bins - from_stats);
    for (size_t i = 0; i < 6 * DAYPARTS; i++)
        assert_near((double)bins[0][i], (double)bins[1][i]);
    assert_memory_equal(got->recent_low, expected->recent_low,
                        step - offsetof(struct user_state, recent_low));
    assert_memory_equal((const char *)got + step, (const char *)expected + step,
                        layout->size_bytes - step);
}

static void test_changelog_golden_records_of_version_1(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_USERS; i++) {
        struct state_store *expected = empty_store(), *store = empty_store();
        struct record_list list = {0};
        struct changelog_meta meta = {0};
        char path[512];
        snprintf(path, sizeof path, "%s/state/v1-%s.records", OUTRO_FIXTURES, golden_users[i].file);
        list_read(&list, path);
        assert_int_equal(list.count, 3);
        for (size_t r = 0; r < list.count; r++)
            assert_int_equal(list.record[r].value.data[AT_VERSION], 1);
        for (size_t r = 0; r < list.count; r++)
            assert_true(
                changelog_apply(store, list.record[r].key, list.record[r].value, &meta, NULL) >= 0);
        assert_int_equal(changelog_finish(store, &meta, NULL), 0);
        live(expected, golden_users[i].user_id, &golden_users[i].life);
        assert_same_user(state_store_layout(store), user_of(store, golden_users[i].user_id),
                         user_of(expected, golden_users[i].user_id));
        assert_int_equal(meta.input_offset, golden_users[i].input_offset);
        assert_int_equal(state_store_stream_time(store).ms, state_store_stream_time(expected).ms);
        assert_int_equal(state_store_open_sessions(store), 1);
        list_release(&list);
        state_store_free(store);
        state_store_free(expected);
    }
}

/* test_changelog write FOLDER: the golden records of the version at hand. Once for each version. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changelog_round_trip),
        cmocka_unit_test(test_changelog_records_in_any_order),
        cmocka_unit_test(test_changelog_at_most_4096_bytes_a_user),
        cmocka_unit_test(test_changelog_timers_are_set),
        cmocka_unit_test(test_changelog_parts_must_fit),
        cmocka_unit_test(test_changelog_drops_whom_a_crash_met),
        cmocka_unit_test(test_changelog_meta),
        cmocka_unit_test(test_changelog_golden_records_of_version_1),
    };
    if (argc == 3 && strcmp(argv[1], "write") == 0)
        return golden_write(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
