/* json_direct.h - chosen fields of a JSON object in one pass, without allocation: the way of nearly
 * every record, in front of a parser that has the last word. What is unusual is left to that
 * parser: escapes in a text that is wanted or in a name, \u anywhere, exponents, long numbers, many
 * fields. Whatever is read here is JSON to its last byte, UTF-8, without a field given twice in any
 * object, nested no deeper than 32. Pure. */
#ifndef OUTRO_DATA_JSON_DIRECT_H
#define OUTRO_DATA_JSON_DIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/scrobble.h"

enum json_kind {
    JSON_KIND_ABSENT = 0, /* or null */
    JSON_KIND_TEXT,
    JSON_KIND_INTEGER, /* also when written with a fraction of zeros */
    JSON_KIND_OBJECT,
    JSON_KIND_OTHER
};

struct json_slot {
    enum json_kind kind;
    struct slice text; /* borrowed from the JSON */
    int64_t integer;
};

struct json_shape;

/* A field that is wanted. */
struct json_want {
    const char *name;
    size_t size; /* of name */
    int slot;
    bool first;                     /* the first element of the array that it is */
    const struct json_shape *shape; /* what is wanted of the object that it is, or NULL */
};

#define JSON_WANT(name, ...)                                                                       \
    {                                                                                              \
        name, sizeof name - 1, __VA_ARGS__                                                         \
    }

struct json_shape {
    const struct json_want *wants;
    size_t count;
};

/** @param slots zeroed; filled where a field was found
 * @return false when it is no object, no JSON, or unusual: then slots mean nothing */
bool json_direct_read(const char *json, size_t size, const struct json_shape *shape,
                      struct json_slot *slots) __attribute__((warn_unused_result));

#endif
