/* scrobble_json.h - one scrobble as JSON: read (our own form, a ListenBrainz listen, a Last.fm
 * recent track) and written. Reading is direct for what producers send and falls back to
 * Jansson for whatever is unusual (escapes, numbers with exponents); both give the same scrobble or
 * the same refusal.
 *
 * Which form: ListenBrainz if the object has a track_metadata, else Last.fm if its artist is an
 * object, else our own. Unknown fields are ignored, order does not matter, null counts as absent.
 * What is refused:
 * - the text: over 64 KiB or nested deeper than 32 (too-large); malformed UTF-8 (not-utf8); a raw
 * NUL byte, a lone surrogate escape, or anything else that is no JSON object (not-json); an escaped
 * NUL, a field given twice at any depth, a number that fits no 64-bit type, in ignored fields too
 * (bad-field: other readers would see another record)
 * - our own form: a wrong type, an empty or too long text, a negative duration (bad-field).
 * Integers may be written 1241478537000.0 or 1.241478537e12 (JSON Schema counts those as integers).
 * An empty MBID counts as absent.
 * - ListenBrainz: the same for user_name, listened_at (seconds), artist_name and track_name.
 * additional_info is free-form there: of it, what has the wrong type counts as absent. duration_ms
 * wins over duration (seconds).
 * - Last.fm: date.uts is seconds in a string or a number; a track that is still playing has no date
 * (missing-field). artist.#text, or artist.name as in extended answers; user, if there is one, is
 * the user. */
#ifndef OUTRO_DATA_SCROBBLE_JSON_H
#define OUTRO_DATA_SCROBBLE_JSON_H

#include <stddef.h>

#include "core/err.h"
#include "core/scrobble.h"

#define SCROBBLE_JSON_MAX  (64 * 1024) /* bytes of a record */
#define SCROBBLE_DEPTH_MAX 32
#define SCROBBLE_TEXT_MAX  4096 /* bytes of an artist, a track or an MBID */

/* Why a record was set aside. The names are what the `reason` header of the rejected topic says. */
enum reject_reason {
    REJECT_NONE = 0,
    REJECT_NULL_VALUE,        /* "null-value" */
    REJECT_NULL_KEY,          /* "null-key" */
    REJECT_NOT_UTF8,          /* "not-utf8" */
    REJECT_NOT_JSON,          /* "not-json" */
    REJECT_MISSING_FIELD,     /* "missing-field" */
    REJECT_BAD_FIELD,         /* "bad-field": wrong type, empty, too long */
    REJECT_TIME_OUT_OF_RANGE, /* "time-out-of-range": before 1970 or after 2099 */
    REJECT_TIME_IN_FUTURE, /* "time-in-future": past the wall clock by more than time.max.future.ms
                            */
    REJECT_KEY_MISMATCH,   /* "key-mismatch": key and user_id disagree */
    REJECT_TOO_LARGE,      /* "too-large": a record over 64 KiB, or nested deeper than 32 */
    REJECT_LATE,           /* "late": older than the user's open and last session allow */
    REJECT_REASONS         /* how many there are */
};

const char *reject_reason_name(enum reject_reason reason);

/* Scratch for what cannot be borrowed from the message (escapes resolved, other forms). Reused from
 * call to call; the scrobble's slices point into the message or into it and live until the next
 * call. */
struct scrobble_scratch;
struct scrobble_scratch *scrobble_scratch_new(void); /* NULL when memory is out */
void scrobble_scratch_free(struct scrobble_scratch *scratch);

/** Reads one scrobble. @param json size bytes, borrowed, need not be NUL-terminated; NULL is a null
 * value
 *  @param out filled on success; a missing user_id leaves user_id.size 0 (the message key may
 * supply it)
 *  @param detail on refusal one sentence for the `detail` header (may be NULL)
 *  @return REJECT_NONE, or why not */
enum reject_reason scrobble_from_json(const char *json, size_t size,
                                      struct scrobble_scratch *scratch, struct scrobble *out,
                                      struct err *detail) MUST_CHECK;

/** The same by Jansson alone: the slow twin, for fallback and for tests that hold the two against
 * each other. */
enum reject_reason scrobble_from_json_general(const char *json, size_t size,
                                              struct scrobble_scratch *scratch,
                                              struct scrobble *out, struct err *detail) MUST_CHECK;

/** Writes our own form, one line without newline; fields that are empty or unknown are left out.
 * Texts must be UTF-8.
 *  @return bytes written, or (size_t)-1 if capacity is too small */
size_t scrobble_to_json(const struct scrobble *scrobble, char *out, size_t capacity);

#endif
