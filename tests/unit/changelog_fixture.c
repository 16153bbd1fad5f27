#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "changelog_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/pipeline.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)

const struct golden_user golden_users[GOLDEN_USERS] = {
    {"first-session", "anna", {.sessions = 1}, 3},
    {"five-sessions", "bj\xc3\xb8rk", {.sessions = 5, .durations = true}, 1000},
    {"full-rings", "user_000003", {.sessions = 300, .durations = true}, INT64_C(5000000000)},
};

void live(struct state_store *store, const char *user_id, const struct life *life)
{
    struct pipeline_sink sink = {0};
    struct pipeline *pipeline = pipeline_new(state_store_params(store), &sink, 1, NULL);
    int64_t at_ms = LIFE_START_MS;
    assert_non_null(pipeline);
    for (uint32_t s = 0; s < life->sessions; s++) {
        uint32_t scrobbles = life->scrobbles ? life->scrobbles : 1 + s * 7 % 12;
        for (uint32_t i = 0; i < scrobbles; i++) {
            char artist[24], track[24];
            enum outcome outcome;
            snprintf(artist, sizeof artist, "artist %u", (s * 3 + i * i) % 90);
            snprintf(track, sizeof track, "track %u", (s + i * 5) % 40);
            const struct scrobble scrobble = {
                .user_id = {user_id, strlen(user_id)},
                .time = {at_ms},
                .artist = {artist, strlen(artist)},
                .track = {track, strlen(track)},
                .duration_ms = life->durations ? 150000 + (s + i) % 37 * 4321 : 0};
            assert_int_equal(pipeline_push(pipeline, store, &scrobble, &outcome, NULL), 0);
            assert_int_equal(outcome, OUTCOME_SESSION);
            at_ms += 3 * MINUTE + (s * 5 + i) % 11 * 20000 + (life->durations ? 137 : 0);
        }
        at_ms += life->days_apart ? life->days_apart * 24 * HOUR : (s % 5 + 1) * 5 * HOUR;
    }
    pipeline_free(pipeline);
}

/* ---- lists ---- */

static void *copy_of(const void *data, size_t size)
{
    void *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    return copy;
}

/* @param value NULL: a tombstone */
static void add(struct record_list *list, struct slice key, const void *value, size_t size)
{
    struct changelog_record *record =
        realloc(list->record, (list->count + 1) * sizeof *list->record);
    assert_non_null(record);
    list->record = record;
    record[list->count++] = (struct changelog_record){
        {copy_of(key.data, key.size), key.size},
        {value ? copy_of(value, size) : NULL, value ? size : 0},
    };
}

static struct slice key_of(enum changelog_kind kind, const char *user_id,
                           char key[CHANGELOG_KEY_MAX])
{
    return (struct slice){key, changelog_key(kind, (struct slice){user_id, strlen(user_id)}, key)};
}

void list_add_user(struct record_list *list, const struct state_store *store,
                   enum changelog_kind kind, const char *user_id)
{
    const struct user_layout *layout = state_store_layout(store);
    const struct user_slot *slot =
        state_store_find(store, (struct slice){user_id, strlen(user_id)});
    char key[CHANGELOG_KEY_MAX];
    void *value = malloc(changelog_value_max(layout));
    assert_true(slot && value);
    size_t size = kind == CHANGELOG_OPEN ? changelog_encode_open(layout, &slot->state, value)
                                         : changelog_encode_history(layout, &slot->state, value);
    assert_true(size <= changelog_value_max(layout));
    add(list, key_of(kind, user_id, key), value, size);
    free(value);
}

void list_add_tombstone(struct record_list *list, enum changelog_kind kind, const char *user_id)
{
    char key[CHANGELOG_KEY_MAX];
    add(list, key_of(kind, user_id, key), NULL, 0);
}

void list_add_meta(struct record_list *list, const struct changelog_meta *meta)
{
    char key[CHANGELOG_KEY_MAX], value[64];
    size_t size = changelog_encode_meta(meta, value);
    assert_true(size <= sizeof value);
    add(list, key_of(CHANGELOG_META, "", key), value, size);
}

void list_apply(const struct record_list *list, struct state_store *store)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct changelog_record *record = &list->record[i];
        struct err err = {0};
        if (changelog_apply(store, record->key, record->value, NULL, &err) != record->key.data[0])
            fail_msg("record %zu: %s", i, err.text);
    }
}

void list_release(struct record_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free((void *)(uintptr_t)list->record[i].key.data);
        free((void *)(uintptr_t)list->record[i].value.data);
    }
    free(list->record);
    *list = (struct record_list){0};
}

/* ---- files ---- */

void list_read(struct record_list *list, const char *path)
{
    uint8_t sizes[3];
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be read", path);
    while (fread(sizes, 1, sizeof sizes, file) == sizeof sizes) {
        size_t key_size = sizes[0], size = sizes[1] | (size_t)sizes[2] << 8;
        bool tombstone = size == UINT16_MAX;
        char key[UINT8_MAX], *value = malloc(UINT16_MAX);
        assert_non_null(value);
        assert_int_equal(fread(key, 1, key_size, file), key_size);
        if (!tombstone)
            assert_int_equal(fread(value, 1, size, file), size);
        add(list, (struct slice){key, key_size}, tombstone ? NULL : value, size);
        free(value);
    }
    fclose(file);
}

static int list_write(const struct record_list *list, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return -1;
    for (size_t i = 0; i < list->count; i++) {
        const struct changelog_record *record = &list->record[i];
        size_t size = record->value.data ? record->value.size : UINT16_MAX;
        const uint8_t sizes[3] = {(uint8_t)record->key.size, (uint8_t)size, (uint8_t)(size >> 8)};
        fwrite(sizes, 1, sizeof sizes, file);
        fwrite(record->key.data, 1, record->key.size, file);
        if (record->value.data)
            fwrite(record->value.data, 1, record->value.size, file);
    }
    return fclose(file);
}

int golden_write(const char *folder)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    int failed = 0;
    for (size_t i = 0; i < GOLDEN_USERS; i++) {
        const struct golden_user *golden = &golden_users[i];
        struct state_store *store = state_store_new(&params, 0, NULL);
        struct record_list list = {0};
        char path[512];
        assert_non_null(store);
        live(store, golden->user_id, &golden->life);
        const struct changelog_meta meta = {golden->input_offset, state_store_stream_time(store)};
        list_add_meta(&list, &meta);
        list_add_user(&list, store, CHANGELOG_OPEN, golden->user_id);
        list_add_user(&list, store, CHANGELOG_HISTORY, golden->user_id);
        snprintf(path, sizeof path, "%s/%s.records", folder, golden->file);
        failed |= list_write(&list, path);
        list_release(&list);
        state_store_free(store);
    }
    return failed ? 1 : 0;
}
