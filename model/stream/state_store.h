/* state_store.h - all users of one partition: a hash index (open addressing) over slabs of
 * fixed-size records, and the partition's stream time. A record is a value without pointers: it can
 * be saved, restored and compared as bytes. Beside it a slot keeps what is only derived: the hidden
 * state and the prepared session (session_cache.h). A user's first appearance allocates; nothing
 * else does. Not thread-safe. */
#ifndef OUTRO_STREAM_STATE_STORE_H
#define OUTRO_STREAM_STATE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/event_time.h"
#include "core/scrobble.h"
#include "stream/params.h"
#include "stream/session_cache.h"
#include "stream/user_state.h"

struct state_store;
struct user_slot;

/** @param partition what it is called in prediction_detail  @return new empty store, or NULL with
 * ERR_MEMORY */
struct state_store *state_store_new(const struct stream_params *params, uint32_t partition,
                                    struct err *err) MUST_CHECK;
/** NULL is fine. Predictions still waiting in a pipeline point into it: pipeline_flush first. */
void state_store_free(struct state_store *store);

/** Greatest event time seen; EVENT_TIME_NEVER when none. */
struct event_time state_store_stream_time(const struct state_store *store);
uint32_t state_store_partition(const struct state_store *store);
size_t state_store_users(const struct state_store *store);
size_t state_store_open_sessions(const struct state_store *store);
/** Memory it holds: slabs, hidden states, index, timers, prepared sessions. */
size_t state_store_bytes(const struct state_store *store);

/** Removes users who are forgotten (sessionizer_forgets), but for those that the transaction under
 * way has changed. Looks at `slots` of the store from where it last stopped, so that a call is
 * short; a full turn takes many. Not while rows wait in a pipeline.
 *  @param gone called before each is removed, to write its tombstones  @return 0, or what gone()
 * said (that user stays), or ERR_MEMORY */
int state_store_evict(struct state_store *store, size_t slots,
                      int (*gone)(void *ctx, const struct user_state *user, struct err *err),
                      void *ctx, struct err *err) MUST_CHECK;

/* ---- transactions: what happened since begin can be taken back, to the byte ---- */

enum touch {
    TOUCH_OPEN,   /* sessions, fingerprints, sketches */
    TOUCH_HISTORY /* and the history: a session is about to be folded */
};

/** From here on the first change of a user (and of stream time) is logged. Nested begins are our
 * bug. */
void state_store_begin(struct state_store *store);
bool state_store_in_transaction(const struct state_store *store);
/** Before a change of slot: logs what it was. No transaction: does nothing. @return 0, -1
 * ERR_MEMORY */
int state_store_touch(struct state_store *store, struct user_slot *slot, enum touch touch,
                      struct err *err) MUST_CHECK;
/** Every user touched since begin, once, in the order of their first change.
 *  @param history whether that part changed, too  @return 0, or what change() said */
int state_store_changes(const struct state_store *store,
                        int (*change)(void *ctx, const struct user_state *user, bool history,
                                      struct err *err),
                        void *ctx, struct err *err) MUST_CHECK;
/** Forgets the log: the changes stay. */
void state_store_commit(struct state_store *store);
/** Takes all changes back: records, users that were new, stream time, open sessions; hidden states
 * and prepared sessions of touched users are made again when they are next seen. Flush the pipeline
 * or pipeline_discard() its micro-batch first. Cannot fail. */
void state_store_abort(struct state_store *store);
/** Hash of all records in the order of their first appearance, and of stream time: for tests. */
uint64_t state_store_hash(const struct state_store *store);

/* ---- for the pipeline ---- */

struct user_slot {
    uint32_t index;          /* dense, from 0; that of a removed user is given out again */
    uint32_t batch;          /* number of the micro-batch that its last prediction waits in */
    uint32_t hidden_through; /* number of the last session that the hidden state has stepped over */
    bool hidden_valid;
    uint8_t logged;              /* by the transaction under way */
    struct session_block *block; /* prepared open session, or NULL */
    struct user_state state;     /* the record; must be last */
};

const struct user_layout *state_store_layout(const struct state_store *store);
const struct stream_params *state_store_params(const struct state_store *store);
struct session_cache *state_store_cache(struct state_store *store);

/** The user's slot, NULL when unknown. */
const struct user_slot *state_store_find(const struct state_store *store, struct slice user_id);
/** The user's slot, made when new. Stable while the store lives. @return NULL when memory is out */
struct user_slot *state_store_at(struct state_store *store, struct slice user_id);
struct user_slot *state_store_slot(struct state_store *store, uint32_t index);
/** All users by index: from *cursor 0 on. @return NULL behind the last */
struct user_slot *state_store_next(struct state_store *store, size_t *cursor);

/** Removes a user; the slot is given out again. Part of a transaction like any change, but not for
 * a user whom it has touched. @return 0, -1 with ERR_MEMORY, nothing changed */
int state_store_remove(struct state_store *store, struct user_slot *slot,
                       struct err *err) MUST_CHECK;
/** Makes a user as one never seen before. @return 0, -1 with ERR_MEMORY */
int state_store_renew(struct state_store *store, struct user_slot *slot,
                      struct err *err) MUST_CHECK;
/** What is derived from the user's record is made again when next needed. */
void state_store_forget_derived(struct state_store *store, struct user_slot *slot);
/** A record that is nobody's: to put one together before it is believed. */
struct user_state *state_store_scratch(struct state_store *store);

/** Under another net (a generation not seen before): forgets hidden states and prepared sessions
 * and makes room for hidden floats a user and dense floats a session. Cheap when the generation is
 * the one it has. @return 0, -1 with ERR_MEMORY */
int state_store_adopt(struct state_store *store, uint64_t generation, uint32_t hidden,
                      uint32_t dense, struct err *err) MUST_CHECK;
/** The user's (hidden) floats; NULL when hidden is 0. */
float *state_store_hidden(struct state_store *store, uint32_t index);

/** Moves stream time forward (never back). @return true if it moved */
bool state_store_move_time(struct state_store *store, struct event_time time);

/** A timer for a session that was opened (or reopened). @return 0, -1 with ERR_MEMORY */
int state_store_watch(struct state_store *store, uint32_t index, uint32_t session,
                      struct event_time due, struct err *err) MUST_CHECK;
/** Takes one timer that is due before stream time. The session may have been closed since, or moved
 * on: then watch again.
 *  @return true with the user's index and the session's number */
bool state_store_due(struct state_store *store, uint32_t *index, uint32_t *session);
/** Counts of open sessions are kept by the pipeline through this. */
void state_store_count_open(struct state_store *store, int change);
/** Counts open sessions and sets their timers anew, from the records: after a restore. @return 0,
 * -1 with ERR_MEMORY */
int state_store_watch_all(struct state_store *store, struct err *err) MUST_CHECK;

#endif
