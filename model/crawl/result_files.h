/* result_files.h - what a crawl is for, in the order of the input: durations.tsv (artist, track,
 * duration_ms; 0 where Last.fm knows none), tags.tsv (artist, track, tag, count; the count empty
 * where none was said) and failed.tsv (artist, track, reason). With a header, UTF-8, LF, nothing
 * quoted, as durations.h reads it; tabs and line ends in names become spaces. Each is written
 * beside its name and renamed: under the name there is a whole file or none. */
#ifndef OUTRO_CRAWL_RESULT_FILES_H
#define OUTRO_CRAWL_RESULT_FILES_H

#include "core/err.h"
#include "crawl/journal.h"
#include "crawl/track_set.h"

#define NO_RECORD UINT64_MAX

/** @param dir open directory, borrowed  @param offsets (tracks): where the record of each is in the
 * journal, or NO_RECORD: no row then  @param tags_written rows of tags.tsv  @return 0, -1 ERR_IO,
 * ERR_CHECK */
int result_files_write(int dir, const struct track_set *set, struct journal *journal,
                       const uint64_t *offsets, uint64_t *tags_written, struct err *err) MUST_CHECK;

#endif
