/* scrobble_spotify.h - a record of a Spotify streaming history as a scrobble. Two forms:
 * - extended: ts is when the play ended (UTC), ms_played how long it was,
 *   master_metadata_track_name and master_metadata_album_artist_name what, username who (newer
 *   exports leave it out);
 * - of the account data: endTime ("2023-01-05 13:37", UTC, minutes only), msPlayed, trackName,
 *   artistName.
 * The scrobble's time is the end minus the length played, and its duration_ms is the length played:
 * a real end, which sessions are cut by. No listen, so to be passed over without complaint: a play
 * of 0 ms, and what has neither track nor artist (episodes, audiobooks, tracks that are gone).
 * Refused: one of the two names without the other, a play longer than a day, and what
 * scrobble_json.h refuses of any record. Unknown fields, offline_timestamp among them, are ignored.
 */
#ifndef OUTRO_DATA_SCROBBLE_SPOTIFY_H
#define OUTRO_DATA_SCROBBLE_SPOTIFY_H

#include <stdbool.h>

#include "data/scrobble_json.h"

/** As scrobble_from_json. @param no_listen true when the record is none; then out is untouched */
enum reject_reason scrobble_from_spotify(const char *json, size_t size,
                                         struct scrobble_scratch *scratch, struct scrobble *out,
                                         bool *no_listen, struct err *detail) MUST_CHECK;

/** The same by Jansson alone: the slow twin, for fallback and for tests that hold the two against
 * each other. */
enum reject_reason scrobble_from_spotify_general(const char *json, size_t size,
                                                 struct scrobble_scratch *scratch,
                                                 struct scrobble *out, bool *no_listen,
                                                 struct err *detail) MUST_CHECK;

#endif
