/* scrobble_json_parts.h - what the two readers of scrobble_json.h share; nobody else includes it.
 */
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

/** A longer duration counts as unknown: it is a mix or a mistake. */
static inline int64_t scrobble_plausible_duration_ms(int64_t duration_ms)
{
    return duration_ms > DURATION_MAX_MS ? 0 : duration_ms;
}

#endif
