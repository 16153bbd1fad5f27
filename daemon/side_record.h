/* side_record.h - one record of a side input (schemas/track-duration.json, schemas/profile.json)
 * becomes a change of what is known: of a track its duration, of a user that there is a profile
 * (no feature takes anything from it yet, so no more is kept). Pure. */
#ifndef OUTRO_DAEMON_SIDE_RECORD_H
#define OUTRO_DAEMON_SIDE_RECORD_H

#include "core/err.h"
#include "core/scrobble.h"
#include "data/key_table.h"

enum side_input { SIDE_PROFILES, SIDE_DURATIONS, SIDE_INPUTS };

struct side_change {
    enum side_input input;
    struct table_key key; /* durations_key of the track, or of the user */
    uint32_t value;       /* duration in ms, or 1 for a profile; 0: not known any more */
};

/** @param key, value the message's; value.data NULL is a tombstone  @return 0; -1 ERR_INPUT: a bad
 * record, and why */
int side_record_read(enum side_input input, struct slice key, struct slice value,
                     struct side_change *out, struct err *err) MUST_CHECK;

/** The configuration key that names the topic. */
const char *side_input_key(enum side_input input);

#endif
