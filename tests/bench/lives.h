/* lives.h - users with full histories for the benches of state: a few invented lives of years, each
 * lived by many users under names of their own. */
#ifndef OUTRO_BENCH_LIVES_H
#define OUTRO_BENCH_LIVES_H

#include <stdint.h>

#include "stream/changelog.h"

/* Far enough apart in a file that no compressor of ours finds one twice: 64 KiB hold fewer users.
 */
#define LIVES 64

struct lives {
    struct state_store *store[LIVES]; /* one user each */
};

/** @return 0, or -1 with err */
int lives_init(struct lives *lives, const struct stream_params *params, struct err *err) MUST_CHECK;
void lives_release(struct lives *lives);

/** User number `user`: one of the lives, named after the number. Borrowed until the next call. */
const struct user_state *lives_user(struct lives *lives, uint32_t user);
const struct user_layout *lives_layout(const struct lives *lives);

#endif
