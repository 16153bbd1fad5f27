/* audit_durations.h - which duration a track had when its scrobble was worked on. From a file: what
 * it says now. From topic.track-durations: what the topic says now, unless it may have changed
 * under way; then nobody can know any more (the topic keeps the last record of a key), and the
 * user is not compared. */
#ifndef OUTRO_DAEMON_AUDIT_DURATIONS_H
#define OUTRO_DAEMON_AUDIT_DURATIONS_H

#include <stdbool.h>

#include "core/scrobble.h"
#include "daemon/config.h"
#include "daemon/topic_reader.h"

struct audit_durations;

/** Reads file or topic, or neither. @return new, NULL with err */
struct audit_durations *audit_durations_new(const struct config *config,
                                            struct topic_reader *reader,
                                            struct err *err) MUST_CHECK;
void audit_durations_free(struct audit_durations *durations); /* NULL is fine */

/** Fills in the duration of a scrobble that has none. @param written_ms of the scrobble's message
 *  @return whether it is certain */
bool audit_durations_fill(const struct audit_durations *durations, int64_t written_ms,
                          struct scrobble *scrobble);

#endif
