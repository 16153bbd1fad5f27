/* json_walk.h - the frame of a JSON text without reading what is in it: where a value ends, the
 * members of an object, the elements of an array. Brackets and strings are counted, nothing else is
 * checked: what is walked over is still to be read by a parser that refuses what is no JSON. Pure.
 */
#ifndef OUTRO_DATA_JSON_WALK_H
#define OUTRO_DATA_JSON_WALK_H

#include <stdbool.h>

#include "core/scrobble.h"

/** Behind the blanks at p, at most end. */
const char *json_skip_blanks(const char *p, const char *end);

/** Behind the value that begins at p (no blank, not end); NULL when the text ends in the middle of
 * it. A number or a word ends with what cannot be part of it, or with the text. */
const char *json_value_end(const char *p, const char *end);

struct json_walk {
    const char *at, *end;
    char close;    /* the bracket that ends it */
    bool first;    /* nothing was given yet */
    bool is_whole; /* it came to its closing bracket, with nothing but blanks behind */
};

/** @param text an object or an array, without blanks in front, borrowed */
struct json_walk json_walk_begin(struct slice text);

/** Next member of an object. @param name as written between the quotes, escapes not resolved
 * @return false at the end, or where it is no JSON any more: is_whole tells which */
bool json_walk_member(struct json_walk *walk, struct slice *name, struct slice *value);

/** Next element of an array; as json_walk_member. */
bool json_walk_element(struct json_walk *walk, struct slice *value);

/** Whether a name or a text is this one. */
bool slice_is(struct slice text, const char *literal);

#endif
