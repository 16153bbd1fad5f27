/* tsv_write.h - rows of the tab-separated files of the Last.fm-1K form, with their line end (log.h,
 * profiles.h and durations.h read them). Tabs and line ends inside texts become spaces. Pure. */
#ifndef OUTRO_DATA_TSV_WRITE_H
#define OUTRO_DATA_TSV_WRITE_H

#include <stddef.h>

#include "core/scrobble.h"
#include "data/profiles.h"

#define TSV_PROFILE_HEADER "#id\tgender\tage\tcountry\tregistered\n"

/** user_id, time to the second, artist_mbid, artist, track_mbid, track. @return bytes written, or
 * (size_t)-1 if capacity is too small (as below) */
size_t scrobble_to_tsv(const struct scrobble *scrobble, char *out, size_t capacity);
/** artist, track, duration_ms */
size_t duration_to_tsv(const struct scrobble *scrobble, char *out, size_t capacity);
size_t profile_to_tsv(const struct profile *profile, char *out, size_t capacity);

#endif
