/* durations.h - track durations by (artist, track), compared as names.h says. File: artist \t track
 * \t duration_ms, plain or gzip, with or without a header; 0 or empty = unknown. Read-only once
 * loaded, safe to share between threads. */
#ifndef OUTRO_DATA_DURATIONS_H
#define OUTRO_DATA_DURATIONS_H

#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"

/* A longer duration is taken for unknown: it is a mix or a mistake. */
#define DURATION_MAX_MS (24 * 60 * 60 * INT64_C(1000))

struct durations;

/** @return new table, or NULL with file, line and reason */
struct durations *durations_load(const char *path, struct err *err) MUST_CHECK;
/** Milliseconds, 0 when unknown; durations may be NULL. */
int64_t durations_find(const struct durations *durations, struct slice artist, struct slice track);
size_t durations_count(const struct durations *durations);
void durations_free(struct durations *durations); /* NULL is fine */

#endif
