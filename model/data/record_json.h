/* record_json.h - predictions and sessions as JSON text, one object each, without newline
 * (schemas/). Field order is fixed, numbers are the shortest decimal that is exact at the unit kept
 * (milliseconds; hundredths for the average). */
#ifndef OUTRO_DATA_RECORD_JSON_H
#define OUTRO_DATA_RECORD_JSON_H

#include <stddef.h>

#include "core/prediction.h"
#include "core/session.h"

/* Always enough for one record: ids are at most USER_ID_MAX bytes, escaped at most six-fold;
 * versions at most 128. */
#define RECORD_JSON_MAX 2048

/** p10_s .. p90_s are rounded to the nearest millisecond, halves up; they must be finite and >= 0,
 * and model not NULL. Without an interval p10_s and p90_s are left out.
 *  @return bytes written; asserts capacity >= RECORD_JSON_MAX */
size_t prediction_to_json(const struct prediction *prediction, char *out, size_t capacity);

/** @return bytes written; asserts capacity >= RECORD_JSON_MAX */
size_t session_to_json(const struct session *session, char *out, size_t capacity);

#endif
