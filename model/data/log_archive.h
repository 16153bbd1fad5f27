/* log_archive.h - the logs in an archive, one behind the other, as they stream by: a zip, a tar or
 * a tar in xz (a tar in gzip or zstd is decoded below, byte_source.h; any other file in xz is
 * refused). Which members are logs is told by how the exports and the dumps name them:
 * listens/YYYY/MM.jsonl, *.listens ListenBrainz: export of a user, dump of all
 * Streaming_History_*.json, endsong_*.json      Spotify: extended streaming history
 * StreamingHistory*.json                        Spotify: account data
 *   userid-timestamp-artid-artname-traid-traname.tsv   Last.fm-1K
 * and user.json of a ListenBrainz export says who it was. All else is passed over.
 * Source: libarchive. */
#ifndef OUTRO_DATA_LOG_ARCHIVE_H
#define OUTRO_DATA_LOG_ARCHIVE_H

#include <stdbool.h>

#include "data/byte_source.h"

struct log_archive;

/** Whether a file that begins so is an archive. */
bool log_archive_is(struct slice first);

/** @param source borrowed for the life of the archive, no longer the caller's to read from
 * @param first its first block, which the caller has looked at already
 * @return new, or NULL: ERR_INPUT, ERR_MEMORY */
struct log_archive *log_archive_over(struct byte_source *source, struct slice first,
                                     struct err *err) MUST_CHECK;

/** To the next log. @return 1; 0 behind the last; -1 with err: damaged or cut off, no log in it */
int log_archive_next(struct log_archive *archive, struct err *err) MUST_CHECK;

/** The bytes of the log that log_archive_next came to, once for each. */
struct byte_input log_archive_member(struct log_archive *archive);

/** "ARCHIVE:MEMBER", for messages; borrowed until log_archive_next. */
const char *log_archive_name(const struct log_archive *archive);

/** Whom the archive's user.json names, as far as it was read; size 0 when there was none. Borrowed
 * until log_archive_next. */
struct slice log_archive_user(const struct log_archive *archive);

void log_archive_free(struct log_archive *archive); /* NULL is fine */

#endif
