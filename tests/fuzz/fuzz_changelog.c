/* Any bytes as records of a changelog: each refused with a reason and without a trace, or taken, so
 * that packing gives what unpacks to the same; and a store that was finished serves. The records as
 * they come, and again under headers that are right, since hardly any other bytes would get past
 * those. An input is records one after the other: u8 bytes of the key, u16 bytes of the value
 * (65535: none, a tombstone), key, value. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32c.h"
#include "stream/changelog.h"
#include "stream/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 12, AT_KIND = 2, AT_VERSION = 3, AT_CRC = 4, AT_SIZE = 8 }; /* schemas/state.md */

struct record {
    struct slice key, value;
};

/* @return whether there is another */
static bool next_record(const uint8_t **data, size_t *size, struct record *out)
{
    if (*size < 3)
        return false;
    size_t key = (*data)[0], value = (*data)[1] | (size_t)(*data)[2] << 8;
    const char *bytes = (const char *)*data + 3;
    size_t left = *size - 3;
    bool tombstone = value == UINT16_MAX;
    if (key > left)
        key = left;
    if (tombstone)
        value = 0;
    if (value > left - key)
        value = left - key;
    out->key = (struct slice){bytes, key};
    out->value = (struct slice){tombstone ? NULL : bytes + key, value};
    *data += 3 + key + value;
    *size -= 3 + key + value;
    return true;
}

/* Small, so that inputs are. */
static struct stream_params small_params(void)
{
    struct stream_params params = STREAM_PARAMS_DEFAULTS;
    params.window = 64;
    params.track_slots = params.artist_slots = 8;
    return params;
}

static int check_prediction(void *ctx, const struct prediction *p,
                            const struct prediction_detail *detail, struct err *err)
{
    (void)ctx;
    (void)err;
    for (int i = 0; i < START_FEATURES; i++)
        assert(isfinite(detail->start[i]));
    for (int i = 0; i < LIVE_FEATURES; i++)
        assert(isfinite(detail->live[i]));
    for (int i = 0; detail->previous_step && i < STEP_INPUTS; i++)
        assert(isfinite(detail->previous_step[i]));
    assert(p->elapsed_ms >= 0 && (double)p->elapsed_ms / 1000 <= p->total_s[0]);
    assert(p->total_s[0] <= p->total_s[1] && p->total_s[1] <= p->total_s[2]);
    assert(isfinite(p->total_s[2]));
    return 0;
}

/* The user, and somebody else, go on from what was restored. */
static void listen_on(struct state_store *store, struct slice user_id, struct event_time from)
{
    static const int64_t after_ms[] = {0,       60000,   60000,   -30000,
                                       7200000, 3600000, 7260000, 90000000};
    struct stream_params params = small_params();
    struct pipeline_sink sink = {.prediction = check_prediction};
    struct pipeline *pipeline = pipeline_new(&params, &sink, 3, NULL);
    int64_t pool_ms[POOL_VALUES];
    int failed = 0;
    for (int i = 0; i < POOL_VALUES; i++)
        pool_ms[i] = i * 30000;
    assert(pipeline);
    failed |= pipeline_set_pool(pipeline, pool_ms, 0, NULL);
    for (size_t i = 0; i < sizeof after_ms / sizeof *after_ms; i++) {
        enum outcome outcome;
        char track[2] = {(char)('a' + i), '\0'};
        struct scrobble scrobble = {.user_id = i % 3 == 2 ? (struct slice){"other", 5} : user_id,
                                    .time = event_time_add_ms(from, after_ms[i]),
                                    .artist = {track, 1},
                                    .track = {track, 1}};
        if (event_time_valid(scrobble.time))
            failed |= pipeline_push(pipeline, store, &scrobble, &outcome, NULL);
    }
    failed |= pipeline_end(pipeline, store, NULL);
    assert(!failed && state_store_open_sessions(store) == 0);
    pipeline_free(pipeline);
}

static void apply(struct state_store *store, const struct record *record)
{
    uint64_t before = state_store_hash(store);
    size_t users = state_store_users(store);
    struct changelog_meta meta;
    struct err err = {0};
    int kind = changelog_apply(store, record->key, record->value, &meta, &err);
    if (kind < 0) {
        assert(err.code == ERR_INPUT || err.code == ERR_CHECK);
        assert(err.text[0] != '\0' && state_store_users(store) == users);
        assert(state_store_hash(store) == before);
    } else if (kind == CHANGELOG_META && record->value.data) {
        uint8_t again[64];
        size_t size = changelog_encode_meta(&meta, again);
        assert(size == record->value.size && memcmp(again, record->value.data, size) == 0);
    }
}

/* Both parts of a user out and into an empty store: the same record. */
static void pack_again(struct state_store *store, const struct user_state *user)
{
    const struct user_layout *layout = state_store_layout(store);
    struct stream_params params = small_params();
    struct state_store *other = state_store_new(&params, 0, NULL);
    struct slice user_id = {user->user_id, user->user_id_size};
    uint8_t *value = malloc(changelog_value_max(layout));
    char key[CHANGELOG_KEY_MAX];
    assert(other && value);
    size_t size = changelog_encode_history(layout, user, value);
    struct slice key_slice = {key, changelog_key(CHANGELOG_HISTORY, user_id, key)};
    assert(size <= changelog_value_max(layout));
    int kind = changelog_apply(other, key_slice, (struct slice){(char *)value, size}, NULL, NULL);
    assert(kind == CHANGELOG_HISTORY);
    if (user->current.number > 0) {
        size = changelog_encode_open(layout, user, value);
        key_slice.size = changelog_key(CHANGELOG_OPEN, user_id, key);
        assert(size <= changelog_value_max(layout));
        kind = changelog_apply(other, key_slice, (struct slice){(char *)value, size}, NULL, NULL);
        assert(kind == CHANGELOG_OPEN);
    }
    assert(memcmp(&state_store_slot(other, 0)->state, user, layout->size_bytes) == 0);
    free(value);
    state_store_free(other);
}

/* The same body under a header that is right. @return bytes of its value */
static char *with_right_header(const struct record *record)
{
    size_t size = record->value.size < HEADER ? HEADER : record->value.size;
    uint8_t *value = calloc(1, size);
    assert(value);
    memcpy(value, record->value.data, record->value.size);
    memcpy(value, "OS", 2);
    value[AT_KIND] = record->key.size ? (uint8_t)record->key.data[0] : 0;
    value[AT_VERSION] = 1;
    uint32_t body = (uint32_t)(size - HEADER);
    memcpy(value + AT_SIZE, &body, sizeof body);
    uint32_t crc = crc32c(record->key.data, record->key.size, 0);
    crc = crc32c(value + AT_SIZE, size - AT_SIZE, crc);
    memcpy(value + AT_CRC, &crc, sizeof crc);
    return (char *)value;
}

static void run(const uint8_t *data, size_t size, bool right_headers)
{
    const struct changelog_meta meta = {.stream_time = EVENT_TIME_NEVER};
    struct stream_params params = small_params();
    struct state_store *store = state_store_new(&params, 0, NULL);
    struct record record;
    struct user_slot *slot;
    size_t cursor = 0;
    assert(store);
    while (next_record(&data, &size, &record)) {
        char *value = NULL;
        if (right_headers && record.value.data) {
            value = with_right_header(&record);
            record.value.size = record.value.size < HEADER ? HEADER : record.value.size;
            record.value.data = value;
        }
        apply(store, &record);
        free(value);
    }
    while ((slot = state_store_next(store, &cursor)))
        pack_again(store, &slot->state);
    cursor = 0;
    if (changelog_finish(store, &meta, NULL) == 0 && (slot = state_store_next(store, &cursor))) {
        struct user_state *user = &slot->state;
        struct event_time last = {user->current.last_ms};
        listen_on(store, (struct slice){user->user_id, user->user_id_size}, last);
    }
    state_store_free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run(data, size, false);
    run(data, size, true);
    return 0;
}
