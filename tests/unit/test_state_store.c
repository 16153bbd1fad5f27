/* The store of a partition's users: growth, timers, records out and in again, what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/crc32c.h"
#include "stream_fixture.h"

#define T0   INT64_C(1241478000000)
#define HOUR INT64_C(3600000)

static struct slice id_of(uint32_t user, char text[16])
{
    int size = snprintf(text, 16, "user_%06u", user);
    return (struct slice){text, (size_t)size};
}

static void test_state_store_finds_everybody_after_growth(void **state)
{
    enum { USERS = 50000 };
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    char id[16];
    (void)state;
    params.window = 64;
    struct state_store *store = state_store_new(&params, 7, NULL);
    assert_int_equal(state_store_partition(store), 7);
    struct user_slot **slots = malloc(USERS * sizeof *slots);
    assert_non_null(slots);
    for (uint32_t u = 0; u < USERS; u++) {
        assert_null(state_store_find(store, id_of(u, id)));
        slots[u] = state_store_at(store, id_of(u, id));
        assert_int_equal(slots[u]->index, u);
        if (u == USERS / 2)
            assert_int_equal(state_store_adopt(store, 1, 8, 8, NULL), 0);
    }
    assert_int_equal(state_store_users(store), USERS);
    for (uint32_t u = 0; u < USERS; u++) {
        struct slice user_id = id_of(u, id);
        assert_ptr_equal(state_store_find(store, user_id), slots[u]); /* stable */
        assert_ptr_equal(state_store_at(store, user_id), slots[u]);
        assert_ptr_equal(state_store_slot(store, u), slots[u]);
        assert_int_equal(slots[u]->state.user_id_size, user_id.size);
        assert_memory_equal(slots[u]->state.user_id, user_id.data, user_id.size);
        assert_non_null(state_store_hidden(store, u));
        assert_int_equal(slots[u]->hidden_valid, u > USERS / 2);
    }
    assert_null(state_store_find(store, (struct slice){"user_05000", 10}));
    assert_int_equal(state_store_users(store), USERS);
    free(slots);
    state_store_free(store);
}

static void test_state_store_timers_come_in_order(void **state)
{
    enum { TIMERS = 1000 };
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct state_store *store = state_store_new(&params, 0, NULL);
    uint32_t index, session;
    (void)state;
    /* due at 0 .. 999, set in a shuffled order */
    for (uint32_t i = 0; i < TIMERS; i++) {
        uint32_t due = i * 387 % TIMERS;
        assert_int_equal(
            state_store_watch(store, due, due + 1, (struct event_time){T0 + due}, NULL), 0);
    }
    assert_false(state_store_due(store, &index, &session)); /* time has not begun */
    uint32_t next = 0;
    for (int64_t now = 0; now <= TIMERS; now += 50) {
        assert_int_equal(state_store_move_time(store, (struct event_time){T0 + now}), true);
        assert_int_equal(state_store_move_time(store, (struct event_time){T0 + now}), false);
        assert_int_equal(state_store_move_time(store, (struct event_time){T0 + now - 1}), false);
        while (state_store_due(store, &index, &session)) {
            assert_int_equal(index, next);
            assert_int_equal(session, next + 1);
            next++;
        }
        assert_int_equal(next, now); /* strictly before stream time */
    }
    assert_int_equal(next, TIMERS);
    state_store_free(store);
}

/* ---- records ---- */

/* Byte offsets of schemas/state.md. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_CRC = 8,
    AT_SIZE = 12,
    AT_WINDOW = 16,
    AT_BODY = 32,
    AT_USER_ID_SIZE = AT_BODY + 64,
    AT_RECENT_NEXT = AT_BODY + 65,
    AT_CURRENT = AT_BODY + 72,
    AT_PREVIOUS = AT_BODY + 160,
    AT_HISTORY = AT_BODY + 248,
    AT_STEP = AT_BODY + 1088,
    AT_REGIONS = AT_BODY + 1664
};

struct record {
    struct state_store *store;
    uint8_t *bytes;
    size_t size;
};

/* One user with three sessions, the last one open. */
static void record_make(struct record *r)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct pipeline_sink sink = {0};
    struct pipeline *pipeline = pipeline_new(&params, &sink, 1, NULL);
    r->store = state_store_new(&params, 0, NULL);
    for (int64_t i = 0; i < 9; i++) {
        char track[8];
        enum outcome outcome;
        snprintf(track, sizeof track, "%d", (int)i);
        const struct scrobble scrobble = {.user_id = {"somebody", 8},
                                          .time = {T0 + i / 3 * 2 * HOUR + i % 3 * 240000},
                                          .artist = {"a", 1},
                                          .track = {track, strlen(track)},
                                          .duration_ms = 230000};
        assert_int_equal(pipeline_push(pipeline, r->store, &scrobble, &outcome, NULL), 0);
    }
    pipeline_free(pipeline);
    r->size = state_store_record_max(r->store);
    r->bytes = malloc(r->size);
    assert_non_null(r->bytes);
    assert_int_equal(state_store_save(r->store, (struct slice){"somebody", 8}, r->bytes, r->size),
                     r->size);
}

static void record_release(struct record *r)
{
    state_store_free(r->store);
    free(r->bytes);
}

static uint64_t number_at(const uint8_t *bytes, size_t at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;)
        value = value << 8 | bytes[at + i];
    return value;
}

static void put_number(uint8_t *bytes, size_t at, size_t size, uint64_t value)
{
    for (size_t i = 0; i < size; i++)
        bytes[at + i] = (uint8_t)(value >> 8 * i);
}

static void sign(uint8_t *bytes, size_t size)
{
    put_number(bytes, AT_CRC, 4, crc32c(bytes + AT_SIZE, size - AT_SIZE, 0));
}

static void test_state_store_record_layout(void **state)
{
    struct record r;
    (void)state;
    record_make(&r);
    const uint8_t *b = r.bytes;
    assert_memory_equal(b + AT_MAGIC, "OUTS", 4);
    assert_int_equal(number_at(b, AT_VERSION, 4), 1);
    assert_int_equal(number_at(b, AT_SIZE, 4), r.size - AT_BODY);
    assert_int_equal(number_at(b, AT_WINDOW, 4), 256);
    assert_int_equal(number_at(b, AT_WINDOW + 4, 4), 16);
    assert_int_equal(number_at(b, AT_WINDOW + 8, 4), 64);
    assert_int_equal(number_at(b, AT_CRC, 4), crc32c(b + AT_SIZE, r.size - AT_SIZE, 0));
    assert_memory_equal(b + AT_BODY, "somebody", 9); /* zeros behind */
    assert_int_equal(b[AT_USER_ID_SIZE], 8);
    assert_int_equal(b[AT_RECENT_NEXT], 9);
    assert_int_equal(number_at(b, AT_CURRENT, 8), T0 + 4 * HOUR);
    assert_int_equal(number_at(b, AT_CURRENT + 8, 8), T0 + 4 * HOUR + 480000);
    assert_int_equal(number_at(b, AT_CURRENT + 16, 8), T0 + 4 * HOUR + 480000); /* arrival */
    assert_int_equal(number_at(b, AT_CURRENT + 24, 8), 2 * HOUR - 480000);      /* gap */
    assert_int_equal(number_at(b, AT_CURRENT + 40, 4), 3);                      /* number */
    assert_int_equal(number_at(b, AT_CURRENT + 48, 4), 3);                      /* scrobbles */
    assert_int_equal(number_at(b, AT_CURRENT + 82, 2), 1);                      /* open */
    assert_int_equal(number_at(b, AT_PREVIOUS + 40, 4), 2);
    assert_int_equal(number_at(b, AT_HISTORY + 56, 4), 1);                    /* folded */
    assert_int_equal(number_at(b, AT_STEP, 2), 3);                            /* scrobbles */
    assert_int_equal(number_at(b, AT_REGIONS, 4), T0 / 1000);                 /* ring: start */
    assert_int_equal(number_at(b, AT_REGIONS + 4 * 256, 4), 480000 + 230000); /* length */
    assert_int_equal(b[AT_REGIONS + 8 * 256], 34); /* sqrt(230 s * 5), rounded */
    assert_int_equal(r.size, AT_REGIONS + 9 * 256 + 6 * (16 + 64));
    record_release(&r);
}

static void test_state_store_save_says_what_it_lacks(void **state)
{
    struct record r;
    (void)state;
    record_make(&r);
    const struct slice known = {"somebody", 8}, unknown = {"somebodz", 8};
    assert_int_equal(state_store_save(r.store, unknown, r.bytes, r.size), 0);
    assert_int_equal(state_store_save(r.store, known, r.bytes, r.size - 1), (size_t)-1);
    record_release(&r);
}

struct damage {
    const char *what;
    size_t at, size;
    uint64_t value;
    bool sign; /* with the right checksum */
    enum err_code code;
    const char *reason;
};

#define DOUBLE_NAN 0x7ff8000000000000u
#define DOUBLE_BIG 0x7fe0000000000000u /* 1e308 */

static const struct damage damages[] = {
    {"magic", AT_MAGIC, 1, 'o', true, ERR_INPUT, "OUTS"},
    {"version", AT_VERSION, 4, 2, true, ERR_INPUT, "version 2"},
    {"no version", AT_VERSION, 4, 0, true, ERR_INPUT, "version 0"},
    {"window", AT_WINDOW, 4, 255, true, ERR_INPUT, "window 255"},
    {"track slots", AT_WINDOW + 4, 4, 32, true, ERR_INPUT, "32 and 64"},
    {"artist slots", AT_WINDOW + 8, 4, 8, true, ERR_INPUT, "16 and 8"},
    {"size", AT_SIZE, 4, 12, true, ERR_INPUT, "bytes"},
    {"a flipped bit", AT_STEP + 3, 1, 0xff, false, ERR_CHECK, "checksum"},
    {"the checksum", AT_CRC, 4, 0, false, ERR_CHECK, "checksum"},
    {"no user", AT_USER_ID_SIZE, 1, 0, true, ERR_CHECK, "contradict"},
    {"long user", AT_USER_ID_SIZE, 1, 65, true, ERR_CHECK, "contradict"},
    {"next fingerprint", AT_RECENT_NEXT, 1, 32, true, ERR_CHECK, "contradict"},
    {"no session", AT_CURRENT + 40, 4, 0, true, ERR_CHECK, "contradict"},
    {"session number", AT_CURRENT + 40, 4, 4, true, ERR_CHECK, "contradict"},
    {"session before", AT_PREVIOUS + 40, 4, 1, true, ERR_CHECK, "contradict"},
    {"folded sessions", AT_HISTORY + 56, 4, 2, true, ERR_CHECK, "contradict"},
    {"no scrobbles", AT_CURRENT + 48, 4, 0, true, ERR_CHECK, "contradict"},
    {"a start after 2099", AT_REGIONS + 4 * 255, 4, UINT32_MAX, true, ERR_CHECK, "contradict"},
    {"more scrobbles than can be", AT_CURRENT + 48, 4, UINT32_MAX, true, ERR_CHECK, "contradict"},
    {"no scrobbles before", AT_PREVIOUS + 48, 4, 0, true, ERR_CHECK, "contradict"},
    {"open twice", AT_CURRENT + 82, 2, 2, true, ERR_CHECK, "contradict"},
    {"open before", AT_PREVIOUS + 82, 2, 1, true, ERR_CHECK, "contradict"},
    {"before 1970", AT_CURRENT, 8, UINT64_MAX, true, ERR_CHECK, "contradict"},
    {"before 1970, before", AT_PREVIOUS, 8, (uint64_t)INT64_MIN, true, ERR_CHECK, "contradict"},
    {"last before first", AT_CURRENT + 8, 8, T0, true, ERR_CHECK, "contradict"},
    {"after 2099", AT_CURRENT + 8, 8, EVENT_TIME_END_MS, true, ERR_CHECK, "contradict"},
    {"arrival", AT_CURRENT + 16, 8, INT64_MAX, true, ERR_CHECK, "contradict"},
    {"gap", AT_PREVIOUS + 24, 8, (uint64_t)INT64_MIN, true, ERR_CHECK, "contradict"},
    {"sum of logarithms", AT_CURRENT + 32, 8, DOUBLE_NAN, true, ERR_CHECK, "contradict"},
    {"intervals", AT_CURRENT + 52, 4, 3, true, ERR_CHECK, "contradict"},
    {"artists", AT_PREVIOUS + 76, 2, 4, true, ERR_CHECK, "contradict"},
    {"mean", AT_HISTORY, 8, DOUBLE_NAN, true, ERR_CHECK, "contradict"},
    {"variance", AT_HISTORY + 8, 8, DOUBLE_BIG, true, ERR_CHECK, "contradict"},
    {"single", AT_HISTORY + 32, 8, DOUBLE_BIG, true, ERR_CHECK, "contradict"},
    {"pace", AT_HISTORY + 40, 8, DOUBLE_BIG, true, ERR_CHECK, "contradict"},
    {"total", AT_HISTORY + 48, 8, UINT64_MAX, true, ERR_CHECK, "contradict"},
    {"hour sums", AT_HISTORY + 72, 4, 0x7fc00000, true, ERR_CHECK, "contradict"},
    {"hour weights", AT_HISTORY + 72 + 96, 4, 0xc0800000, true, ERR_CHECK, "contradict"},
    {"kind weights", AT_HISTORY + 644, 4, 0x7f800000, true, ERR_CHECK, "contradict"},
};

static void test_state_store_restore_refuses(void **state)
{
    struct record r;
    (void)state;
    record_make(&r);
    uint8_t *copy = malloc(r.size);
    assert_non_null(copy);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        const struct damage *d = &damages[i];
        struct stream_params params = STREAM_PARAMS_DEFAULTS;
        struct state_store *store = state_store_new(&params, 0, NULL);
        struct err err = {0};
        memcpy(copy, r.bytes, r.size);
        put_number(copy, d->at, d->size, d->value);
        if (d->sign)
            sign(copy, r.size);
        if (state_store_restore(store, copy, r.size, &err) == 0)
            fail_msg("%s: was taken", d->what);
        if (err.code != d->code || !strstr(err.text, d->reason))
            fail_msg("%s: %s", d->what, err.text);
        assert_int_equal(state_store_users(store), 0); /* nothing changed */
        state_store_free(store);
    }
    free(copy);
    record_release(&r);
}

static void test_state_store_restore_refuses_every_other_size(void **state)
{
    struct record r;
    (void)state;
    record_make(&r);
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct state_store *store = state_store_new(&params, 0, NULL);
    for (size_t size = 0; size < r.size; size += size < 64 ? 1 : 97) {
        struct err err = {0};
        uint8_t *cut = malloc(size + 1); /* so that a byte read too far is seen */
        assert_non_null(cut);
        memcpy(cut, r.bytes, size);
        assert_int_equal(state_store_restore(store, cut, size, &err), -1);
        assert_int_equal(err.code, ERR_INPUT);
        free(cut);
    }
    uint8_t *longer = calloc(1, r.size + 1);
    assert_non_null(longer);
    memcpy(longer, r.bytes, r.size);
    assert_int_equal(state_store_restore(store, longer, r.size + 1, NULL), -1);
    assert_int_equal(state_store_users(store), 0);
    assert_int_equal(state_store_restore(store, longer, r.size, NULL), 0);
    free(longer);
    state_store_free(store);
    record_release(&r);
}

/* A record replaces the user's: counts of open sessions follow, timers close what it opened. */
static void test_state_store_restore_replaces(void **state)
{
    struct record r;
    uint32_t index, session;
    (void)state;
    record_make(&r);
    assert_int_equal(state_store_open_sessions(r.store), 1);
    assert_int_equal(state_store_restore(r.store, r.bytes, r.size, NULL), 0);
    assert_int_equal(state_store_users(r.store), 1);
    assert_int_equal(state_store_open_sessions(r.store), 1);
    put_number(r.bytes, AT_CURRENT + 82, 2, 0);
    sign(r.bytes, r.size);
    assert_int_equal(state_store_restore(r.store, r.bytes, r.size, NULL), 0);
    assert_int_equal(state_store_open_sessions(r.store), 0);
    put_number(r.bytes, AT_CURRENT + 82, 2, 1);
    sign(r.bytes, r.size);
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct state_store *store = state_store_new(&params, 0, NULL);
    assert_int_equal(state_store_restore(store, r.bytes, r.size, NULL), 0);
    int64_t due = T0 + 4 * HOUR + 480000 + 230000 + 1800000;
    state_store_move_time(store, (struct event_time){due});
    assert_false(state_store_due(store, &index, &session));
    state_store_move_time(store, (struct event_time){due + 1});
    assert_true(state_store_due(store, &index, &session));
    assert_int_equal(session, 3);
    assert_false(state_store_due(store, &index, &session));
    state_store_free(store);
    record_release(&r);
}

/* ---- what it costs ---- */

/* Everybody with a full ring, all listening at once; the record of one, taken from a pipeline, is
 * what all have, since a record's size does not depend on what is in it. */
static void test_state_store_bytes_a_user(void **state)
{
    enum { USERS = 20000 };
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct pipeline_sink sink = {0};
    struct bundle *bundle = test_bundle_new(1, 32);
    struct pipeline *pipeline = pipeline_new(&params, &sink, 256, NULL);
    struct state_store *store = state_store_new(&params, 0, NULL);
    struct record r;
    char id[16];
    (void)state;
    record_make(&r);
    assert_int_equal(pipeline_set_bundle(pipeline, bundle, NULL), 0);
    for (uint32_t u = 0; u < USERS; u++) {
        struct slice user_id = id_of(u, id);
        memset(r.bytes + AT_BODY, 0, 64);
        memcpy(r.bytes + AT_BODY, user_id.data, user_id.size);
        r.bytes[AT_USER_ID_SIZE] = (uint8_t)user_id.size;
        sign(r.bytes, r.size);
        assert_int_equal(state_store_restore(store, r.bytes, r.size, NULL), 0);
    }
    for (uint32_t u = 0; u < USERS; u++) {
        enum outcome outcome;
        const struct scrobble scrobble = {.user_id = id_of(u, id),
                                          .time = {T0 + 5 * HOUR + u},
                                          .artist = {"a", 1},
                                          .track = {"t", 1}};
        assert_int_equal(pipeline_push(pipeline, store, &scrobble, &outcome, NULL), 0);
    }
    assert_int_equal(pipeline_flush(pipeline, NULL), 0);
    assert_int_equal(state_store_users(store), USERS);
    double bytes = (double)state_store_bytes(store) / USERS;
    print_message("%.0f bytes a user at W 256, H 32; a record of %zu\n", bytes, r.size);
    assert_true(bytes <= 5120);
    pipeline_free(pipeline);
    state_store_free(store);
    bundle_release(bundle);
    record_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_store_finds_everybody_after_growth),
        cmocka_unit_test(test_state_store_timers_come_in_order),
        cmocka_unit_test(test_state_store_record_layout),
        cmocka_unit_test(test_state_store_save_says_what_it_lacks),
        cmocka_unit_test(test_state_store_restore_refuses),
        cmocka_unit_test(test_state_store_restore_refuses_every_other_size),
        cmocka_unit_test(test_state_store_restore_replaces),
        cmocka_unit_test(test_state_store_bytes_a_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
