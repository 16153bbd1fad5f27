/* user_check.h - whether numbers that came from outside can be a user's: bytes with the right
 * checksum may still come from a faulty program, and whatever indexes memory, divides or makes a
 * prediction must be in range before it is believed. Pure. */
#ifndef OUTRO_STREAM_USER_CHECK_H
#define OUTRO_STREAM_USER_CHECK_H

#include <stdbool.h>

#include "stream/user_state.h"

/** Of each part alone; a user without a session has no open part to be checked. */
bool user_open_possible(const struct user_state *user);
bool user_history_possible(const struct user_layout *layout, const struct user_state *user);
/** Whether the two parts are of the same moment. */
bool user_parts_fit(const struct user_state *user);

#endif
