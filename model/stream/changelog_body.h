/* changelog_body.h - the two parts of a user's record, packed: what stands between a changelog
 * record's header and its end (schemas/state.md). Times as differences, numbers as varints, what is
 * empty left out. */
#ifndef OUTRO_STREAM_CHANGELOG_BODY_H
#define OUTRO_STREAM_CHANGELOG_BODY_H

#include "core/err.h"
#include "stream/changelog_wire.h"
#include "stream/user_state.h"

/** Bytes that always suffice. */
size_t open_body_max(const struct user_layout *layout);
size_t history_body_max(const struct user_layout *layout);

/** @return behind the last byte written */
uint8_t *open_body_put(const struct user_layout *layout, const struct user_state *user,
                       uint8_t *at);
/** Whether an open part is of version 2: one that says a membership. */
bool open_body_says_cluster(const struct user_state *user);
uint8_t *history_body_put(const struct user_layout *layout, const struct user_state *user,
                          uint8_t *at);

/** Reads a part into user, which is as user_state_init made it. Bytes may be any; the numbers are
 * to be checked (user_check.h).
 *  @return 0, or -1 ERR_INPUT: too short, too long, made for another layout */
int open_body_take(const struct user_layout *layout, bool says_cluster, struct wire_reader *in,
                   struct user_state *user, struct err *err) MUST_CHECK;
int history_body_take(const struct user_layout *layout, struct wire_reader *in,
                      struct user_state *user, struct err *err) MUST_CHECK;

#endif
