/* side_inputs.h - the compacted topics beside the scrobbles: topic.profiles and
 * topic.track-durations. A thread of its own reads each from its beginning to the end that it has
 * at the start (open transactions included: they are waited out), and follows it from then on. The
 * engine gets the same changes in either case, in batches, and owns the tables they go into; it
 * takes no scrobble before the first reading is whole. A bad record is counted, logged and passed
 * over. Partitions that a topic gets later are read after a restart. */
#ifndef OUTRO_DAEMON_SIDE_INPUTS_H
#define OUTRO_DAEMON_SIDE_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "daemon/config.h"
#include "daemon/logger.h"
#include "daemon/side_record.h"

struct side_inputs;

struct side_progress {
    bool reading;      /* the first reading is not whole */
    int64_t read, all; /* offsets of the first reading; all 0 until the ends are known */
    uint64_t records[SIDE_INPUTS], bad[SIDE_INPUTS]; /* bad ones are among the records */
    size_t known[SIDE_INPUTS];                       /* the engine's: what its tables have */
};

/** Whether the configuration names one of the two topics. */
bool side_inputs_wanted(const struct config *config);

/** Starts reading. @param config read here only  @param bell eventfd that rings when there is
 * something to take, when the first reading is whole, and when it cannot go on */
struct side_inputs *side_inputs_new(const struct config *config, struct logger *logger, int bell,
                                    struct err *err) MUST_CHECK;
void side_inputs_free(struct side_inputs *side); /* NULL is fine */

/** What has come since the last call, in order: of one key the last counts. @param count out
 *  @param whole out: with these, the first reading is whole  @return borrowed until the next call;
 * NULL with err when it cannot go on */
const struct side_change *side_inputs_take(struct side_inputs *side, size_t *count, bool *whole,
                                           struct err *err);
/** Fills all but `known`. */
void side_inputs_progress(struct side_inputs *side, struct side_progress *progress);

#endif
