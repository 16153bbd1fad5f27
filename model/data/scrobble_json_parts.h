/* scrobble_json_parts.h - what the readers of JSON records share (scrobble_json_direct.c,
 * scrobble_json_nested.c, scrobble_json_general.c, scrobble_spotify.c); nobody else includes it. */
#ifndef OUTRO_DATA_SCROBBLE_JSON_PARTS_H
#define OUTRO_DATA_SCROBBLE_JSON_PARTS_H

#include <jansson.h>
#include <stdbool.h>

#include "data/durations.h"
#include "data/scrobble_json.h"

struct scrobble_scratch {
    json_t *
        root; /* owns the strings of the last scrobble that the general reader gave; NULL if none */
};

/** Reads the flat object that producers send: own form, no escapes, no nesting, no field twice,
 * integers only.
 *  @return false when it is anything else; then out is untouched, and the general reader has the
 * last word */
bool scrobble_read_direct(const char *json, size_t size, struct scrobble *out) MUST_CHECK;

/** Reads a listen of ListenBrainz or a recent track of Last.fm without anything unusual in it.
 *  @return as scrobble_read_direct */
bool scrobble_read_nested(const char *json, size_t size, struct scrobble *out) MUST_CHECK;

/** Sets the sentence and gives the reason, so that `return scrobble_refuse(...)` reads as it
 * should.
 */
enum reject_reason scrobble_refuse(enum reject_reason reason, struct err *detail,
                                   const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Checks the text as scrobble_json.h says, and reads it into scratch->root, an object. */
enum reject_reason scrobble_load_object(const char *json, size_t size,
                                        struct scrobble_scratch *scratch,
                                        struct err *detail) MUST_CHECK;

/** A field's value, borrowed; NULL when it is absent or null. */
json_t *scrobble_field(json_t *object, const char *name);

/** A text of 1 .. SCROBBLE_TEXT_MAX bytes that must be there. @param path its name, behind the
 * names of the objects around it, for the sentence; its last part is the field of object */
enum reject_reason scrobble_need_text(json_t *object, const char *path, struct slice *out,
                                      struct err *detail) MUST_CHECK;

/** A user id; size 0 when there is none. */
enum reject_reason scrobble_take_user(json_t *object, const char *name, struct slice *out,
                                      struct err *detail) MUST_CHECK;

/** Whole numbers, however they are written; what 64 bits cannot hold becomes their end. */
bool scrobble_whole_number(const json_t *value, int64_t *out);

/** A longer duration counts as unknown: it is a mix or a mistake. */
static inline int64_t scrobble_plausible_duration_ms(int64_t duration_ms)
{
    return duration_ms > DURATION_MAX_MS ? 0 : duration_ms;
}

#endif
