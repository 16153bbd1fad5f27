/* holidays.h - days on which people listen otherwise, for the feature `holiday`. File: a date a
 * line, YYYY-MM-DD, in any order, plain, gzip or zstd; # begins a comment, empty lines are fine. A
 * day is one of UTC. Once read it is safe to share between threads. */
#ifndef OUTRO_DATA_HOLIDAYS_H
#define OUTRO_DATA_HOLIDAYS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/event_time.h"

struct holidays;

/** @return new table, or NULL with file, line and reason */
struct holidays *holidays_load(const char *path, struct err *err) MUST_CHECK;
/** Whether a time is on one of them. @param holidays not NULL  @param time valid */
bool holidays_has(const struct holidays *holidays, struct event_time time);
/** Different days; NULL has none. */
size_t holidays_count(const struct holidays *holidays);
void holidays_free(struct holidays *holidays); /* NULL is fine */

#endif
