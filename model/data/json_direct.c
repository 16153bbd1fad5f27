#include "data/json_direct.h"

#include <string.h>

#include "data/json_scan.h"
#include "data/json_walk.h"
#include "data/utf8.h"

enum {
    DEPTH_MAX = 32,
    NAMES_MAX = 40,      /* of an object; one with more is unusual */
    DIGITS_MAX = 18,     /* fit 64 bits whatever they are */
    REAL_DIGITS_MAX = 15 /* are exact as a double, which is what others read */
};

/* The names of one object, to see that none comes twice. The mask spares most of the comparing. */
struct names {
    size_t count;
    uint64_t mask;
    struct slice name[NAMES_MAX];
};

struct reader {
    const char *end;
    struct json_slot *slots;
};

/* The functions below start at p and return the place behind what they read, or NULL when it is
 * unusual or no JSON. */

/* p: behind the opening quote. @param escaped whether there are escapes in it */
static const char *read_string(const char *p, const char *end, struct slice *text, bool *escaped)
{
    const char *start = p;
    *escaped = false;
    for (;;) {
        p = json_scan_plain(p, end);
        if (p == end)
            return NULL;
        if (*p == '"')
            break;
        if (*p == '\\') {
            if (end - p < 2 || !memchr("\"\\/bfnrt", p[1], 8))
                return NULL;
            *escaped = true;
            p += 2;
            continue;
        }
        size_t length = utf8_sequence(p, end);
        if (length == 0)
            return NULL;
        p += length;
    }
    *text = (struct slice){start, (size_t)(p - start)};
    return p + 1;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && (unsigned char)(*p - '0') < 10)
        p++;
    return p;
}

static const char *read_number(const char *p, const char *end, struct json_slot *slot)
{
    bool negative = *p == '-';
    const char *digits = p + negative;
    const char *behind = skip_digits(digits, end);
    ptrdiff_t count = behind - digits;
    if (count < 1 || count > DIGITS_MAX || (*digits == '0' && count > 1))
        return NULL;
    int64_t value = 0;
    for (const char *d = digits; d < behind; d++)
        value = value * 10 + (*d - '0');
    slot->kind = JSON_KIND_INTEGER;
    slot->integer = negative ? -value : value;
    if (behind < end && *behind == '.') {
        const char *fraction = behind + 1;
        behind = skip_digits(fraction, end);
        if (behind == fraction || count > REAL_DIGITS_MAX)
            return NULL;
        for (const char *d = fraction; d < behind; d++)
            if (*d != '0')
                slot->kind = JSON_KIND_OTHER;
    }
    return behind < end && (*behind == 'e' || *behind == 'E') ? NULL : behind;
}

static const char *read_word(const char *p, const char *end, enum json_kind kind,
                             struct json_slot *slot)
{
    static const struct slice WORDS[] = {{"null", 4}, {"true", 4}, {"false", 5}};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if ((size_t)(end - p) >= WORDS[i].size && memcmp(p, WORDS[i].data, WORDS[i].size) == 0) {
            slot->kind = i == 0 ? JSON_KIND_ABSENT : kind;
            return p + WORDS[i].size;
        }
    return NULL;
}

static bool is_new_name(struct names *names, struct slice name)
{
    unsigned hash = name.size ? (unsigned)name.size * 7u + (unsigned char)name.data[0] * 3u +
                                    (unsigned char)name.data[name.size - 1]
                              : 0;
    uint64_t bit = UINT64_C(1) << (hash % 64);
    if (names->count == NAMES_MAX)
        return false;
    for (size_t i = 0; (names->mask & bit) && i < names->count; i++)
        if (names->name[i].size == name.size &&
            memcmp(names->name[i].data, name.data, name.size) == 0)
            return false;
    names->mask |= bit;
    names->name[names->count++] = name;
    return true;
}

static const struct json_want *find_want(const struct json_shape *shape, struct slice name)
{
    for (size_t i = 0; shape && i < shape->count; i++)
        if (shape->wants[i].size == name.size &&
            memcmp(shape->wants[i].name, name.data, name.size) == 0)
            return &shape->wants[i];
    return NULL;
}

static const char *read_value(const struct reader *reader, const char *p,
                              const struct json_want *want, int depth);

/* p: behind the opening bracket, as in read_array. Recursion ends at DEPTH_MAX. */
static const char *read_object(const struct reader *reader, const char *p,
                               const struct json_shape *shape, int depth)
{
    struct names names = {.count = 0, .mask = 0};
    const char *end = reader->end;
    p = json_skip_blanks(p, end);
    if (p < end && *p == '}')
        return p + 1;
    for (;;) {
        struct slice name;
        bool escaped;
        if (p == end || *p != '"')
            return NULL;
        p = read_string(p + 1, end, &name, &escaped);
        if (!p || escaped || !is_new_name(&names, name))
            return NULL;
        p = json_skip_blanks(p, end);
        if (p == end || *p != ':')
            return NULL;
        p = read_value(reader, json_skip_blanks(p + 1, end), find_want(shape, name), depth);
        if (!p)
            return NULL;
        p = json_skip_blanks(p, end);
        if (p == end || (*p != ',' && *p != '}'))
            return NULL;
        if (*p == '}')
            return p + 1;
        p = json_skip_blanks(p + 1, end);
    }
}

/* @param want what the first element is wanted for, or NULL
 * */
static const char *read_array(const struct reader *reader, const char *p,
                              const struct json_want *want, int depth)
{
    const char *end = reader->end;
    p = json_skip_blanks(p, end);
    if (p < end && *p == ']')
        return p + 1;
    for (;;) {
        p = read_value(reader, p, want, depth);
        if (!p)
            return NULL;
        want = NULL;
        p = json_skip_blanks(p, end);
        if (p == end || (*p != ',' && *p != ']'))
            return NULL;
        if (*p == ']')
            return p + 1;
        p = json_skip_blanks(p + 1, end);
    }
}

/* */
static const char *read_container(const struct reader *reader, const char *p,
                                  const struct json_want *want, int depth, struct json_slot *slot)
{
    if (depth == DEPTH_MAX)
        return NULL;
    if (*p == '{') {
        slot->kind = JSON_KIND_OBJECT;
        return read_object(reader, p + 1, want ? want->shape : NULL, depth + 1);
    }
    slot->kind = JSON_KIND_OTHER;
    if (!want || !want->first)
        return read_array(reader, p + 1, NULL, depth + 1);
    const struct json_want of_first = {want->name, want->size, want->slot, false, NULL};
    p = read_array(reader, p + 1, &of_first, depth + 1);
    *slot = reader->slots[want->slot];
    return p;
}

/* */
static const char *read_value(const struct reader *reader, const char *p,
                              const struct json_want *want, int depth)
{
    struct json_slot slot = {JSON_KIND_ABSENT, {NULL, 0}, 0};
    bool escaped = false, is_array = p < reader->end && *p == '[';
    if (p == reader->end)
        return NULL;
    if (*p == '"') {
        slot.kind = JSON_KIND_TEXT;
        p = read_string(p + 1, reader->end, &slot.text, &escaped);
    } else if (*p == '{' || *p == '[') {
        p = read_container(reader, p, want, depth, &slot);
    } else if (*p == '-' || (unsigned char)(*p - '0') < 10) {
        p = read_number(p, reader->end, &slot);
    } else {
        p = read_word(p, reader->end, JSON_KIND_OTHER, &slot);
    }
    if (!want)
        return p;
    if (want->first && slot.kind == JSON_KIND_TEXT && !is_array)
        slot.kind = JSON_KIND_OTHER; /* it should be an array */
    reader->slots[want->slot] = slot;
    return escaped ? NULL : p;
}

bool json_direct_read(const char *json, size_t size, const struct json_shape *shape,
                      struct json_slot *slots)
{
    const struct reader reader = {json + size, slots};
    const char *p = json_skip_blanks(json, reader.end);
    if (p == reader.end || *p != '{')
        return false;
    p = read_object(&reader, p + 1, shape, 1);
    return p && json_skip_blanks(p, reader.end) == reader.end;
}
