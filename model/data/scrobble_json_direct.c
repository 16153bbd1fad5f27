#include "data/scrobble_json_parts.h"

#include "data/json_scan.h"
#include "data/utf8.h"

/* Unknown fields are ignored but may not come twice either; with more of them than this the record
 * is unusual. */
#define STRANGERS_MAX 8

/* 18 digits fit 64 bits whatever they are. */
#define DIGITS_MAX 18

enum field {
    FIELD_USER_ID,
    FIELD_ARTIST,
    FIELD_TRACK,
    FIELD_ARTIST_MBID,
    FIELD_TRACK_MBID,
    FIELD_TEXTS, /* how many of the above */
    FIELD_TIMESTAMP = FIELD_TEXTS,
    FIELD_DURATION_MS,
    FIELD_STRANGER,
    FIELD_OTHER_FORM
};

enum value_type { VALUE_TEXT, VALUE_INTEGER, VALUE_NULL, VALUE_BOOLEAN };

struct value {
    enum value_type type;
    struct slice text;
    int64_t integer;
};

struct flat {
    struct slice texts[FIELD_TEXTS]; /* data NULL: absent */
    int64_t time_ms;                 /* -1: absent */
    int64_t duration_ms;
    unsigned seen; /* bit of each field met, null or not */
    unsigned strangers;
    struct slice stranger[STRANGERS_MAX];
};

static inline bool is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

/* The readers below start at p and return the place behind what they read, or NULL when it is
 * unusual. */

/* p: behind the opening quote */
static inline const char *read_text(const char *p, const char *end, struct slice *text)
{
    const char *start = p;
    for (;;) {
        p = json_scan_plain(p, end);
        if (p == end)
            return NULL;
        if (*p == '"')
            break;
        size_t length;
        while ((length = utf8_sequence(p, end)) > 0)
            p += length;
        if (p < end && (*p == '\\' || (unsigned char)*p < 0x20 || (unsigned char)*p >= 0x80))
            return NULL;
    }
    *text = (struct slice){start, (size_t)(p - start)};
    return p + 1;
}

static inline const char *read_integer(const char *p, const char *end, int64_t *integer)
{
    const char *start = p;
    int64_t value = 0;
    while (p < end && (unsigned char)(*p - '0') < 10 && p - start < DIGITS_MAX)
        value = value * 10 + (*p++ - '0');
    if (p == end || p == start || (*start == '0' && p - start > 1))
        return NULL;
    *integer = value;
    // A further digit, a fraction or an exponent shows as something that cannot follow a value.
    return p;
}

static inline const char *read_word(const char *p, const char *end, const char *word, size_t size)
{
    if ((size_t)(end - p) < size || memcmp(p, word, size) != 0)
        return NULL;
    return p + size;
}

static inline const char *read_value(const char *p, const char *end, struct value *value)
{
    if (p == end)
        return NULL;
    switch (*p) {
    case '"':
        value->type = VALUE_TEXT;
        return read_text(p + 1, end, &value->text);
    case 'n':
        value->type = VALUE_NULL;
        return read_word(p, end, "null", 4);
    case 't':
        value->type = VALUE_BOOLEAN;
        return read_word(p, end, "true", 4);
    case 'f':
        value->type = VALUE_BOOLEAN;
        return read_word(p, end, "false", 5);
    default:
        value->type = VALUE_INTEGER;
        return read_integer(p, end, &value->integer);
    }
}

static inline bool is_name(struct slice name, const char *literal, size_t size)
{
    return memcmp(name.data, literal, size) == 0;
}

/* By size first: the sizes of our names nearly tell them apart, and a memcmp of known size is one
 * or two loads. */
static inline enum field field_of(struct slice name)
{
    switch (name.size) {
    case 5:
        return is_name(name, "track", 5) ? FIELD_TRACK : FIELD_STRANGER;
    case 6:
        return is_name(name, "artist", 6) ? FIELD_ARTIST : FIELD_STRANGER;
    case 7:
        return is_name(name, "user_id", 7) ? FIELD_USER_ID : FIELD_STRANGER;
    case 9:
        return is_name(name, "timestamp", 9) ? FIELD_TIMESTAMP : FIELD_STRANGER;
    case 10:
        return is_name(name, "track_mbid", 10) ? FIELD_TRACK_MBID : FIELD_STRANGER;
    case 11:
        if (is_name(name, "duration_ms", 11))
            return FIELD_DURATION_MS;
        return is_name(name, "artist_mbid", 11) ? FIELD_ARTIST_MBID : FIELD_STRANGER;
    case 14:
        return is_name(name, "track_metadata", 14) ? FIELD_OTHER_FORM : FIELD_STRANGER;
    default:
        return FIELD_STRANGER;
    }
}

/* Remembers a field that is not ours; false if it was there already or there are too many. */
static bool meet_stranger(struct flat *flat, struct slice name)
{
    if (flat->strangers == STRANGERS_MAX)
        return false;
    for (unsigned i = 0; i < flat->strangers; i++) {
        if (flat->stranger[i].size == name.size &&
            memcmp(flat->stranger[i].data, name.data, name.size) == 0)
            return false;
    }
    flat->stranger[flat->strangers++] = name;
    return true;
}

static inline bool store(struct flat *flat, struct slice name, const struct value *value)
{
    enum field field = field_of(name);
    if (field >= FIELD_STRANGER)
        return field == FIELD_STRANGER && meet_stranger(flat, name);
    if (flat->seen & (1u << field))
        return false;
    flat->seen |= 1u << field;
    if (value->type == VALUE_NULL)
        return true;
    if (field < FIELD_TEXTS) {
        flat->texts[field] = value->text;
        return value->type == VALUE_TEXT;
    }
    if (field == FIELD_TIMESTAMP)
        flat->time_ms = value->integer;
    else
        flat->duration_ms = value->integer;
    return value->type == VALUE_INTEGER;
}

static bool read_object(const char *p, const char *end, struct flat *flat)
{
    p = skip_space(p, end);
    if (p == end || *p != '{')
        return false;
    do {
        struct slice name;
        struct value value = {0};
        p = skip_space(p + 1, end);
        if (p == end || *p != '"')
            return false;
        p = read_text(p + 1, end, &name);
        if (!p)
            return false;
        p = skip_space(p, end);
        if (p == end || *p != ':')
            return false;
        p = read_value(skip_space(p + 1, end), end, &value);
        if (!p || !store(flat, name, &value))
            return false;
        p = skip_space(p, end);
    } while (p < end && *p == ',');
    return p < end && *p == '}' && skip_space(p + 1, end) == end;
}

static inline bool fits(struct slice text, size_t max)
{
    return !text.data || (text.size >= 1 && text.size <= max);
}

bool scrobble_read_direct(const char *json, size_t size, struct scrobble *out)
{
    struct flat flat;
    for (int i = 0; i < FIELD_TEXTS; i++)
        flat.texts[i] = (struct slice){NULL, 0};
    flat.time_ms = -1;
    flat.duration_ms = 0;
    flat.seen = 0;
    flat.strangers = 0;
    if (!read_object(json, json + size, &flat))
        return false;

    const struct slice *texts = flat.texts;
    if (!texts[FIELD_ARTIST].data || !texts[FIELD_TRACK].data ||
        !fits(texts[FIELD_ARTIST], SCROBBLE_TEXT_MAX) ||
        !fits(texts[FIELD_TRACK], SCROBBLE_TEXT_MAX) ||
        texts[FIELD_ARTIST_MBID].size > SCROBBLE_TEXT_MAX ||
        texts[FIELD_TRACK_MBID].size > SCROBBLE_TEXT_MAX ||
        !fits(texts[FIELD_USER_ID], USER_ID_MAX))
        return false;
    if (!event_time_valid((struct event_time){flat.time_ms}))
        return false;
    *out = (struct scrobble){
        .user_id = texts[FIELD_USER_ID],
        .time = {flat.time_ms},
        .artist = texts[FIELD_ARTIST],
        .track = texts[FIELD_TRACK],
        .artist_mbid = texts[FIELD_ARTIST_MBID],
        .track_mbid = texts[FIELD_TRACK_MBID],
        .duration_ms = scrobble_plausible_duration_ms(flat.duration_ms),
    };
    return true;
}
