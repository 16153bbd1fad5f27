/* synth_history.h - an invented log as Last.fm-1K has it: person by person, each one's newest
 * scrobble first. All of it is in memory, 20 bytes a scrobble. */
#ifndef OUTRO_DATA_SYNTH_HISTORY_H
#define OUTRO_DATA_SYNTH_HISTORY_H

#include "data/synth.h"

struct synth_history;

/** Plays a whole synth. @param synth borrowed for the life of the history  @return new, or NULL
 * with ERR_MEMORY */
struct synth_history *synth_history_new(struct synth *synth, struct err *err) MUST_CHECK;
/** @param out its slices live until the next call  @return 1, 0 behind the last */
int synth_history_next(struct synth_history *history, struct scrobble *out) MUST_CHECK;
void synth_history_free(struct synth_history *history); /* NULL is fine */

#endif
