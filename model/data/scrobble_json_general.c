#include "data/scrobble_json_parts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "data/utf8.h"

/* Sets the sentence and gives the reason, so that `return scrobble_refuse(...)` reads as it should.
 */
enum reject_reason scrobble_refuse(enum reject_reason reason, struct err *detail,
                                   const char *format, ...)
{
    if (detail) {
        va_list args;
        va_start(args, format);
        detail->code = ERR_INPUT;
        vsnprintf(detail->text, sizeof detail->text, format, args);
        va_end(args);
    }
    return reason;
}

/* Brackets outside strings. Good enough before parsing: what is not JSON is refused for one reason
 * or the other. */
static bool too_deep(const char *json, size_t size)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char byte = json[i];
        if (in_string) {
            if (byte == '\\')
                i++;
            else if (byte == '"')
                in_string = false;
        } else if (byte == '"') {
            in_string = true;
        } else if (byte == '{' || byte == '[') {
            if (++depth > SCROBBLE_DEPTH_MAX)
                return true;
        } else if (byte == '}' || byte == ']') {
            depth--;
        }
    }
    return false;
}

static enum reject_reason check_text(const char *json, size_t size, struct err *detail)
{
    if (!json)
        return scrobble_refuse(REJECT_NULL_VALUE, detail,
                               "the message has no value: send a scrobble");
    if (size > SCROBBLE_JSON_MAX)
        return scrobble_refuse(REJECT_TOO_LARGE, detail,
                               "the record has %zu bytes: send at most %d", size,
                               SCROBBLE_JSON_MAX);
    const char *nul = memchr(json, '\0', size);
    if (nul)
        return scrobble_refuse(REJECT_NOT_JSON, detail, "byte %zu is NUL: JSON text has none",
                               nul - json);
    size_t valid = utf8_valid_prefix(json, size);
    if (valid < size)
        return scrobble_refuse(REJECT_NOT_UTF8, detail,
                               "byte %zu (0x%02x) is not UTF-8: send UTF-8", valid,
                               (unsigned char)json[valid]);
    if (too_deep(json, size))
        return scrobble_refuse(REJECT_TOO_LARGE, detail,
                               "the record nests deeper than %d: send it flat", SCROBBLE_DEPTH_MAX);
    return REJECT_NONE;
}

/* Jansson's own sentence may quote raw bytes of the record, so it is not passed on. */
static enum reject_reason refuse_parse(const json_error_t *error, struct err *detail)
{
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        return scrobble_refuse(REJECT_BAD_FIELD, detail,
                               "the field that ends at byte %d was there before: "
                               "send each field once",
                               error->position);
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return scrobble_refuse(REJECT_BAD_FIELD, detail,
                               "the string that ends at byte %d holds \\u0000: "
                               "send text without it",
                               error->position);
    case json_error_numeric_overflow:
        return scrobble_refuse(REJECT_BAD_FIELD, detail,
                               "the number that ends at byte %d is too big: "
                               "send one that fits 64 bits",
                               error->position);
    case json_error_out_of_memory:
        return scrobble_refuse(REJECT_TOO_LARGE, detail, "memory ran out while reading the record");
    case json_error_premature_end_of_input:
        return scrobble_refuse(REJECT_NOT_JSON, detail,
                               "the record ends at byte %d in the middle: "
                               "send one whole JSON object",
                               error->position);
    default:
        return scrobble_refuse(REJECT_NOT_JSON, detail,
                               "not JSON any more at byte %d: send one JSON object",
                               error->position);
    }
}

/* NULL when absent or null. */
json_t *scrobble_field(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

static struct slice text_of(json_t *string)
{
    return (struct slice){json_string_value(string), json_string_length(string)};
}

/* name is the field's path, for the sentence; its last part is the field of object. */
enum reject_reason scrobble_need_text(json_t *object, const char *path, struct slice *out,
                                      struct err *detail)
{
    const char *dot = strrchr(path, '.');
    json_t *value = scrobble_field(object, dot ? dot + 1 : path);
    if (!value)
        return scrobble_refuse(REJECT_MISSING_FIELD, detail,
                               "%s is missing: send a string of 1 to %d bytes", path,
                               SCROBBLE_TEXT_MAX);
    *out = text_of(value);
    if (!json_is_string(value) || out->size < 1 || out->size > SCROBBLE_TEXT_MAX)
        return scrobble_refuse(REJECT_BAD_FIELD, detail, "%s must be a string of 1 to %d bytes",
                               path, SCROBBLE_TEXT_MAX);
    return REJECT_NONE;
}

enum reject_reason scrobble_take_user(json_t *object, const char *name, struct slice *out,
                                      struct err *detail)
{
    json_t *value = scrobble_field(object, name);
    *out = (struct slice){NULL, 0};
    if (!value)
        return REJECT_NONE;
    *out = text_of(value);
    if (!json_is_string(value) || out->size < 1 || out->size > USER_ID_MAX)
        return scrobble_refuse(
            REJECT_BAD_FIELD, detail,
            "%s must be a string of 1 to %d bytes, or left out for the message's key", name,
            USER_ID_MAX);
    return REJECT_NONE;
}

static enum reject_reason take_mbid(json_t *object, const char *name, struct slice *out,
                                    struct err *detail)
{
    json_t *value = scrobble_field(object, name);
    *out = (struct slice){NULL, 0};
    if (!value)
        return REJECT_NONE;
    *out = text_of(value);
    if (!json_is_string(value) || out->size > SCROBBLE_TEXT_MAX)
        return scrobble_refuse(REJECT_BAD_FIELD, detail, "%s must be a string, or left out", name);
    return REJECT_NONE;
}

/* Whole numbers, however they are written; what 64 bits cannot hold becomes their end. */
bool scrobble_whole_number(const json_t *value, int64_t *out)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    double real = json_is_real(value) ? json_real_value(value) : 0.5;
    if (real != floor(real))
        return false;
    if (real >= 0x1p63)
        *out = INT64_MAX;
    else
        *out = real < -0x1p63 ? INT64_MIN : (int64_t)real;
    return true;
}

/* @param unit_ms milliseconds of one: 1 or 1000 */
static enum reject_reason set_time(int64_t count, int64_t unit_ms, const char *path,
                                   struct event_time *out, struct err *detail)
{
    if (count < 0 || count >= EVENT_TIME_END_MS / unit_ms)
        return scrobble_refuse(REJECT_TIME_OUT_OF_RANGE, detail,
                               "%s is %" PRId64 ": send %s since 1970, before 2100", path, count,
                               unit_ms == 1 ? "milliseconds" : "seconds");
    *out = (struct event_time){count * unit_ms};
    return REJECT_NONE;
}

static enum reject_reason need_time(json_t *object, const char *name, int64_t unit_ms,
                                    struct event_time *out, struct err *detail)
{
    const char *unit = unit_ms == 1 ? "milliseconds" : "seconds";
    json_t *value = scrobble_field(object, name);
    int64_t count;
    if (!value)
        return scrobble_refuse(REJECT_MISSING_FIELD, detail,
                               "%s is missing: send UTC %s since 1970", name, unit);
    if (!scrobble_whole_number(value, &count))
        return scrobble_refuse(REJECT_BAD_FIELD, detail, "%s must be an integer: UTC %s since 1970",
                               name, unit);
    return set_time(count, unit_ms, name, out, detail);
}

static enum reject_reason read_own(json_t *root, struct scrobble *out, struct err *detail)
{
    enum reject_reason reason;
    out->duration_ms = 0;
    if ((reason = scrobble_take_user(root, "user_id", &out->user_id, detail)) ||
        (reason = need_time(root, "timestamp", 1, &out->time, detail)) ||
        (reason = scrobble_need_text(root, "artist", &out->artist, detail)) ||
        (reason = scrobble_need_text(root, "track", &out->track, detail)) ||
        (reason = take_mbid(root, "artist_mbid", &out->artist_mbid, detail)) ||
        (reason = take_mbid(root, "track_mbid", &out->track_mbid, detail)))
        return reason;
    json_t *duration = scrobble_field(root, "duration_ms");
    if (duration && (!scrobble_whole_number(duration, &out->duration_ms) || out->duration_ms < 0))
        return scrobble_refuse(
            REJECT_BAD_FIELD, detail,
            "duration_ms must be an integer, 0 or more, or left out when unknown");
    out->duration_ms = scrobble_plausible_duration_ms(out->duration_ms);
    return REJECT_NONE;
}

/* Clients write what they like into additional_info, so nothing there costs the listen. */
static void take_additional_info(json_t *info, struct scrobble *out)
{
    json_t *artist_mbid = json_array_get(scrobble_field(info, "artist_mbids"), 0);
    json_t *track_mbid = scrobble_field(info, "recording_mbid");
    if (json_is_string(artist_mbid) && json_string_length(artist_mbid) <= SCROBBLE_TEXT_MAX)
        out->artist_mbid = text_of(artist_mbid);
    if (json_is_string(track_mbid) && json_string_length(track_mbid) <= SCROBBLE_TEXT_MAX)
        out->track_mbid = text_of(track_mbid);

    json_t *duration_ms = scrobble_field(info, "duration_ms");
    json_t *duration_s = scrobble_field(info, "duration");
    int64_t count;
    if (duration_ms && scrobble_whole_number(duration_ms, &count) && count > 0) {
        out->duration_ms = scrobble_plausible_duration_ms(count);
    } else if (json_is_number(duration_s)) {
        double ms = json_number_value(duration_s) * 1000;
        out->duration_ms = ms > 0 && ms <= (double)DURATION_MAX_MS ? (int64_t)(ms + 0.5) : 0;
    }
}

static enum reject_reason read_listen(json_t *root, json_t *metadata, struct scrobble *out,
                                      struct err *detail)
{
    enum reject_reason reason;
    if (!json_is_object(metadata))
        return scrobble_refuse(REJECT_BAD_FIELD, detail,
                               "track_metadata must be an object with artist_name and track_name");
    if ((reason = scrobble_take_user(root, "user_name", &out->user_id, detail)) ||
        (reason = need_time(root, "listened_at", 1000, &out->time, detail)) ||
        (reason =
             scrobble_need_text(metadata, "track_metadata.artist_name", &out->artist, detail)) ||
        (reason = scrobble_need_text(metadata, "track_metadata.track_name", &out->track, detail)))
        return reason;
    out->artist_mbid = out->track_mbid = (struct slice){NULL, 0};
    out->duration_ms = 0;
    take_additional_info(scrobble_field(metadata, "additional_info"), out);
    return REJECT_NONE;
}

static enum reject_reason need_uts(json_t *date, struct event_time *out, struct err *detail)
{
    json_t *uts = scrobble_field(date, "uts");
    int64_t count = 0;
    if (!date)
        return scrobble_refuse(
            REJECT_MISSING_FIELD, detail,
            "date is missing: send a track when it has been scrobbled, not while it plays");
    if (json_is_object(date) && !uts)
        return scrobble_refuse(REJECT_MISSING_FIELD, detail,
                               "date.uts is missing: send UTC seconds since 1970");
    if (json_is_string(uts)) {
        struct slice digits = text_of(uts);
        bool good = digits.size >= 1 && digits.size <= 18 &&
                    strspn(digits.data, "0123456789") == digits.size;
        for (size_t i = 0; good && i < digits.size; i++)
            count = count * 10 + (digits.data[i] - '0');
        if (good)
            return set_time(count, 1000, "date.uts", out, detail);
    } else if (uts && scrobble_whole_number(uts, &count)) {
        return set_time(count, 1000, "date.uts", out, detail);
    }
    return scrobble_refuse(
        REJECT_BAD_FIELD, detail,
        "date.uts must be whole seconds since 1970, as a string of digits or a number");
}

static enum reject_reason read_recent_track(json_t *root, json_t *artist, struct scrobble *out,
                                            struct err *detail)
{
    enum reject_reason reason;
    const char *artist_path = scrobble_field(artist, "#text") ? "artist.#text" : "artist.name";
    if ((reason = scrobble_take_user(root, "user", &out->user_id, detail)) ||
        (reason = need_uts(scrobble_field(root, "date"), &out->time, detail)) ||
        (reason = scrobble_need_text(artist, artist_path, &out->artist, detail)) ||
        (reason = scrobble_need_text(root, "name", &out->track, detail)) ||
        (reason = take_mbid(artist, "mbid", &out->artist_mbid, detail)) ||
        (reason = take_mbid(root, "mbid", &out->track_mbid, detail)))
        return reason;
    out->duration_ms = 0;
    return REJECT_NONE;
}

enum reject_reason scrobble_load_object(const char *json, size_t size,
                                        struct scrobble_scratch *scratch, struct err *detail)
{
    enum reject_reason reason = check_text(json, size, detail);
    if (reason)
        return reason;
    json_decref(scratch->root);
    json_error_t error;
    scratch->root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &error);
    if (!scratch->root)
        return refuse_parse(&error, detail);
    if (!json_is_object(scratch->root))
        return scrobble_refuse(REJECT_NOT_JSON, detail,
                               "the record is an array: send one JSON object");
    return REJECT_NONE;
}

enum reject_reason scrobble_from_json_general(const char *json, size_t size,
                                              struct scrobble_scratch *scratch,
                                              struct scrobble *out, struct err *detail)
{
    enum reject_reason reason = scrobble_load_object(json, size, scratch, detail);
    if (reason)
        return reason;
    json_t *root = scratch->root;

    struct scrobble scrobble = {0};
    json_t *metadata = scrobble_field(root, "track_metadata");
    json_t *artist = scrobble_field(root, "artist");
    if (metadata)
        reason = read_listen(root, metadata, &scrobble, detail);
    else if (json_is_object(artist))
        reason = read_recent_track(root, artist, &scrobble, detail);
    else
        reason = read_own(root, &scrobble, detail);
    if (!reason)
        *out = scrobble;
    return reason;
}
