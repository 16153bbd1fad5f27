#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/big_alloc.h"
#include "core/array.h"
#include "core/hash.h"
#include "stream/sessionizer.h"
#include "stream/state_store_private.h"

#define INDEX_LEAST 256
#define NO_USER     UINT32_MAX

static struct index_entry *new_index(size_t size)
{
    struct index_entry *index = size * sizeof *index >= BIG_PAGE_BYTES
                                    ? big_alloc(size * sizeof *index, true)
                                    : malloc(size * sizeof *index);
    if (index)
        memset(index, 0xff, size * sizeof *index); /* NO_USER everywhere */
    return index;
}

struct state_store *state_store_new(const struct stream_params *params, uint32_t partition,
                                    struct err *err)
{
    struct state_store *store = calloc(1, sizeof *store);
    if (!store)
        goto fail;
    store->params = *params;
    store->layout = user_layout_of(params);
    store->partition = partition;
    store->slot_bytes = offsetof(struct user_slot, state) + store->layout.size_bytes;
    store->chunk_slots = (uint32_t)(BIG_PAGE_BYTES / store->slot_bytes);
    assert(store->chunk_slots > 0);
    store->stream_time = EVENT_TIME_NEVER;
    store->index_size = INDEX_LEAST;
    store->index = new_index(store->index_size);
    store->cache = session_cache_new(params->window, 0);
    store->scratch = malloc(store->layout.size_bytes);
    if (store->index && store->cache && store->scratch)
        return store;
fail:
    state_store_free(store);
    err_set(err, ERR_MEMORY, "out of memory for the state of partition %u", partition);
    return NULL;
}

static void free_hidden(struct state_store *store)
{
    for (size_t c = 0; c < store->chunk_capacity; c++) {
        free(store->hidden_chunks[c]);
        store->hidden_chunks[c] = NULL;
    }
}

void state_store_free(struct state_store *store)
{
    if (!store)
        return;
    session_cache_free(store->cache);
    if (store->hidden_chunks)
        free_hidden(store);
    for (size_t c = 0; c < store->chunk_capacity; c++)
        free(store->chunks[c]);
    free(store->chunks);
    free(store->hidden_chunks);
    free(store->index);
    free(store->vacant);
    free(store->scratch);
    timer_heap_release(&store->timers);
    undo_log_release(&store->log);
    free(store);
}

struct event_time state_store_stream_time(const struct state_store *store)
{
    return store->stream_time;
}

uint32_t state_store_partition(const struct state_store *store)
{
    return store->partition;
}

size_t state_store_users(const struct state_store *store)
{
    return store->users;
}

size_t state_store_open_sessions(const struct state_store *store)
{
    return store->open_sessions;
}

void state_store_count_open(struct state_store *store, int change)
{
    store->open_sessions = (size_t)((int64_t)store->open_sessions + change);
}

const struct user_layout *state_store_layout(const struct state_store *store)
{
    return &store->layout;
}

const struct stream_params *state_store_params(const struct state_store *store)
{
    return &store->params;
}

struct session_cache *state_store_cache(struct state_store *store)
{
    return store->cache;
}

struct user_state *state_store_scratch(struct state_store *store)
{
    return store->scratch;
}

size_t state_store_bytes(const struct state_store *store)
{
    size_t chunks = (store->slots + store->chunk_slots - 1) / store->chunk_slots;
    return sizeof *store + store->layout.size_bytes + store->chunk_capacity * 2 * sizeof(char *) +
           chunks * (BIG_PAGE_BYTES + store->chunk_slots * store->hidden * sizeof(float)) +
           store->index_size * sizeof *store->index +
           store->vacant_capacity * sizeof *store->vacant +
           store->timers.capacity * sizeof *store->timers.timer + undo_log_bytes(&store->log) +
           session_cache_bytes(store->cache);
}

struct user_slot *state_store_slot(struct state_store *store, uint32_t index)
{
    return (struct user_slot *)(store->chunks[index / store->chunk_slots] +
                                index % store->chunk_slots * store->slot_bytes);
}

float *state_store_hidden(struct state_store *store, uint32_t index)
{
    if (store->hidden == 0)
        return NULL;
    return store->hidden_chunks[index / store->chunk_slots] +
           (size_t)(index % store->chunk_slots) * store->hidden;
}

/* What an event reads of a user, asked for as soon as it is known where that is, so that the waits
 * overlap. */
static inline void fetch_hot(const struct user_slot *slot)
{
    enum { LINE = 64, HOT_BYTES = 384 }; /* up to the running statistics */
    for (size_t at = 0; at < HOT_BYTES; at += LINE)
        __builtin_prefetch((const char *)slot + at, 1);
}

/* The place in the index of a user, or the empty place where it belongs. */
static size_t probe(const struct state_store *store, struct slice user_id, uint32_t hash)
{
    size_t mask = store->index_size - 1;
    size_t at = hash & mask;
    for (;; at = (at + 1) & mask) {
        const struct index_entry *e = &store->index[at];
        if (e->user == NO_USER)
            return at;
        if (e->hash != hash)
            continue;
        const struct user_slot *slot =
            state_store_slot((struct state_store *)(uintptr_t)store, e->user);
        fetch_hot(slot);
        if (slot->state.user_id_size == user_id.size &&
            memcmp(slot->state.user_id, user_id.data, user_id.size) == 0)
            return at;
    }
}

static int grow_index(struct state_store *store)
{
    size_t size = store->index_size * 2;
    struct index_entry *index = new_index(size);
    if (!index)
        return -1;
    for (size_t i = 0; i < store->index_size; i++) {
        struct index_entry e = store->index[i];
        if (e.user == NO_USER)
            continue;
        size_t at = e.hash & (size - 1);
        while (index[at].user != NO_USER)
            at = (at + 1) & (size - 1);
        index[at] = e;
    }
    free(store->index);
    store->index = index;
    store->index_size = size;
    return 0;
}

static int grow_chunks(struct state_store *store)
{
    size_t capacity = store->chunk_capacity ? store->chunk_capacity * 2 : 8;
    char **chunks = realloc(store->chunks, capacity * sizeof *chunks);
    if (chunks)
        store->chunks = chunks;
    float **hidden = realloc(store->hidden_chunks, capacity * sizeof *hidden);
    if (hidden)
        store->hidden_chunks = hidden;
    if (!chunks || !hidden)
        return -1;
    for (size_t c = store->chunk_capacity; c < capacity; c++) {
        chunks[c] = NULL;
        hidden[c] = NULL;
    }
    store->chunk_capacity = capacity;
    return 0;
}

/* Memory for the next user, so that adding it cannot fail half way. */
static int make_room(struct state_store *store)
{
    if (store->slots >= NO_USER - 1)
        return -1;
    if ((store->users + 1) * 10 > store->index_size * 7 && grow_index(store) < 0)
        return -1;
    if (store->vacant_count > 0)
        return 0;
    size_t chunk = store->slots / store->chunk_slots;
    if (chunk >= store->chunk_capacity && grow_chunks(store) < 0)
        return -1;
    if (!store->chunks[chunk])
        store->chunks[chunk] = big_alloc(BIG_PAGE_BYTES, chunk > 0); /* a small store stays small */
    if (store->hidden > 0 && !store->hidden_chunks[chunk])
        store->hidden_chunks[chunk] = malloc(store->chunk_slots * store->hidden * sizeof(float));
    return store->chunks[chunk] && (store->hidden == 0 || store->hidden_chunks[chunk]) ? 0 : -1;
}

static uint32_t user_hash(struct slice user_id)
{
    return (uint32_t)hash_bytes(user_id.data, user_id.size, 0);
}

const struct user_slot *state_store_find(const struct state_store *store, struct slice user_id)
{
    size_t at = probe(store, user_id, user_hash(user_id));
    if (store->index[at].user == NO_USER)
        return NULL;
    return state_store_slot((struct state_store *)(uintptr_t)store, store->index[at].user);
}

struct user_slot *state_store_at(struct state_store *store, struct slice user_id)
{
    uint32_t hash = user_hash(user_id);
    size_t at = probe(store, user_id, hash);
    if (store->index[at].user != NO_USER)
        return state_store_slot(store, store->index[at].user);
    if (make_room(store) < 0)
        return NULL;
    uint32_t user =
        store->vacant_count > 0 ? store->vacant[store->vacant_count - 1] : (uint32_t)store->slots;
    struct change *change = NULL;
    if (store->log.running && !(change = undo_log_add(&store->log, CHANGE_NEW, user, 0)))
        return NULL;
    if (change)
        change->at = store->slots;
    if (store->vacant_count > 0)
        store->vacant_count--;
    else
        store->slots++;
    store->users++;
    at = probe(store, user_id, hash); /* the index may have grown */
    store->index[at] = (struct index_entry){hash, user};
    struct user_slot *slot = state_store_slot(store, user);
    memset(slot, 0, offsetof(struct user_slot, state));
    slot->index = user;
    slot->logged = change ? LOGGED_NEW : 0;
    slot->hidden_valid = true; /* zeros are what a user without sessions has */
    if (store->hidden > 0)
        memset(state_store_hidden(store, user), 0, store->hidden * sizeof(float));
    user_state_init(&store->layout, &slot->state, user_id);
    return slot;
}

struct user_slot *state_store_next(struct state_store *store, size_t *cursor)
{
    while (*cursor < store->slots) {
        struct user_slot *slot = state_store_slot(store, (uint32_t)(*cursor)++);
        if (!slot_is_vacant(slot))
            return slot;
    }
    return NULL;
}

/* ---- removing ---- */

/* Closes the hole, so that a probe never stops short of an entry behind it (Knuth 6.4, R). */
static void index_remove(struct state_store *store, size_t hole)
{
    size_t mask = store->index_size - 1;
    struct index_entry *index = store->index;
    for (size_t at = (hole + 1) & mask; index[at].user != NO_USER; at = (at + 1) & mask) {
        size_t home = index[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            index[hole] = index[at];
            hole = at;
        }
    }
    index[hole].user = NO_USER;
}

static struct slice id_of(const struct user_slot *slot)
{
    return (struct slice){slot->state.user_id, slot->state.user_id_size};
}

void state_store_forget_derived(struct state_store *store, struct user_slot *slot)
{
    slot->hidden_valid = false;
    if (slot->block)
        session_cache_give(store->cache, slot->block);
}

void state_store_clear_slot(struct state_store *store, struct user_slot *slot)
{
    struct slice user_id = id_of(slot);
    index_remove(store, probe(store, user_id, user_hash(user_id)));
    state_store_forget_derived(store, slot);
    memset(&slot->state, 0, store->layout.size_bytes); /* a timer left behind finds nothing open */
    slot->logged = 0;
    store->users--;
}

void state_store_refill_slot(struct state_store *store, struct user_slot *slot, const void *record)
{
    memcpy(&slot->state, record, store->layout.size_bytes);
    struct slice user_id = id_of(slot);
    uint32_t hash = user_hash(user_id);
    store->index[probe(store, user_id, hash)] = (struct index_entry){hash, slot->index};
    store->users++;
}

int state_store_reserve_vacant(struct state_store *store)
{
    void *vacant = array_grow(store->vacant, &store->vacant_capacity, store->vacant_count + 1,
                              sizeof *store->vacant);
    if (!vacant)
        return -1;
    store->vacant = vacant;
    return 0;
}

int state_store_adopt(struct state_store *store, uint64_t generation, uint32_t hidden,
                      uint32_t dense, struct err *err)
{
    if (store->generation == generation)
        return 0;
    struct session_cache *cache = session_cache_new(store->params.window, dense);
    if (!cache)
        return err_set(err, ERR_MEMORY, "out of memory for a new bundle");
    if (hidden != store->hidden && store->hidden_chunks)
        free_hidden(store);
    store->hidden = hidden;
    size_t chunks = (store->slots + store->chunk_slots - 1) / store->chunk_slots;
    assert(chunks == 0 || store->hidden_chunks);
    for (size_t c = 0; hidden > 0 && c < chunks; c++) {
        if (!store->hidden_chunks[c])
            store->hidden_chunks[c] = malloc(store->chunk_slots * hidden * sizeof(float));
        if (!store->hidden_chunks[c]) {
            session_cache_free(cache);
            return err_set(err, ERR_MEMORY, "out of memory for the hidden states of a new bundle");
        }
    }
    session_cache_free(store->cache);
    store->cache = cache;
    for (size_t u = 0; u < store->slots; u++)
        state_store_slot(store, (uint32_t)u)->hidden_valid = false;
    store->generation = generation;
    return 0;
}

bool state_store_move_time(struct state_store *store, struct event_time time)
{
    if (!event_time_before(store->stream_time, time))
        return false;
    store->stream_time = time;
    return true;
}

int state_store_watch(struct state_store *store, uint32_t index, uint32_t session,
                      struct event_time due, struct err *err)
{
    if (timer_heap_reserve(&store->timers) < 0)
        return err_set(err, ERR_MEMORY, "out of memory for more than %zu session timers",
                       store->timers.count);
    timer_heap_push(&store->timers, (struct timer){due.ms, index, session});
    return 0;
}

bool state_store_due(struct state_store *store, uint32_t *index, uint32_t *session)
{
    struct timer timer;
    if (!timer_heap_pop(&store->timers, store->stream_time.ms, &timer))
        return false;
    *index = timer.user;
    *session = timer.session;
    return true;
}

int state_store_watch_all(struct state_store *store, struct err *err)
{
    size_t cursor = 0;
    const struct user_slot *slot;
    store->timers.count = store->open_sessions = 0;
    while ((slot = state_store_next(store, &cursor))) {
        const struct session_sums *current = &slot->state.current;
        if (!current->open)
            continue;
        store->open_sessions++;
        if (state_store_watch(store, slot->index, current->number,
                              sessionizer_due(&store->params, current), err) < 0)
            return -1;
    }
    return 0;
}
