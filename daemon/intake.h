/* intake.h - a Kafka message becomes a scrobble, or has a reason why it does not. Pure: time and
 * tables are arguments. */
#ifndef OUTRO_DAEMON_INTAKE_H
#define OUTRO_DAEMON_INTAKE_H

#include <stdint.h>

#include "core/err.h"
#include "core/scrobble.h"
#include "data/durations.h"
#include "data/scrobble_json.h"

struct intake {
    struct scrobble_scratch *scratch;  /* borrowed */
    const struct durations *durations; /* borrowed, may be NULL: for scrobbles without a duration */
    int64_t now_ms;                    /* wall clock, UTC epoch milliseconds */
    int64_t max_future_ms;             /* what a scrobble's time may be past it */
};

/** @param key user id; supplies the user when the body names none, must agree when it does; a
 * message without one (data NULL) is refused
 *  @param value data NULL for a tombstone  @param out borrows from key, value and scratch until the
 * next call
 *  @param detail one sentence on refusal  @return REJECT_NONE, or why not */
enum reject_reason intake_read(const struct intake *intake, struct slice key, struct slice value,
                               struct scrobble *out, struct err *detail) MUST_CHECK;

#endif
