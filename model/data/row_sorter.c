#include "data/row_sorter.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/array.h"
#include "core/arena.h"
#include "data/row_keys.h"
#include "data/row_spill.h"

enum { BLOCK_BYTES = 4 * 1024 * 1024, PREFETCH_ROWS = 12 };

struct row_sorter {
    bool by_time, in_order; /* in_order: the rows in memory came in ascending time */
    size_t memory_bytes;
    struct arena rows;
    struct row_key *keys;
    size_t count, capacity, at;
    struct row_spill *spill; /* NULL while everything fits the budget */
};

struct row_sorter *row_sorter_new(bool by_time, size_t memory_bytes)
{
    struct row_sorter *sorter = calloc(1, sizeof *sorter);
    if (!sorter)
        return NULL;
    if (memory_bytes < ROW_SORTER_MIN_BYTES)
        memory_bytes = ROW_SORTER_MIN_BYTES;
    sorter->by_time = by_time;
    sorter->in_order = true;
    sorter->memory_bytes = memory_bytes;
    arena_init(&sorter->rows, memory_bytes / 16 < BLOCK_BYTES ? memory_bytes / 16 : BLOCK_BYTES);
    return sorter;
}

static void release_rows(struct row_sorter *sorter)
{
    arena_clear(&sorter->rows);
    free(sorter->keys);
    sorter->keys = NULL;
    sorter->count = sorter->capacity = 0;
    sorter->in_order = true;
}

void row_sorter_free(struct row_sorter *sorter)
{
    if (!sorter)
        return;
    release_rows(sorter);
    row_spill_free(sorter->spill);
    free(sorter);
}

size_t row_sorter_runs(const struct row_sorter *sorter)
{
    return sorter->spill ? row_spill_runs(sorter->spill) : 0;
}

static int sort_rows(struct row_sorter *sorter, struct err *err)
{
    if (!sorter->by_time || sorter->in_order)
        return 0;
    struct row_key *scratch = malloc(sorter->count * sizeof *scratch);
    if (!scratch)
        return err_set(err, ERR_MEMORY, "out of memory sorting %zu rows", sorter->count);
    struct row_key *sorted = row_keys_sort(sorter->keys, scratch, sorter->count);
    free(sorted == scratch ? sorter->keys : scratch);
    sorter->keys = sorted;
    sorter->capacity = sorter->count;
    return 0;
}

/* Sorted rows lie all over memory: asked for early, their cache lines arrive in time. */
static const struct packed_row *row_at(const struct row_sorter *sorter, size_t i)
{
    if (i + PREFETCH_ROWS < sorter->count)
        __builtin_prefetch(sorter->keys[i + PREFETCH_ROWS].row);
    return sorter->keys[i].row;
}

static int spill_rows(struct row_sorter *sorter, struct err *err)
{
    if (!sorter->spill) {
        sorter->spill = row_spill_open(sorter->by_time, err);
        if (!sorter->spill)
            return -1;
    }
    if (sort_rows(sorter, err) < 0)
        return -1;
    for (size_t i = 0; i < sorter->count; i++)
        if (row_spill_write(sorter->spill, row_at(sorter, i), err) < 0)
            return -1;
    if (row_spill_end_run(sorter->spill, err) < 0)
        return -1;
    release_rows(sorter);
    return 0;
}

/* What memory holds once a row of size more bytes is in, and while its run is sorted. */
static size_t memory_with(const struct row_sorter *sorter, size_t size)
{
    const struct arena *rows = &sorter->rows;
    size_t bytes = rows->total_bytes, keys = sorter->capacity;
    if (rows->capacity - rows->used < size)
        bytes += size > rows->block_bytes ? size : rows->block_bytes;
    if (sorter->count == keys)
        keys *= 2;
    return bytes + (keys + sorter->count + 1) * sizeof *sorter->keys;
}

static int grow_keys(struct row_sorter *sorter, struct err *err)
{
    void *keys =
        array_grow(sorter->keys, &sorter->capacity, sorter->count + 1, sizeof *sorter->keys);
    if (!keys)
        return err_set(err, ERR_MEMORY, "out of memory for %zu rows", sorter->count + 1);
    sorter->keys = keys;
    return 0;
}

int row_sorter_add(struct row_sorter *sorter, const struct scrobble *scrobble, struct err *err)
{
    struct packed_row head;
    if (!packed_row_head(scrobble, &head))
        return err_set(err, ERR_INPUT, "a text of more than %d bytes", UINT16_MAX);
    size_t size = packed_row_size(&head);
    if (sorter->count > 0 && memory_with(sorter, size) > sorter->memory_bytes &&
        spill_rows(sorter, err) < 0)
        return -1;
    if (sorter->count == sorter->capacity && grow_keys(sorter, err) < 0)
        return -1;
    struct packed_row *row = arena_alloc(&sorter->rows, size);
    if (!row)
        return err_set(err, ERR_MEMORY, "out of memory for %zu rows", sorter->count + 1);
    packed_row_fill(scrobble, &head, row);
    uint64_t time_ms = (uint64_t)head.time_ms;
    if (sorter->count > 0 && sorter->keys[sorter->count - 1].time_ms > time_ms)
        sorter->in_order = false;
    sorter->keys[sorter->count++] = (struct row_key){time_ms, row};
    return 0;
}

int row_sorter_finish(struct row_sorter *sorter, struct err *err)
{
    if (!sorter->spill)
        return sort_rows(sorter, err);
    if (sorter->count > 0 && spill_rows(sorter, err) < 0)
        return -1;
    if (row_spill_finish(sorter->spill, sorter->memory_bytes, err) < 0)
        return -1;
    return row_spill_rewind(sorter->spill, err);
}

int row_sorter_next(struct row_sorter *sorter, struct scrobble *out, struct err *err)
{
    const struct packed_row *row;
    if (sorter->spill) {
        int status = row_spill_next(sorter->spill, &row, err);
        if (status <= 0)
            return status;
    } else {
        if (sorter->at == sorter->count)
            return 0;
        row = row_at(sorter, sorter->at++);
    }
    packed_row_open(row, out);
    return 1;
}

int row_sorter_rewind(struct row_sorter *sorter, struct err *err)
{
    sorter->at = 0;
    return sorter->spill ? row_spill_rewind(sorter->spill, err) : 0;
}
