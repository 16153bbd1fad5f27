/* The two readers of scrobble_json.h against each other: the same scrobble or the same refusal; and
 * what is read, written and read again is the same. */
#include "data/scrobble_json.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/scrobble_json_parts.h"
#include "data/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_same_text(struct slice a, struct slice b)
{
    assert(a.size == b.size);
    assert(a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void assert_same(const struct scrobble *a, const struct scrobble *b)
{
    assert_same_text(a->user_id, b->user_id);
    assert_same_text(a->artist, b->artist);
    assert_same_text(a->track, b->track);
    assert_same_text(a->artist_mbid, b->artist_mbid);
    assert_same_text(a->track_mbid, b->track_mbid);
    assert(a->time.ms == b->time.ms);
    assert(a->duration_ms == b->duration_ms);
}

static void assert_promises(const struct scrobble *scrobble)
{
    assert(scrobble->user_id.size <= USER_ID_MAX);
    assert(scrobble->artist.size >= 1 && scrobble->artist.size <= SCROBBLE_TEXT_MAX);
    assert(scrobble->track.size >= 1 && scrobble->track.size <= SCROBBLE_TEXT_MAX);
    assert(scrobble->artist_mbid.size <= SCROBBLE_TEXT_MAX);
    assert(scrobble->track_mbid.size <= SCROBBLE_TEXT_MAX);
    assert(event_time_valid(scrobble->time));
    assert(scrobble->duration_ms >= 0 && scrobble->duration_ms <= DURATION_MAX_MS);
    assert(utf8_valid_prefix(scrobble->track.data, scrobble->track.size) == scrobble->track.size);
}

/* Escaped, a record may be longer than a record may be: then there is no way back. */
static void assert_round_trip(const struct scrobble *scrobble, struct scrobble_scratch *scratch)
{
    char text[5 * 6 * SCROBBLE_TEXT_MAX];
    struct scrobble again;
    size_t written = scrobble_to_json(scrobble, text, sizeof text);
    assert(written <= sizeof text);
    if (written > SCROBBLE_JSON_MAX)
        return;
    assert(scrobble_from_json(text, written, scratch, &again, NULL) == REJECT_NONE);
    assert_same(scrobble, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    struct scrobble_scratch *other = scrobble_scratch_new();
    struct scrobble direct, general;
    struct err detail = {0};
    assert(scratch && other);
    const char *json = (const char *)data;
    enum reject_reason reason = scrobble_from_json(json, size, scratch, &direct, &detail);
    assert(scrobble_from_json_general(json, size, other, &general, NULL) == reason);
    if (reason) {
        size_t length = strlen(detail.text);
        assert(length > 0 && utf8_valid_prefix(detail.text, length) == length);
    } else {
        assert_same(&direct, &general);
        assert_promises(&direct);
        assert_round_trip(&general, scratch);
    }
    scrobble_scratch_free(scratch);
    scrobble_scratch_free(other);
    return 0;
}
