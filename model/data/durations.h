/* durations.h - track durations by (artist, track), compared as names.h says. File: artist \t track
 * \t duration_ms, plain, gzip or zstd, with or without a header; 0 or empty = unknown. While nobody
 * sets anything it is safe to share between threads. */
#ifndef OUTRO_DATA_DURATIONS_H
#define OUTRO_DATA_DURATIONS_H

#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"
#include "data/key_table.h"

/* A longer duration is taken for unknown: it is a mix or a mistake. */
#define DURATION_MAX_MS (24 * 60 * 60 * INT64_C(1000))

struct durations;

/** @return new table, or NULL with file, line and reason */
struct durations *durations_load(const char *path, struct err *err) MUST_CHECK;
/** An empty one, to be filled by durations_set. @return NULL with ERR_MEMORY */
struct durations *durations_new(struct err *err) MUST_CHECK;
/** What a track is known by. */
struct table_key durations_key(struct slice artist, struct slice track);
/** @param duration_ms at most DURATION_MAX_MS; 0: not known any more  @return 0, -1 ERR_MEMORY */
int durations_set(struct durations *durations, struct table_key key, uint32_t duration_ms,
                  struct err *err) MUST_CHECK;
/** Milliseconds, 0 when unknown; durations may be NULL. */
int64_t durations_find(const struct durations *durations, struct slice artist, struct slice track);
size_t durations_count(const struct durations *durations);
void durations_free(struct durations *durations); /* NULL is fine */

#endif
