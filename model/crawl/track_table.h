/* track_table.h - lists of tracks in the forms that `outro prepare` writes: tab-separated with a
 * header that names columns "artist" and "track", a text in double quotes where it must be
 * (tracks.tsv), or artist_mbid, artist, track, count with commas, texts in double quotes, no header
 * (tracks.csv). Plain, gzip or zstd. */
#ifndef OUTRO_CRAWL_TRACK_TABLE_H
#define OUTRO_CRAWL_TRACK_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"
#include "crawl/track_set.h"

struct track_table_counts {
    uint64_t rows;     /* good rows */
    uint64_t rejected; /* bad rows, counted and set aside */
};

/** Adds what a list has to the set. Which form it is, is told by its first line.
 *  @param strict a bad row is an error, instead of being counted
 *  @param complaints borrowed, may be NULL: the first 20 bad rows, with file, line and reason
 *  @return 1; 0: it is no such list, the set is as it was (standard input never is: a log is read
 * from there); -1: ERR_IO, ERR_INPUT (strict; damaged gzip), ERR_MEMORY */
int track_table_read(const char *path, struct track_set *set, bool strict, FILE *complaints,
                     struct track_table_counts *counts, struct err *err) MUST_CHECK;

#endif
