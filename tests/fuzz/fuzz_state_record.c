/* Any bytes as a user's state record: refused with a reason and without a trace, or taken so that
 * saving gives the same bytes and the user can listen on. The record as it comes, and again with
 * its header and checksum put right, since hardly any other bytes would get past those. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32c.h"
#include "stream/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 32, AT_CRC = 8, AT_SIZE = 12 }; /* schemas/state.md */

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
    ++*(size_t *)ctx;
    return 0;
}

/* The user, and somebody else, go on from what was restored. */
static void listen_on(struct state_store *store, struct slice user_id, struct event_time from)
{
    static const int64_t after_ms[] = {0,       60000,   60000,   -30000,
                                       7200000, 3600000, 7260000, 90000000};
    struct stream_params params = small_params();
    size_t predictions = 0;
    struct pipeline_sink sink = {.ctx = &predictions, .prediction = check_prediction};
    struct pipeline *pipeline = pipeline_new(&params, &sink, 3, NULL);
    int64_t pool_ms[POOL_VALUES];
    int failed = 0;
    for (int i = 0; i < POOL_VALUES; i++)
        pool_ms[i] = i * 30000;
    assert(pipeline);
    failed |= pipeline_set_pool(pipeline, pool_ms, NULL);
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

static void try_restore(const uint8_t *data, size_t size)
{
    struct stream_params params = small_params();
    struct state_store *store = state_store_new(&params, 0, NULL);
    struct err err = {0};
    assert(store);
    if (state_store_restore(store, data, size, &err) < 0) {
        assert(err.code == ERR_INPUT || err.code == ERR_CHECK);
        assert(err.text[0] != '\0' && state_store_users(store) == 0);
        state_store_free(store);
        return;
    }
    assert(state_store_users(store) == 1 && size == state_store_record_max(store));
    const struct user_state *user = &state_store_slot(store, 0)->state;
    struct slice user_id = {user->user_id, user->user_id_size};
    struct event_time last = {user->current.last_ms};
    uint8_t *again = malloc(size);
    assert(again);
    size_t saved = state_store_save(store, user_id, again, size);
    assert(saved == size && memcmp(again, data, size) == 0);
    free(again);
    listen_on(store, user_id, last);
    state_store_free(store);
}

/* The same body under a header that is right. */
static void try_with_right_header(const uint8_t *data, size_t size)
{
    struct stream_params params = small_params();
    const struct user_layout layout = user_layout_of(&params);
    const size_t whole = HEADER + layout.size_bytes;
    const uint32_t header[] = {
        0x5354554f,          1, 0, (uint32_t)layout.size_bytes, params.window, params.track_slots,
        params.artist_slots, 0};
    uint8_t *record = calloc(1, whole);
    assert(record && sizeof header == HEADER);
    memcpy(record, header, HEADER);
    if (size > HEADER)
        memcpy(record + HEADER, data + HEADER, (size < whole ? size : whole) - HEADER);
    uint32_t crc = crc32c(record + AT_SIZE, whole - AT_SIZE, 0);
    memcpy(record + AT_CRC, &crc, sizeof crc);
    try_restore(record, whole);
    free(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_restore(data, size);
    try_with_right_header(data, size);
    return 0;
}
