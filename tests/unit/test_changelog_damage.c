/* Records of the changelog that are damaged, foreign, or hold what cannot be: refused by name and
 * without a trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "changelog_fixture.h"
#include "core/crc32c.h"

enum { HEADER = 12, AT_KIND = 2, AT_VERSION = 3, AT_CRC = 4, AT_SIZE = 8 }; /* schemas/state.md */

static const struct changelog_meta some_meta = {.input_offset = 42, .stream_time = {LIFE_START_MS}};

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

/* ---- what is damaged ---- */

/* Applies one record to a store of another user, which must not change when it is refused. */
static int try_record(const struct changelog_record *record, struct err *err)
{
    struct state_store *store = empty_store();
    const struct life life = {.sessions = 2};
    live(store, "other", &life);
    uint64_t hash = state_store_hash(store);
    *err = (struct err){0};
    int kind = changelog_apply(store, record->key, record->value, NULL, err);
    if (kind < 0) {
        assert_int_equal(state_store_hash(store), hash);
        assert_int_equal(state_store_users(store), 1);
    }
    state_store_free(store);
    return kind;
}

static void sign(const struct changelog_record *record)
{
    char *value = (char *)(uintptr_t)record->value.data;
    uint32_t crc = crc32c(record->key.data, record->key.size, 0);
    crc = crc32c(value + AT_SIZE, record->value.size - AT_SIZE, crc);
    memcpy(value + AT_CRC, &crc, sizeof crc);
}

static void test_changelog_damage_of_any_byte_is_refused(void **state)
{
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    const struct life life = {.sessions = 5, .durations = true};
    struct state_store *store = empty_store();
    struct record_list list = {0};
    struct err err;
    (void)state;
    live(store, "a", &life);
    list_add_user(&list, store, CHANGELOG_OPEN, "a");
    list_add_user(&list, store, CHANGELOG_HISTORY, "a");
    list_add_meta(&list, &some_meta);
    for (size_t r = 0; r < list.count; r++) {
        struct changelog_record *record = &list.record[r];
        size_t size = record->value.size;
        for (size_t at = 0; at < size * (sizeof flips / sizeof *flips); at++) {
            char *byte = (char *)(uintptr_t)record->value.data + at / sizeof flips;
            uint8_t flip = flips[at % sizeof flips];
            *byte = (char)((uint8_t)*byte ^ flip);
            if (try_record(record, &err) >= 0)
                fail_msg("record %zu, byte %zu ^ %u: was taken", r, at / sizeof flips, flip);
            assert_true(err.code == ERR_INPUT || err.code == ERR_CHECK);
            *byte = (char)((uint8_t)*byte ^ flip);
        }
        for (size_t cut = 0; cut < size; cut++) {
            char *copy = malloc(cut + 1); /* so that a byte read too far is seen */
            assert_non_null(copy);
            memcpy(copy, record->value.data, cut);
            const struct changelog_record shorter = {record->key, {copy, cut}};
            assert_int_equal(try_record(&shorter, &err), -1);
            assert_int_equal(err.code, ERR_INPUT);
            free(copy);
        }
        assert_int_equal(try_record(record, &err), record->key.data[0]);
    }
    list_release(&list);
    state_store_free(store);
}

/* A body damaged by a program that signs it: refused, or a record that packs and unpacks. */
static void test_changelog_damage_behind_a_right_checksum_is_safe(void **state)
{
    const struct life life = {.sessions = 5, .durations = true};
    struct state_store *store = empty_store();
    unsigned refused = 0, taken = 0;
    (void)state;
    live(store, "a", &life);
    for (int part = 0; part < 2; part++) {
        struct record_list list = {0};
        list_add_user(&list, store, part ? CHANGELOG_HISTORY : CHANGELOG_OPEN, "a");
        const struct changelog_record *record = &list.record[0];
        for (size_t at = HEADER; at < record->value.size; at++) {
            struct state_store *to = empty_store();
            struct err err = {0};
            char *byte = (char *)(uintptr_t)record->value.data + at;
            *byte = (char)((uint8_t)*byte ^ 0x81);
            sign(record);
            if (changelog_apply(to, record->key, record->value, NULL, &err) < 0) {
                assert_true(err.code == ERR_INPUT || err.code == ERR_CHECK);
                refused++;
            } else {
                struct record_list again = {0};
                struct state_store *other = empty_store();
                list_add_user(&again, to, part ? CHANGELOG_HISTORY : CHANGELOG_OPEN, "a");
                list_apply(&again, other);
                assert_memory_equal(user_of(other, "a"), user_of(to, "a"),
                                    state_store_layout(to)->size_bytes);
                list_release(&again);
                state_store_free(other);
                taken++;
            }
            *byte = (char)((uint8_t)*byte ^ 0x81);
            state_store_free(to);
        }
        list_release(&list);
    }
    assert_true(refused > 0 && taken > 0);
    state_store_free(store);
}

/* ---- what is foreign ---- */

struct foreign {
    const char *what, *key;
    size_t at;
    uint8_t value;
    enum err_code code;
    const char *reason;
};

static const struct foreign foreigners[] = {
    {"version", "o:a", AT_VERSION, 3, ERR_INPUT,
     "version 3 is unknown, this program reads 1 and 2"},
    {"no version", "o:a", AT_VERSION, 0, ERR_INPUT, "version 0 is unknown"},
    {"magic", "o:a", 0, 'X', ERR_INPUT, "no OS at its start"},
    {"kind", "o:a", AT_KIND, 'h', ERR_INPUT, "its kind, 104, is not that of its key"},
    {"key of another part", "h:a", AT_KIND, 'o', ERR_INPUT, "its kind, 111, is not"},
    {"key of another user", "o:b", AT_KIND, 'o', ERR_CHECK, "open record of \"b\": its checksum"},
    {"no user", "o:", AT_KIND, 'o', ERR_INPUT, "key of 2 bytes"},
    {"other key", "x:a", AT_KIND, 'o', ERR_INPUT, "key of 3 bytes"},
    {"no colon", "o-a", AT_KIND, 'o', ERR_INPUT, "key of 3 bytes"},
    {"empty key", "", AT_KIND, 'o', ERR_INPUT, "key of 0 bytes"},
    {"size", "o:a", AT_SIZE + 1, 99, ERR_INPUT, "its header says"},
    {"long user", "o:01234567890123456789012345678901234567890123456789012345678901234", AT_KIND,
     'o', ERR_INPUT, "key of 67 bytes"},
};

static void test_changelog_damage_foreign_records(void **state)
{
    const struct life life = {.sessions = 5};
    (void)state;
    for (size_t i = 0; i < sizeof foreigners / sizeof *foreigners; i++) {
        const struct foreign *f = &foreigners[i];
        struct state_store *store = empty_store();
        struct record_list list = {0};
        struct err err;
        live(store, "a", &life);
        list_add_user(&list, store, CHANGELOG_OPEN, "a");
        struct changelog_record record = list.record[0];
        ((char *)(uintptr_t)record.value.data)[f->at] = (char)f->value;
        record.key = (struct slice){f->key, strlen(f->key)};
        if (try_record(&record, &err) >= 0)
            fail_msg("%s: was taken", f->what);
        if (err.code != f->code || !strstr(err.text, f->reason))
            fail_msg("%s: %s", f->what, err.text);
        list_release(&list);
        state_store_free(store);
    }
}

static void test_changelog_damage_other_sizes(void **state)
{
    const struct life life = {.sessions = 5};
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    struct record_list list = {0};
    struct err err;
    (void)state;
    params.window = 128;
    params.artist_slots = 32;
    struct state_store *store = state_store_new(&params, 0, NULL);
    live(store, "a", &life);
    list_add_user(&list, store, CHANGELOG_OPEN, "a");
    list_add_user(&list, store, CHANGELOG_HISTORY, "a");
    assert_int_equal(try_record(&list.record[0], &err), -1);
    assert_non_null(strstr(err.text, "sketches of 16 and 32, not 16 and 64"));
    assert_int_equal(err.code, ERR_INPUT);
    assert_int_equal(try_record(&list.record[1], &err), -1);
    assert_non_null(strstr(err.text, "window of 128 sessions, not 256"));
    assert_int_equal(err.code, ERR_INPUT);
    list_release(&list);
    state_store_free(store);
}

/* ---- what cannot be ---- */

#define FIELD(name)                                                                                \
    offsetof(struct user_state, name), sizeof(((struct user_state){.user_id_size = 0}).name)

struct wrong {
    const char *what;
    size_t at, size;
    uint64_t value;
    char part;
};

#define DOUBLE_NAN 0x7ff8000000000000u
#define DOUBLE_BIG 0x7fe0000000000000u /* 1e308 */

static const struct wrong wrongs[] = {
    {"next fingerprint", FIELD(recent_next), 32, 'o'},
    {"no session", FIELD(current.number), 0, 'o'},
    {"session number", FIELD(current.number), UINT32_MAX, 'o'},
    {"no scrobbles", FIELD(current.scrobbles), 0, 'o'},
    {"more scrobbles than can be", FIELD(current.scrobbles), UINT32_MAX, 'o'},
    {"no scrobbles before", FIELD(previous.scrobbles), 0, 'o'},
    {"open twice", FIELD(current.open), 2, 'o'},
    {"open before", FIELD(previous.open), 1, 'o'},
    {"before 1970", FIELD(current.start_ms), UINT64_MAX, 'o'},
    {"before 1970, before", FIELD(previous.start_ms), (uint64_t)INT64_MIN, 'o'},
    {"last before first", FIELD(current.last_ms), LIFE_START_MS, 'o'},
    {"after 2099", FIELD(current.last_ms), EVENT_TIME_END_MS, 'o'},
    {"arrival", FIELD(current.arrival_ms), INT64_MAX, 'o'},
    {"gap", FIELD(previous.gap_ms), (uint64_t)INT64_MIN, 'o'},
    {"sum of logarithms", FIELD(current.ln_interval_sum), DOUBLE_NAN, 'o'},
    {"intervals", FIELD(current.intervals), 1000, 'o'},
    {"artists", FIELD(previous.distinct_artists), 1000, 'o'},
    {"mean", FIELD(history.mean_z), DOUBLE_NAN, 'h'},
    {"variance", FIELD(history.variance_z), DOUBLE_BIG, 'h'},
    {"single", FIELD(history.ew20_single), DOUBLE_BIG, 'h'},
    {"pace", FIELD(history.pace), DOUBLE_BIG, 'h'},
    {"total", FIELD(history.total_length_ms), UINT64_MAX, 'h'},
    {"hour sums", FIELD(history.day_z[0]), 0x7fc00000, 'h'},
    {"hour weights", FIELD(history.day_n[23]), 0xc0800000, 'h'},
    {"kind weights", FIELD(history.kind_n[1][23]), 0x7f800000, 'h'},
    {"step without scrobbles", FIELD(step[0].scrobbles), 0, 'h'},
    {"a start after 2099", FIELD(regions[0]), UINT32_MAX, 'h'},
};

static void test_changelog_damage_impossible_numbers(void **state)
{
    const struct life life = {.sessions = 5};
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        const struct wrong *w = &wrongs[i];
        struct state_store *store = empty_store();
        struct record_list list = {0};
        struct err err;
        live(store, "a", &life);
        memcpy((char *)&state_store_slot(store, 0)->state + w->at, &w->value, w->size);
        list_add_user(&list, store, (enum changelog_kind)w->part, "a");
        if (try_record(&list.record[0], &err) >= 0)
            fail_msg("%s: was taken", w->what);
        if (!strstr(err.text, "contradict") && !strstr(err.text, "cut short"))
            fail_msg("%s: %s", w->what, err.text);
        list_release(&list);
        state_store_free(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changelog_damage_of_any_byte_is_refused),
        cmocka_unit_test(test_changelog_damage_behind_a_right_checksum_is_safe),
        cmocka_unit_test(test_changelog_damage_foreign_records),
        cmocka_unit_test(test_changelog_damage_other_sizes),
        cmocka_unit_test(test_changelog_damage_impossible_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
