/* changelog.h - a user's state as records of a compacted topic, and back (schemas/state.md): a
 * small one for what every scrobble changes (open and previous session, fingerprints, sketches), a
 * larger one for the history (ring, statistics, step entries), written only when a session was
 * folded, and one meta record a partition. Versioned, length-checked, CRC-32C; a reader refuses an
 * unknown version by name and never guesses. Pure: bytes in, bytes out. */
#ifndef OUTRO_STREAM_CHANGELOG_H
#define OUTRO_STREAM_CHANGELOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/event_time.h"
#include "stream/state_store.h"

#define CHANGELOG_KEY_MAX (USER_ID_MAX + 2)

enum changelog_kind {
    CHANGELOG_META = 'm',    /* key "m" */
    CHANGELOG_OPEN = 'o',    /* key "o:" user_id */
    CHANGELOG_HISTORY = 'h', /* key "h:" user_id */
};

/* What a partition's state stands for. */
struct changelog_meta {
    int64_t input_offset;          /* of the next scrobble; equals the committed offset */
    struct event_time stream_time; /* EVENT_TIME_NEVER when none */
};

/** Key of a record; user_id is not looked at for CHANGELOG_META. @return bytes written into out */
size_t changelog_key(enum changelog_kind kind, struct slice user_id, char out[CHANGELOG_KEY_MAX]);

/** Bytes that always suffice for a value of any kind. */
size_t changelog_value_max(const struct user_layout *layout);
/** @param out capacity >= changelog_value_max()  @return bytes written */
size_t changelog_encode_open(const struct user_layout *layout, const struct user_state *user,
                             void *out);
size_t changelog_encode_history(const struct user_layout *layout, const struct user_state *user,
                                void *out);
size_t changelog_encode_meta(const struct changelog_meta *meta, void *out);

/** Puts one record into a store that is being restored; records of a user may come in any order,
 * the last of a key counts. value NULL is a tombstone: the user's part is as if it had never been.
 *  @param meta filled when the record is one, may be NULL
 *  @return the kind, or -1: ERR_INPUT (unknown version, kind, length), ERR_CHECK (CRC), ERR_MEMORY;
 * the store is as it was */
int changelog_apply(struct state_store *store, struct slice key, struct slice value,
                    struct changelog_meta *meta, struct err *err) MUST_CHECK;

/** Where records are not written in transactions, a crash may come between the two of a user:
 * removes those that do not fit. Before changelog_finish. @param removed how many  @return 0, -1
 * with ERR_MEMORY */
int changelog_drop_unfit(struct state_store *store, size_t *removed, struct err *err) MUST_CHECK;

/** Once all records are applied: every user has parts that fit each other; sets stream time, opens
 * timers. @return 0, or -1 ERR_CHECK naming the first user that does not fit */
int changelog_finish(struct state_store *store, const struct changelog_meta *meta,
                     struct err *err) MUST_CHECK;

#endif
