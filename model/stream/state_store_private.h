/* state_store_private.h - what the files of the state store share, and nobody else includes. */
#ifndef OUTRO_STREAM_STATE_STORE_PRIVATE_H
#define OUTRO_STREAM_STATE_STORE_PRIVATE_H

#include "stream/state_store.h"
#include "stream/timer_heap.h"
#include "stream/undo_log.h"

struct index_entry {
    uint32_t hash, user; /* user NO_USER: empty */
};

/* user_slot.logged: what the transaction under way has of a user. */
#define LOGGED_NEW     1u
#define LOGGED_OPEN    2u
#define LOGGED_HISTORY 4u

struct state_store {
    struct stream_params params;
    struct user_layout layout;
    uint32_t partition;
    size_t slot_bytes;
    uint32_t chunk_slots;
    struct event_time stream_time;
    size_t users, open_sessions;
    size_t slots;          /* given out so far: of users, and the vacant ones */
    char **chunks;         /* of chunk_slots slots, in BIG_PAGE_BYTES */
    float **hidden_chunks; /* the same, (chunk_slots, hidden); NULL until one is needed */
    size_t chunk_capacity;
    uint32_t *vacant; /* indices of slots whose users were removed, the next to be used last */
    size_t vacant_count, vacant_capacity;
    struct index_entry *index; /* open addressing, linear probing */
    size_t index_size;         /* a power of two */
    struct timer_heap timers;
    struct undo_log log;
    size_t evict_hand; /* the slot that state_store_evict looks at next */
    uint64_t generation;
    uint32_t hidden;
    struct session_cache *cache;
    struct user_state *scratch; /* one record */
};

static inline bool slot_is_vacant(const struct user_slot *slot)
{
    return slot->state.user_id_size == 0;
}

/** Takes a user out of index and slab; the slot's memory is zeros then. What becomes of the slot
 * (vacant, or the last one again) is the caller's. */
void state_store_clear_slot(struct state_store *store, struct user_slot *slot);
/** Room for one more vacant slot. @return 0, -1 when memory is out */
int state_store_reserve_vacant(struct state_store *store);
/** Puts a removed user's record back into its slot, which must be vacant but on no list. */
void state_store_refill_slot(struct state_store *store, struct user_slot *slot, const void *record);

#endif
