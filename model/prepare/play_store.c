#include "prepare/play_store.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/array.h"
#include "core/big_alloc.h"
#include "data/temp_file.h"
#include "prepare/play_regroup.h"

#define DEFAULT_MEMORY_BYTES ((size_t)384 << 20)
#define MIN_MEMORY_ROWS      ((size_t)1024)

struct play_store {
    struct play_row *rows;     /* all of them, or those behind the ones in the file */
    size_t count, memory_rows; /* in memory; the budget */
    int fd;                    /* -1: everything is in memory */
    uint64_t in_file;
    struct user_rows *users;
    size_t user_count, user_capacity;
    uint32_t last_user;
    bool grouped;
};

struct play_store *play_store_new(size_t memory_bytes, struct err *err)
{
    struct play_store *store = calloc(1, sizeof *store);
    if (!store) {
        err_set(err, ERR_MEMORY, "out of memory for the rows of a log");
        return NULL;
    }
    if (memory_bytes == 0)
        memory_bytes = DEFAULT_MEMORY_BYTES;
    store->memory_rows = memory_bytes / sizeof *store->rows;
    if (store->memory_rows < MIN_MEMORY_ROWS)
        store->memory_rows = MIN_MEMORY_ROWS;
    store->fd = -1;
    store->grouped = true;
    return store;
}

void play_store_free(struct play_store *store)
{
    if (!store)
        return;
    if (store->fd >= 0)
        close(store->fd);
    free(store->rows);
    free(store->users);
    free(store);
}

/* Moves what is in memory behind what is in the file. */
static int spill(struct play_store *store, struct err *err)
{
    if (store->fd < 0 && (store->fd = temp_file_open(err)) < 0)
        return -1;
    if (play_rows_write(store->fd, store->in_file, store->rows, store->count, err) < 0)
        return -1;
    store->in_file += store->count;
    store->count = 0;
    return 0;
}

static int count_row(struct play_store *store, const struct play_row *row, struct err *err)
{
    if (row->user >= store->user_count) {
        struct user_rows *users =
            array_grow(store->users, &store->user_capacity, (size_t)row->user + 1, sizeof *users);
        if (!users)
            return err_set(err, ERR_MEMORY, "out of memory for %u users", row->user + 1);
        store->users = users;
        for (; store->user_count <= row->user; store->user_count++)
            users[store->user_count] = (struct user_rows){0};
    }
    struct user_rows *user = &store->users[row->user];
    if (user->count == 0)
        user->first = store->in_file + store->count;
    else if (row->user != store->last_user)
        store->grouped = false;
    store->last_user = row->user;
    user->count++;
    return 0;
}

int play_store_add(struct play_store *store, const struct play_row *row, struct err *err)
{
    if (store->count == store->memory_rows && spill(store, err) < 0)
        return -1;
    /* The whole budget at once: what is not written to is no memory yet. */
    if (!store->rows && !(store->rows = big_alloc(store->memory_rows * sizeof *store->rows, true)))
        return err_set(err, ERR_MEMORY, "out of memory for %zu rows", store->memory_rows);
    if (count_row(store, row, err) < 0)
        return -1;
    store->rows[store->count++] = *row;
    return 0;
}

/* Rows in any order become rows by user. */
static int regroup(struct play_store *store, struct err *err)
{
    uint64_t total = store->in_file + store->count, first = 0;
    for (size_t user = 0; user < store->user_count; user++) {
        store->users[user].first = first;
        first += store->users[user].count;
    }
    /* In memory it takes twice the room. */
    if (store->fd < 0 && 2 * total > store->memory_rows && spill(store, err) < 0)
        return -1;
    if (store->fd < 0) {
        struct play_row *rows = malloc((total ? total : 1) * sizeof *rows);
        if (!rows)
            return err_set(err, ERR_MEMORY, "out of memory for %zu rows", (size_t)total);
        int status = play_rows_scatter(store->rows, store->count, store->users, 0,
                                       (uint32_t)store->user_count, rows, err);
        free(store->rows);
        store->rows = rows;
        return status;
    }
    free(store->rows);
    store->rows = NULL;
    int fd = play_regroup_file(store->fd, store->users, (uint32_t)store->user_count,
                               store->memory_rows, err);
    if (fd < 0)
        return -1;
    close(store->fd);
    store->fd = fd;
    return 0;
}

int play_store_finish(struct play_store *store, struct err *err)
{
    if (store->fd >= 0) {
        if (spill(store, err) < 0)
            return -1;
        free(store->rows);
        store->rows = NULL;
    }
    return store->grouped ? 0 : regroup(store, err);
}

uint32_t play_store_users(const struct play_store *store)
{
    return (uint32_t)store->user_count;
}

uint64_t play_store_count(const struct play_store *store, uint32_t user)
{
    return store->users[user].count;
}

int play_store_load(const struct play_store *store, uint32_t user, struct play_row *out,
                    struct err *err)
{
    const struct user_rows *place = &store->users[user];
    if (store->fd >= 0)
        return play_rows_read(store->fd, place->first, out, place->count, err);
    memcpy(out, store->rows + place->first, place->count * sizeof *out);
    return 0;
}

static void reverse(struct play_row *rows, size_t count)
{
    for (size_t i = 0, j = count; i + 1 < j; i++) {
        struct play_row row = rows[i];
        rows[i] = rows[--j];
        rows[j] = row;
    }
}

/* Newest first, as Last.fm-1K has it: turned round, and equal times back again. */
static void turn_round(struct play_row *rows, size_t count)
{
    reverse(rows, count);
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && rows[end].time_ms == rows[begin].time_ms;)
            end++;
        reverse(rows + begin, end - begin);
    }
}

/* Merges the sorted halves of rows, which lie in from, into to. */
static void merge(const struct play_row *from, size_t half, size_t count, struct play_row *to)
{
    size_t left = 0, right = half;
    for (size_t i = 0; i < count; i++) {
        bool take_left =
            right == count || (left < half && from[left].time_ms <= from[right].time_ms);
        to[i] = from[take_left ? left++ : right++];
    }
}

static void merge_sort(struct play_row *rows, struct play_row *scratch, size_t count)
{
    enum { INSERTION = 16 };
    if (count <= INSERTION) {
        for (size_t i = 1; i < count; i++) {
            struct play_row row = rows[i];
            size_t at = i;
            for (; at > 0 && rows[at - 1].time_ms > row.time_ms; at--)
                rows[at] = rows[at - 1];
            rows[at] = row;
        }
        return;
    }
    size_t half = count / 2;
    merge_sort(rows, scratch, half);
    merge_sort(rows + half, scratch + half, count - half);
    memcpy(scratch, rows, count * sizeof *rows);
    merge(scratch, half, count, rows);
}

void play_rows_sort(struct play_row *rows, struct play_row *scratch, size_t count)
{
    bool ascending = true, descending = true;
    for (size_t i = 1; i < count; i++) {
        ascending = ascending && rows[i - 1].time_ms <= rows[i].time_ms;
        descending = descending && rows[i - 1].time_ms >= rows[i].time_ms;
    }
    if (ascending)
        return;
    if (descending)
        turn_round(rows, count);
    else
        merge_sort(rows, scratch, count);
}
