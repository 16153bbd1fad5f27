/* state_read.h - one partition of the changelog into a store, for tools: `outrod state` and the
 * audit. What a daemon restores by is restorer.h. */
#ifndef OUTRO_DAEMON_STATE_READ_H
#define OUTRO_DAEMON_STATE_READ_H

#include "core/err.h"
#include "daemon/topic_reader.h"
#include "stream/changelog.h"

/** @param range of the topic of state  @param store empty; filled
 *  @param meta out; input_offset -1 when there is no meta record
 *  @return 0, -1: ERR_KAFKA, or with partition and offset what changelog_apply or _finish said */
int state_read(struct topic_reader *reader, const char *topic, const struct topic_range *range,
               struct state_store *store, struct changelog_meta *meta, struct err *err) MUST_CHECK;

#endif
