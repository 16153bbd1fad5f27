#include "crawl/record.h"

#include <assert.h>
#include <jansson.h>
#include <stdint.h>

#include "core/crc32c.h"
#include "data/durations.h"
#include "data/json_text.h"
#include "data/scrobble_json.h"

enum { CRC_DIGITS = 8, REASON_MAX = 512, HEAD_BYTES = CRC_DIGITS + 1 };

static const char HEX[] = "0123456789abcdef";

/* ---- writing ---- */

static char *put_tags(char *p, const struct track_facts *facts)
{
    p = json_put_literal(p, ",\"tags\":[");
    for (size_t i = 0; i < facts->tag_count; i++) {
        if (i > 0)
            *p++ = ',';
        *p++ = '[';
        p = json_put_string(p, facts->tags[i].name);
        if (facts->tags[i].count >= 0) {
            *p++ = ',';
            p = json_put_integer(p, facts->tags[i].count);
        }
        *p++ = ']';
    }
    *p++ = ']';
    return p;
}

static void put_crc(char *p, uint32_t crc)
{
    for (int i = 0; i < CRC_DIGITS; i++)
        p[i] = HEX[crc >> (4 * (CRC_DIGITS - 1 - i)) & 15];
}

size_t record_encode(const struct record *record, char *out)
{
    assert(record->artist.size <= SCROBBLE_TEXT_MAX && record->track.size <= SCROBBLE_TEXT_MAX);
    assert(record->facts.tag_count <= TRACK_TAGS_MAX && record->reason.size <= REASON_MAX);
    char *json = out + HEAD_BYTES;
    char *p = json_put_literal(json, "{\"artist\":");
    p = json_put_string(p, record->artist);
    p = json_put_literal(p, ",\"track\":");
    p = json_put_string(p, record->track);
    if (record->kind == RECORD_TRACK) {
        p = json_put_literal(p, ",\"duration_ms\":");
        p = json_put_integer(p, record->facts.duration_ms);
        p = put_tags(p, &record->facts);
    } else if (record->kind == RECORD_FAILED) {
        p = json_put_literal(p, ",\"failed\":");
        p = json_put_string(p, record->reason);
    }
    *p++ = '}';
    put_crc(out, crc32c(json, (size_t)(p - json), 0));
    out[CRC_DIGITS] = ' ';
    *p++ = '\n';
    return (size_t)(p - out);
}

/* ---- reading ---- */

static bool crc_is_right(struct slice line)
{
    char digits[CRC_DIGITS];
    if (line.size <= HEAD_BYTES || line.data[CRC_DIGITS] != ' ')
        return false;
    put_crc(digits, crc32c(line.data + HEAD_BYTES, line.size - HEAD_BYTES, 0));
    return memcmp(digits, line.data, CRC_DIGITS) == 0;
}

static bool read_text(const json_t *value, size_t max, struct slice *out)
{
    *out = (struct slice){json_string_value(value), json_string_length(value)};
    return out->size > 0 && out->size <= max;
}

static bool read_tag(const json_t *value, struct track_tag *out)
{
    const json_t *count = json_array_get(value, 1);
    if (!read_text(json_array_get(value, 0), TAG_BYTES_MAX, &out->name))
        return false;
    out->count = count ? json_integer_value(count) : -1;
    return out->count >= 0 || !count;
}

static bool read_facts(const json_t *document, struct track_facts *facts)
{
    const json_t *tags = json_object_get(document, "tags");
    json_int_t ms = json_integer_value(json_object_get(document, "duration_ms"));
    if (ms < 0 || ms > DURATION_MAX_MS || json_array_size(tags) > TRACK_TAGS_MAX)
        return false;
    facts->duration_ms = (uint32_t)ms;
    facts->tag_count = json_array_size(tags);
    for (size_t i = 0; i < facts->tag_count; i++)
        if (!read_tag(json_array_get(tags, i), &facts->tags[i]))
            return false;
    return true;
}

static bool read_document(struct record *out)
{
    const json_t *document = out->document;
    const json_t *reason = json_object_get(document, "failed");
    if (!read_text(json_object_get(document, "artist"), SCROBBLE_TEXT_MAX, &out->artist) ||
        !read_text(json_object_get(document, "track"), SCROBBLE_TEXT_MAX, &out->track))
        return false;
    if (reason) {
        out->kind = RECORD_FAILED;
        return read_text(reason, REASON_MAX, &out->reason);
    }
    out->kind = json_object_get(document, "duration_ms") ? RECORD_TRACK : RECORD_UNKNOWN;
    return out->kind == RECORD_UNKNOWN || read_facts(document, &out->facts);
}

bool record_decode(struct slice line, struct record *out)
{
    *out = (struct record){.kind = RECORD_UNKNOWN};
    if (!crc_is_right(line))
        return false;
    out->document = json_loadb(line.data + HEAD_BYTES, line.size - HEAD_BYTES, 0, NULL);
    if (read_document(out))
        return true;
    record_release(out);
    return false;
}

void record_release(struct record *record)
{
    json_decref(record->document);
    record->document = NULL;
}
