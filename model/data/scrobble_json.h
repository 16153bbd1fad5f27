/* scrobble_json.h - one scrobble as JSON: read (our own form, a ListenBrainz listen, a Last.fm recent track) and written.
 * Reading is direct for the flat object that producers send and falls back to Jansson for whatever is unusual (escapes,
 * nesting, other forms); both give the same scrobble or the same refusal. */
#ifndef OUTRO_DATA_SCROBBLE_JSON_H
#define OUTRO_DATA_SCROBBLE_JSON_H

#include <stddef.h>

#include "core/err.h"
#include "core/scrobble.h"

/* Why a record was set aside. The names are what the `reason` header of the rejected topic says. */
enum reject_reason {
    REJECT_NONE = 0,
    REJECT_NULL_VALUE,       /* "null-value" */
    REJECT_NULL_KEY,         /* "null-key" */
    REJECT_NOT_UTF8,         /* "not-utf8" */
    REJECT_NOT_JSON,         /* "not-json" */
    REJECT_MISSING_FIELD,    /* "missing-field" */
    REJECT_BAD_FIELD,        /* "bad-field": wrong type, empty, too long */
    REJECT_TIME_OUT_OF_RANGE,/* "time-out-of-range": before 1970 or after 2099 */
    REJECT_TIME_IN_FUTURE,   /* "time-in-future": past the wall clock by more than time.max.future.ms */
    REJECT_KEY_MISMATCH,     /* "key-mismatch": key and user_id disagree */
    REJECT_TOO_LARGE,        /* "too-large": a record over 64 KiB, or nested deeper than 32 */
    REJECT_LATE,             /* "late": older than the user's open and last session allow */
    REJECT_REASONS           /* how many there are */
};

const char *reject_reason_name(enum reject_reason reason);

/* Scratch for what cannot be borrowed from the message (escapes resolved, other forms). Reused from call to call; the
 * scrobble's slices point into the message or into it and live until the next call. */
struct scrobble_scratch;
struct scrobble_scratch *scrobble_scratch_new(void); /* NULL when memory is out */
void scrobble_scratch_free(struct scrobble_scratch *scratch);

/** Reads one scrobble. @param json size bytes, borrowed, need not be NUL-terminated
 *  @param out filled on success; a missing user_id leaves user_id.size 0 (the message key may supply it)
 *  @param detail on refusal one sentence for the `detail` header (may be NULL)
 *  @return REJECT_NONE, or why not */
enum reject_reason scrobble_from_json(const char *json, size_t size, struct scrobble_scratch *scratch,
                                      struct scrobble *out, struct err *detail) MUST_CHECK;

/** The same by Jansson alone: the slow twin, for fallback and for tests that hold the two against each other. */
enum reject_reason scrobble_from_json_general(const char *json, size_t size,
                                              struct scrobble_scratch *scratch,
                                              struct scrobble *out, struct err *detail) MUST_CHECK;

/** Writes our own form, one line without newline. @return bytes written, or (size_t)-1 if capacity is too small */
size_t scrobble_to_json(const struct scrobble *scrobble, char *out, size_t capacity);

#endif
