#include "daemon/partition_set.h"

#include <stdlib.h>
#include <string.h>

void partition_set_release(struct partition_set *set)
{
    for (size_t i = 0; i < set->slots; i++) {
        state_store_free(set->slot[i].store);
    }
    free(set->slot);
    memset(set, 0, sizeof *set);
}

static int grow(struct partition_set *set, size_t slots, struct err *err)
{
    struct partition *grown = realloc(set->slot, slots * sizeof *grown);
    if (!grown) {
        return err_set(err, ERR_MEMORY, "out of memory for %zu partitions", slots);
    }
    memset(grown + set->slots, 0, (slots - set->slots) * sizeof *grown);
    set->slot = grown;
    set->slots = slots;
    return 0;
}

int partition_set_install(struct partition_set *set, int32_t id, struct state_store *store,
                          int64_t offset, struct err *err)
{
    if ((size_t)id >= set->slots && grow(set, (size_t)id + 1, err) != 0) {
        state_store_free(store);
        return -1;
    }
    partition_set_remove(set, id);
    set->slot[id] = (struct partition){.store = store,
                                       .next_offset = offset,
                                       .closing_offset = OFFSET_NONE,
                                       .committed_offset = offset,
                                       .base_offset = offset,
                                       .base_stream_time = state_store_stream_time(store),
                                       .end_offset = OFFSET_NONE,
                                       .arrival_stream_time = EVENT_TIME_NEVER};
    set->live++;
    return 0;
}

struct state_store *partition_set_take(struct partition_set *set, int32_t id)
{
    struct partition *partition = partition_set_find(set, id);
    struct state_store *store = partition ? partition->store : NULL;
    if (partition) {
        partition->store = NULL;
        set->live--;
    }
    return store;
}

void partition_set_remove(struct partition_set *set, int32_t id)
{
    state_store_free(partition_set_take(set, id));
}

struct event_time partition_idle_time(const struct partition *partition, int64_t now_ms,
                                      int64_t idle_ms)
{
    int64_t silence_ms = now_ms - partition->arrival_ms;
    if (idle_ms == 0 || !partition->at_end || silence_ms < idle_ms ||
        partition->arrival_stream_time.ms == EVENT_TIME_NEVER.ms) {
        return EVENT_TIME_NEVER;
    }
    return event_time_add_ms(partition->arrival_stream_time, silence_ms);
}

int64_t partition_lag(const struct partition *partition)
{
    if (partition->at_end || partition->next_offset == OFFSET_NONE ||
        partition->end_offset < partition->next_offset) {
        return 0;
    }
    return partition->end_offset - partition->next_offset;
}
