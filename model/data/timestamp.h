/* timestamp.h - times as files write them: ISO 8601 in UTC, and calendar dates (proleptic
 * Gregorian). Pure; independent of locale and time zone. Source: H. Hinnant, chrono-Compatible
 * Low-Level Date Algorithms. */
#ifndef OUTRO_DATA_TIMESTAMP_H
#define OUTRO_DATA_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event_time.h"

enum timestamp_result {
    TIMESTAMP_OK = 0,
    TIMESTAMP_NOT_ISO,      /* not of the form 2009-05-03T15:48:25Z */
    TIMESTAMP_NO_SUCH_TIME, /* of that form, but there is no such day or hour */
    TIMESTAMP_OUT_OF_RANGE  /* before 1970 or after 2099 */
};

/** Reads 2009-05-03T15:48:25Z, or with milliseconds before the Z. @param text size bytes, borrowed,
 * need not end in NUL
 *  @param out filled only when the result is TIMESTAMP_OK */
enum timestamp_result timestamp_parse(const char *text, size_t size, struct event_time *out);

/** Days since 1970-01-01 of a date. @param month 1 .. 12  @return false when there is no such date
 * in years 1 .. 9999 */
bool timestamp_days(int year, int month, int day, int64_t *days);

#endif
