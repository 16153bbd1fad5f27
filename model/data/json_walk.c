#include "data/json_walk.h"

#include <string.h>

#include "data/json_scan.h"

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

const char *json_skip_blanks(const char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    return p;
}

/* p: behind the opening quote. @return behind the closing one, NULL when there is none */
static const char *string_end(const char *p, const char *end)
{
    for (;;) {
        p = json_scan_plain(p, end);
        if (p == end)
            return NULL;
        if (*p == '"')
            return p + 1;
        if (*p == '\\' && ++p == end)
            return NULL;
        p++;
    }
}

static const char *container_end(const char *p, const char *end)
{
    size_t depth = 0;
    while (p < end) {
        switch (*p++) {
        case '"':
            p = string_end(p, end);
            if (!p)
                return NULL;
            break;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (--depth == 0)
                return p;
            break;
        default:
            break;
        }
    }
    return NULL;
}

const char *json_value_end(const char *p, const char *end)
{
    if (*p == '"')
        return string_end(p + 1, end);
    if (*p == '{' || *p == '[')
        return container_end(p, end);
    while (p < end && !is_blank(*p) && !strchr(",:]}", *p))
        p++;
    return p;
}

struct json_walk json_walk_begin(struct slice text)
{
    char close = '\0';
    if (text.size > 0 && text.data[0] == '{')
        close = '}';
    else if (text.size > 0 && text.data[0] == '[')
        close = ']';
    const char *end = text.data + text.size;
    return (struct json_walk){close ? text.data + 1 : end, end, close, true, false};
}

/* To the next member or element, over the comma. @return false: there is none */
static bool advance(struct json_walk *walk)
{
    const char *p = json_skip_blanks(walk->at, walk->end);
    if (p < walk->end && *p == walk->close) {
        walk->is_whole = json_skip_blanks(p + 1, walk->end) == walk->end;
        return false;
    }
    if (!walk->first) {
        if (p == walk->end || *p != ',')
            return false;
        p = json_skip_blanks(p + 1, walk->end);
    }
    walk->first = false;
    walk->at = p;
    return p < walk->end;
}

static bool take_value(struct json_walk *walk, const char *p, struct slice *value)
{
    const char *behind = p < walk->end ? json_value_end(p, walk->end) : NULL;
    if (!behind || behind == p)
        return false;
    *value = (struct slice){p, (size_t)(behind - p)};
    walk->at = behind;
    return true;
}

bool json_walk_member(struct json_walk *walk, struct slice *name, struct slice *value)
{
    if (!advance(walk) || *walk->at != '"')
        return false;
    const char *start = walk->at + 1;
    const char *p = string_end(start, walk->end);
    if (!p)
        return false;
    *name = (struct slice){start, (size_t)(p - start) - 1};
    p = json_skip_blanks(p, walk->end);
    if (p == walk->end || *p != ':')
        return false;
    return take_value(walk, json_skip_blanks(p + 1, walk->end), value);
}

bool json_walk_element(struct json_walk *walk, struct slice *value)
{
    return advance(walk) && take_value(walk, walk->at, value);
}

bool slice_is(struct slice text, const char *literal)
{
    return text.size == strlen(literal) && memcmp(text.data, literal, text.size) == 0;
}
