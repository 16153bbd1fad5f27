/* state_transaction.c - taking back what happened to a store: begin, touch, commit, abort; and
 * removing the silent, which is part of it. */
#include <assert.h>
#include <string.h>

#include "core/hash.h"
#include "stream/sessionizer.h"
#include "stream/state_store_private.h"

void state_store_begin(struct state_store *store)
{
    assert(!store->log.running);
    store->log.running = true;
    store->log.stream_time = store->stream_time;
    store->log.open_sessions = store->open_sessions;
}

bool state_store_in_transaction(const struct state_store *store)
{
    return store->log.running;
}

static int log_part(struct state_store *store, struct user_slot *slot, enum user_part part,
                    struct err *err)
{
    enum change_kind kind = part == USER_OPEN ? CHANGE_OPEN : CHANGE_HISTORY;
    const struct change *change =
        undo_log_add(&store->log, kind, slot->index, user_part_bytes(&store->layout, part));
    if (!change)
        return err_set(err, ERR_MEMORY, "out of memory for a transaction of %zu changes",
                       store->log.count);
    user_part_save(&store->layout, part, &slot->state, store->log.bytes + change->at);
    return 0;
}

static int touch_part(struct state_store *store, struct user_slot *slot, enum user_part part,
                      struct err *err)
{
    uint8_t bit = part == USER_OPEN ? LOGGED_OPEN : LOGGED_HISTORY;
    if (slot->logged & bit)
        return 0;
    /* Of a new user there is nothing to go back to. */
    if (!(slot->logged & LOGGED_NEW) && log_part(store, slot, part, err) < 0)
        return -1;
    slot->logged |= bit;
    return 0;
}

int state_store_touch(struct state_store *store, struct user_slot *slot, enum touch touch,
                      struct err *err)
{
    if (!store->log.running)
        return 0;
    if (touch_part(store, slot, USER_OPEN, err) < 0)
        return -1;
    return touch == TOUCH_HISTORY ? touch_part(store, slot, USER_HISTORY, err) : 0;
}

int state_store_changes(const struct state_store *store,
                        int (*change)(void *ctx, const struct user_state *user, bool history,
                                      struct err *err),
                        void *ctx, struct err *err)
{
    struct state_store *s = (struct state_store *)(uintptr_t)store; /* to look up slots, no more */
    for (size_t i = 0; i < store->log.count; i++) {
        const struct change *c = &store->log.change[i];
        const struct user_slot *slot = state_store_slot(s, c->user);
        bool first = c->kind == CHANGE_NEW || c->kind == CHANGE_OPEN;
        if (!first || !(slot->logged & LOGGED_OPEN)) /* new, and nothing came of it */
            continue;
        if (change(ctx, &slot->state, slot->logged & LOGGED_HISTORY, err) < 0)
            return -1;
    }
    return 0;
}

void state_store_commit(struct state_store *store)
{
    assert(store->log.running);
    for (size_t i = 0; i < store->log.count; i++)
        state_store_slot(store, store->log.change[i].user)->logged = 0;
    undo_log_end(&store->log);
}

/* Changes are taken back in the opposite order, so that each finds the store as it left it. */
static void take_back(struct state_store *store, const struct change *change)
{
    struct user_slot *slot = state_store_slot(store, change->user);
    switch (change->kind) {
    case CHANGE_NEW:
        state_store_clear_slot(store, slot);
        if (change->at == change->user)
            store->slots--;
        else
            store->vacant[store->vacant_count++] = change->user; /* where it was taken from */
        break;
    case CHANGE_OPEN:
        user_part_load(&store->layout, USER_OPEN, &slot->state, store->log.bytes + change->at);
        break;
    case CHANGE_HISTORY:
        user_part_load(&store->layout, USER_HISTORY, &slot->state, store->log.bytes + change->at);
        break;
    case CHANGE_GONE:
        assert(store->vacant[store->vacant_count - 1] == change->user);
        store->vacant_count--;
        state_store_refill_slot(store, slot, store->log.bytes + change->at);
        break;
    }
    state_store_forget_derived(store, slot);
    slot->logged = 0;
}

void state_store_abort(struct state_store *store)
{
    struct undo_log *log = &store->log;
    bool changed = log->count > 0;
    assert(log->running);
    store->stream_time = log->stream_time;
    while (log->count > 0)
        take_back(store, &log->change[--log->count]);
    /* Timers of touched users may have been taken or moved on since. There was one for every open
     * session when the transaction began, so that they fit. */
    int watched = changed ? state_store_watch_all(store, NULL) : 0;
    assert(watched == 0);
    (void)watched;
    assert(store->open_sessions == log->open_sessions);
    undo_log_end(log);
}

uint64_t state_store_hash(const struct state_store *store)
{
    struct state_store *s = (struct state_store *)(uintptr_t)store; /* to look up slots, no more */
    uint64_t hash = hash_mix((uint64_t)store->stream_time.ms ^ hash_mix(store->open_sessions));
    for (size_t u = 0; u < store->slots; u++)
        hash = hash_bytes(&state_store_slot(s, (uint32_t)u)->state, store->layout.size_bytes, hash);
    return hash;
}

/* ---- removing ---- */

int state_store_remove(struct state_store *store, struct user_slot *slot, struct err *err)
{
    assert(!slot->logged && !slot_is_vacant(slot));
    if (state_store_reserve_vacant(store) < 0)
        return err_set(err, ERR_MEMORY, "out of memory for %zu vacant slots", store->vacant_count);
    if (store->log.running) {
        const size_t size = store->layout.size_bytes;
        const struct change *change = undo_log_add(&store->log, CHANGE_GONE, slot->index, size);
        if (!change)
            return err_set(err, ERR_MEMORY, "out of memory for a transaction of %zu changes",
                           store->log.count);
        memcpy(store->log.bytes + change->at, &slot->state, size);
    }
    state_store_clear_slot(store, slot);
    store->vacant[store->vacant_count++] = slot->index;
    return 0;
}

int state_store_renew(struct state_store *store, struct user_slot *slot, struct err *err)
{
    struct user_state *fresh = store->scratch;
    if (state_store_touch(store, slot, TOUCH_HISTORY, err) < 0)
        return -1;
    user_state_init(&store->layout, fresh,
                    (struct slice){slot->state.user_id, slot->state.user_id_size});
    memcpy(&slot->state, fresh, store->layout.size_bytes);
    state_store_forget_derived(store, slot);
    return 0;
}

int state_store_evict(struct state_store *store, size_t slots,
                      int (*gone)(void *ctx, const struct user_state *user, struct err *err),
                      void *ctx, struct err *err)
{
    if (store->params.ttl_ms == 0)
        return 0;
    if (slots > store->slots)
        slots = store->slots;
    for (size_t i = 0; i < slots; i++) {
        if (store->evict_hand >= store->slots)
            store->evict_hand = 0;
        struct user_slot *slot = state_store_slot(store, (uint32_t)store->evict_hand);
        if (!slot_is_vacant(slot) && !slot->logged &&
            sessionizer_forgets(&store->params, &slot->state, store->stream_time) &&
            (gone(ctx, &slot->state, err) < 0 || state_store_remove(store, slot, err) < 0))
            return -1;
        store->evict_hand++;
    }
    return 0;
}
