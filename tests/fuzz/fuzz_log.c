/* Lines of a listening log, in any form or none: whatever is taken for a scrobble must be one, and
 * must survive being written as JSON and read again, since that is what `outro events` sends
 * through a topic. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/durations.h"
#include "data/log_format.h"
#include "data/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct slice text, size_t min, size_t max)
{
    assert(text.size >= min && text.size <= max);
    assert(text.size == 0 || utf8_valid_prefix(text.data, text.size) == text.size);
    assert(text.size == 0 || !memchr(text.data, '\0', text.size));
}

static void check_scrobble(const struct scrobble *scrobble)
{
    check_text(scrobble->user_id, 1, USER_ID_MAX);
    check_text(scrobble->artist, 1, SCROBBLE_TEXT_MAX);
    check_text(scrobble->track, 1, SCROBBLE_TEXT_MAX);
    check_text(scrobble->artist_mbid, 0, SCROBBLE_TEXT_MAX);
    check_text(scrobble->track_mbid, 0, SCROBBLE_TEXT_MAX);
    assert(event_time_valid(scrobble->time));
    assert(scrobble->duration_ms >= 0 && scrobble->duration_ms <= DURATION_MAX_MS);
}

static void check_same(struct slice a, struct slice b)
{
    assert(a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0));
}

static void check_round_trip(const struct scrobble *scrobble)
{
    static char json[2 * SCROBBLE_JSON_MAX];
    size_t size = scrobble_to_json(scrobble, json, sizeof json);
    assert(size < sizeof json);
    if (size > SCROBBLE_JSON_MAX) /* thousands of control characters, escaped six-fold */
        return;
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    assert(scratch);
    struct scrobble again;
    enum reject_reason reason = scrobble_from_json(json, size, scratch, &again, NULL);
    assert(reason == REJECT_NONE);
    check_same(scrobble->user_id, again.user_id);
    check_same(scrobble->artist, again.artist);
    check_same(scrobble->track, again.track);
    check_same(scrobble->artist_mbid, again.artist_mbid);
    check_same(scrobble->track_mbid, again.track_mbid);
    assert(scrobble->time.ms == again.time.ms && scrobble->duration_ms == again.duration_ms);
    scrobble_scratch_free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    assert(scratch);
    const char *at = (const char *)data, *end = at + size;
    for (bool first = true; at < end; first = false) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline ? newline : end) - at);
        char *line = malloc(length ? length : 1); /* on its own, so that a byte too far is seen */
        assert(line);
        memcpy(line, at, length);
        struct scrobble scrobble;
        struct err err = {0};
        enum log_line kind =
            log_line_parse((struct slice){line, length}, first, scratch, &scrobble, &err);
        assert((kind == LOG_LINE_BAD) == (err.text[0] != '\0'));
        if (kind == LOG_LINE_SCROBBLE) {
            check_scrobble(&scrobble);
            check_round_trip(&scrobble);
        }
        free(line);
        at += length + 1;
    }
    scrobble_scratch_free(scratch);
    return 0;
}
