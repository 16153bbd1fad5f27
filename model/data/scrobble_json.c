#include "data/scrobble_json.h"

#include <stdlib.h>

#include "data/json_text.h"
#include "data/scrobble_json_parts.h"

const char *reject_reason_name(enum reject_reason reason)
{
    static const char *const names[REJECT_REASONS] = {
        [REJECT_NONE] = "none",
        [REJECT_NULL_VALUE] = "null-value",
        [REJECT_NULL_KEY] = "null-key",
        [REJECT_NOT_UTF8] = "not-utf8",
        [REJECT_NOT_JSON] = "not-json",
        [REJECT_MISSING_FIELD] = "missing-field",
        [REJECT_BAD_FIELD] = "bad-field",
        [REJECT_TIME_OUT_OF_RANGE] = "time-out-of-range",
        [REJECT_TIME_IN_FUTURE] = "time-in-future",
        [REJECT_KEY_MISMATCH] = "key-mismatch",
        [REJECT_TOO_LARGE] = "too-large",
        [REJECT_LATE] = "late",
    };
    return (unsigned)reason < REJECT_REASONS ? names[reason] : "unknown";
}

struct scrobble_scratch *scrobble_scratch_new(void)
{
    return calloc(1, sizeof(struct scrobble_scratch));
}

void scrobble_scratch_free(struct scrobble_scratch *scratch)
{
    if (!scratch)
        return;
    json_decref(scratch->root);
    free(scratch);
}

enum reject_reason scrobble_from_json(const char *json, size_t size,
                                      struct scrobble_scratch *scratch, struct scrobble *out,
                                      struct err *detail)
{
    if (json && size <= SCROBBLE_JSON_MAX &&
        (scrobble_read_direct(json, size, out) || scrobble_read_nested(json, size, out)))
        return REJECT_NONE;
    return scrobble_from_json_general(json, size, scratch, out, detail);
}

static size_t escaped_size(struct slice text)
{
    char one[JSON_ESCAPED_MAX];
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        bool as_it_is = json_is_plain(text.data[i]) || (unsigned char)text.data[i] >= 0x80;
        size += as_it_is ? 1 : (size_t)(json_put_escape(one, text.data[i]) - one);
    }
    return size;
}

/* Enough for every name, quote, comma and number of a record. */
#define FRAME_MAX 160

size_t scrobble_to_json(const struct scrobble *scrobble, char *out, size_t capacity)
{
    const struct slice texts[] = {scrobble->user_id, scrobble->artist, scrobble->track,
                                  scrobble->artist_mbid, scrobble->track_mbid};
    size_t longest = FRAME_MAX;
    size_t exact = FRAME_MAX;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        longest += JSON_ESCAPED_MAX * texts[i].size;
    if (longest > capacity) {
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            exact += escaped_size(texts[i]);
        if (exact > capacity)
            return (size_t)-1;
    }
    char *p = json_put_literal(out, "{");
    if (scrobble->user_id.size) {
        p = json_put_string(json_put_literal(p, "\"user_id\":"), scrobble->user_id);
        *p++ = ',';
    }
    p = json_put_integer(json_put_literal(p, "\"timestamp\":"), scrobble->time.ms);
    p = json_put_string(json_put_literal(p, ",\"artist\":"), scrobble->artist);
    p = json_put_string(json_put_literal(p, ",\"track\":"), scrobble->track);
    if (scrobble->artist_mbid.size)
        p = json_put_string(json_put_literal(p, ",\"artist_mbid\":"), scrobble->artist_mbid);
    if (scrobble->track_mbid.size)
        p = json_put_string(json_put_literal(p, ",\"track_mbid\":"), scrobble->track_mbid);
    if (scrobble->duration_ms)
        p = json_put_integer(json_put_literal(p, ",\"duration_ms\":"), scrobble->duration_ms);
    p = json_put_literal(p, "}");
    return (size_t)(p - out);
}
