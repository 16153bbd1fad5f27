#include "prepare/play_regroup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/array.h"
#include "data/temp_file.h"

enum { READ_ROWS = 1 << 16, BUFFER_ROWS = 1 << 12 };

int play_rows_write(int fd, uint64_t at, const struct play_row *rows, size_t count, struct err *err)
{
    const char *from = (const char *)rows;
    size_t left = count * sizeof *rows;
    for (off_t offset = (off_t)(at * sizeof *rows); left > 0;) {
        ssize_t done = pwrite(fd, from, left, offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_errno(err, "writing a temporary file in %s", temp_file_folder());
        from += done;
        offset += done;
        left -= (size_t)done;
    }
    return 0;
}

int play_rows_read(int fd, uint64_t at, struct play_row *rows, size_t count, struct err *err)
{
    char *to = (char *)rows;
    size_t left = count * sizeof *rows;
    for (off_t offset = (off_t)(at * sizeof *rows); left > 0;) {
        ssize_t done = pread(fd, to, left, offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_errno(err, "reading a temporary file in %s", temp_file_folder());
        if (done == 0)
            return err_set(err, ERR_IO, "a temporary file in %s became shorter",
                           temp_file_folder());
        to += done;
        offset += done;
        left -= (size_t)done;
    }
    return 0;
}

int play_rows_scatter(const struct play_row *rows, size_t count, const struct user_rows *users,
                      uint32_t begin, uint32_t end, struct play_row *out, struct err *err)
{
    if (begin == end)
        return 0;
    uint64_t *next = malloc((end - begin) * sizeof *next);
    if (!next)
        return err_set(err, ERR_MEMORY, "out of memory for %u users", end - begin);
    for (uint32_t user = begin; user < end; user++)
        next[user - begin] = users[user].first - users[begin].first;
    for (size_t i = 0; i < count; i++)
        out[next[rows[i].user - begin]++] = rows[i];
    free(next);
    return 0;
}

/* A range of users whose rows fit the memory together. */
struct range {
    uint32_t begin, end;
    uint64_t first, count;   /* rows of the new file */
    uint64_t written;        /* of them, in the order they came */
    struct play_row *buffer; /* (BUFFER_ROWS) */
    size_t buffered;
};

struct ranges {
    struct range *all;
    size_t count, capacity;
    uint16_t *of_user;
};

static int add_range(struct ranges *ranges, const struct user_rows *users, uint32_t begin,
                     uint32_t end, struct err *err)
{
    struct range *all = array_grow(ranges->all, &ranges->capacity, ranges->count + 1, sizeof *all);
    struct play_row *buffer = all ? malloc(BUFFER_ROWS * sizeof *buffer) : NULL;
    if (all)
        ranges->all = all;
    if (!buffer || ranges->count == UINT16_MAX) {
        free(buffer);
        return err_set(err, ERR_MEMORY, "out of memory to group %u users", end);
    }
    for (uint32_t user = begin; user < end; user++)
        ranges->of_user[user] = (uint16_t)ranges->count;
    uint64_t stop = users[end - 1].first + users[end - 1].count;
    all[ranges->count++] = (struct range){.begin = begin,
                                          .end = end,
                                          .first = users[begin].first,
                                          .count = stop - users[begin].first,
                                          .buffer = buffer};
    return 0;
}

static int make_ranges(struct ranges *ranges, const struct user_rows *users, uint32_t user_count,
                       size_t range_rows, struct err *err)
{
    ranges->of_user = malloc(user_count * sizeof *ranges->of_user);
    if (!ranges->of_user)
        return err_set(err, ERR_MEMORY, "out of memory for %u users", user_count);
    for (uint32_t begin = 0, end; begin < user_count; begin = end) {
        uint64_t rows = users[begin].count;
        for (end = begin + 1; end < user_count && rows + users[end].count <= range_rows; end++)
            rows += users[end].count;
        if (add_range(ranges, users, begin, end, err) < 0)
            return -1;
    }
    return 0;
}

static void free_ranges(struct ranges *ranges)
{
    for (size_t i = 0; i < ranges->count; i++)
        free(ranges->all[i].buffer);
    free(ranges->all);
    free(ranges->of_user);
}

static int flush_range(struct range *range, int fd, struct err *err)
{
    if (play_rows_write(fd, range->first + range->written, range->buffer, range->buffered, err) < 0)
        return -1;
    range->written += range->buffered;
    range->buffered = 0;
    return 0;
}

/* Every row to its range. */
static int distribute(struct ranges *ranges, int from, int to, uint64_t total, struct err *err)
{
    struct play_row *rows = calloc(READ_ROWS, sizeof *rows);
    if (!rows)
        return err_set(err, ERR_MEMORY, "out of memory to group the rows of a log");
    int status = 0;
    for (uint64_t at = 0; at < total && status == 0;) {
        size_t count = total - at < READ_ROWS ? (size_t)(total - at) : READ_ROWS;
        status = play_rows_read(from, at, rows, count, err);
        for (size_t i = 0; i < count && status == 0; i++) {
            struct range *range = &ranges->all[ranges->of_user[rows[i].user]];
            range->buffer[range->buffered++] = rows[i];
            if (range->buffered == BUFFER_ROWS)
                status = flush_range(range, to, err);
        }
        at += count;
    }
    for (size_t i = 0; i < ranges->count && status == 0; i++)
        status = flush_range(&ranges->all[i], to, err);
    free(rows);
    return status;
}

/* A range's rows by user, where they are. */
static int sort_range(const struct range *range, const struct user_rows *users, int fd,
                      struct err *err)
{
    if (range->end - range->begin == 1)
        return 0;
    struct play_row *rows = calloc(2 * range->count, sizeof *rows);
    if (!rows)
        return err_set(err, ERR_MEMORY, "out of memory for %zu rows", 2 * (size_t)range->count);
    struct play_row *sorted = rows + range->count;
    int status = play_rows_read(fd, range->first, rows, range->count, err);
    if (status == 0)
        status =
            play_rows_scatter(rows, range->count, users, range->begin, range->end, sorted, err);
    if (status == 0)
        status = play_rows_write(fd, range->first, sorted, range->count, err);
    free(rows);
    return status;
}

int play_regroup_file(int fd, const struct user_rows *users, uint32_t user_count,
                      size_t memory_rows, struct err *err)
{
    struct ranges ranges = {0};
    uint64_t total = users[user_count - 1].first + users[user_count - 1].count;
    int status = -1, to = temp_file_open(err);
    /* A range is in memory twice while it is sorted, and the buffers of all before that. */
    if (to < 0 || make_ranges(&ranges, users, user_count, memory_rows / 4 + 1, err) < 0 ||
        distribute(&ranges, fd, to, total, err) < 0)
        goto out;
    status = 0;
    for (size_t i = 0; i < ranges.count && status == 0; i++)
        status = sort_range(&ranges.all[i], users, to, err);
out:
    free_ranges(&ranges);
    if (status < 0 && to >= 0)
        close(to);
    return status < 0 ? -1 : to;
}
