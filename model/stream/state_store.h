/* state_store.h - all users of one partition: a hash index (open addressing) over slabs of fixed-size records, and the
 * partition's stream time. A record is a value without pointers: it can be saved, restored and compared as bytes.
 * First sight of a user allocates; nothing else does. Not thread-safe. */
#ifndef OUTRO_STREAM_STATE_STORE_H
#define OUTRO_STREAM_STATE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/event_time.h"
#include "core/scrobble.h"
#include "stream/params.h"

struct state_store;

/** @return new empty store, or NULL with ERR_MEMORY */
struct state_store *state_store_new(const struct stream_params *params, struct err *err) MUST_CHECK;
void state_store_free(struct state_store *store); /* NULL is fine */

/** Greatest event time seen; EVENT_TIME_NEVER when none. */
struct event_time state_store_stream_time(const struct state_store *store);
size_t state_store_users(const struct state_store *store);
size_t state_store_open_sessions(const struct state_store *store);
/** Memory it holds: slabs, index, timers. */
size_t state_store_bytes(const struct state_store *store);

/** One user's record as bytes (versioned, CRC32C, little-endian: schemas/state.md). @param out capacity bytes
 *  @return bytes written; 0 when the user is unknown; (size_t)-1 when capacity is less than state_store_record_max() */
size_t state_store_save(const struct state_store *store, struct slice user_id, void *out,
                        size_t capacity) MUST_CHECK;
size_t state_store_record_max(const struct state_store *store);

/** Puts a saved record back, replacing the user's. Everything is checked before anything changes.
 *  @return 0, or -1: ERR_INPUT (truncated, unknown version, other layout), ERR_CHECK (CRC), ERR_MEMORY */
int state_store_restore(struct state_store *store, const void *data, size_t size,
                        struct err *err) MUST_CHECK;

#endif
