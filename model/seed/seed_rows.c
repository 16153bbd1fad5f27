#include "seed/seed_rows.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "data/line_reader.h"

#define COLUMNS (SEED_INPUTS + 1)

void seed_rows_release(struct seed_rows *rows)
{
    free(rows->row);
    *rows = (struct seed_rows){0};
}

void seed_data_release(struct seed_data *data)
{
    seed_rows_release(&data->train);
    seed_rows_release(&data->validate);
    seed_rows_release(&data->test);
}

int seed_rows_add(struct seed_rows *rows, const struct seed_row *row, struct err *err)
{
    void *grown = array_grow(rows->row, &rows->capacity, rows->count + 1, sizeof *rows->row);
    if (!grown)
        return err_set(err, ERR_MEMORY, "out of memory for %zu sessions", rows->count + 1);
    rows->row = grown;
    rows->row[rows->count++] = *row;
    return 0;
}

/* ---- files ---- */

static int read_line(const struct line *line, const char *path, struct seed_row *row,
                     struct err *err)
{
    struct slice field[COLUMNS];
    double value[COLUMNS];
    size_t count = line->too_long ? 0 : line_split(line->text, field, COLUMNS);
    if (count != COLUMNS)
        return err_set(err, ERR_INPUT, "%s:%llu: %zu columns, expected the %d of a summary file",
                       path, (unsigned long long)line->number, count, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++)
        if (!line_real(field[i], &value[i]))
            return err_set(err, ERR_INPUT, "%s:%llu: column %zu: \"%.*s\" is not a number", path,
                           (unsigned long long)line->number, i + 1, line_printable(field[i]),
                           field[i].data);
    if (value[SEED_USER] < 0 || value[SEED_USER] > UINT32_MAX)
        return err_set(err, ERR_INPUT, "%s:%llu: column 2: %g is not the number of a user", path,
                       (unsigned long long)line->number, value[SEED_USER]);
    memcpy(row->input, value, sizeof row->input);
    row->length_s = value[SEED_INPUTS];
    return 0;
}

int seed_rows_read(struct seed_rows *rows, const char *path, struct err *err)
{
    struct line line;
    struct seed_row row = {.place = 0};
    struct line_reader *reader = line_reader_open(path, err);
    if (!reader)
        return -1;
    int more;
    while ((more = line_reader_next(reader, &line, err)) > 0) {
        if (read_line(&line, path, &row, err) || seed_rows_add(rows, &row, err)) {
            more = -1;
            break;
        }
        row.place++;
    }
    line_reader_free(reader);
    return more;
}

/* ---- order and choice ---- */

size_t seed_rows_users(const struct seed_rows *rows)
{
    size_t users = 0;
    for (size_t i = 0; i < rows->count; i++)
        users += i == 0 || seed_user(&rows->row[i]) != seed_user(&rows->row[i - 1]);
    return users;
}

static bool after(const struct seed_row *a, const struct seed_row *b)
{
    return a->input[SEED_START] > b->input[SEED_START];
}

/* Merges two sorted halves; what is equal comes from the first. */
static void merge(const struct seed_row *from, size_t half, size_t count, struct seed_row *to)
{
    size_t a = 0, b = half;
    for (size_t i = 0; i < count; i++)
        to[i] = b == count || (a < half && !after(&from[a], &from[b])) ? from[a++] : from[b++];
}

static void merge_sort(struct seed_row *row, size_t count, struct seed_row *scratch)
{
    if (count < 2)
        return;
    size_t half = count / 2;
    merge_sort(row, half, scratch);
    merge_sort(row + half, count - half, scratch);
    merge(row, half, count, scratch);
    memcpy(row, scratch, count * sizeof *row);
}

int seed_rows_sort(struct seed_rows *rows, struct err *err)
{
    struct seed_row *scratch = malloc((rows->count + 1) * sizeof *scratch);
    if (!scratch)
        return err_set(err, ERR_MEMORY, "out of memory sorting %zu sessions", rows->count);
    merge_sort(rows->row, rows->count, scratch);
    free(scratch);
    return 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double seed_percentile(double *values, size_t count, double percent)
{
    qsort(values, count, sizeof *values, by_value);
    double at = percent / 100 * (double)(count - 1);
    size_t below = (size_t)at;
    double above = below + 1 < count ? values[below + 1] : values[below];
    return values[below] + (at - (double)below) * (above - values[below]);
}

int seed_rows_filter(struct seed_rows *rows, double percent, struct err *err)
{
    if (rows->count == 0)
        return 0;
    double *length = malloc(rows->count * sizeof *length);
    if (!length)
        return err_set(err, ERR_MEMORY, "out of memory for %zu lengths", rows->count);
    for (size_t i = 0; i < rows->count; i++)
        length[i] = rows->row[i].length_s;
    double limit = seed_percentile(length, rows->count, percent);
    free(length);
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++)
        if (rows->row[i].length_s < limit && rows->row[i].input[SEED_PREVIOUS] < limit)
            rows->row[kept++] = rows->row[i];
    rows->count = kept;
    return 0;
}

/* ---- clusters ---- */

void seed_members_release(struct seed_members *members)
{
    free(members->member);
    *members = (struct seed_members){0};
}

int seed_members_add(struct seed_members *members, struct seed_member member, struct err *err)
{
    void *grown = array_grow(members->member, &members->capacity, members->count + 1,
                             sizeof *members->member);
    if (!grown)
        return err_set(err, ERR_MEMORY, "out of memory for %zu members", members->count + 1);
    members->member = grown;
    members->member[members->count++] = member;
    if (member.cluster >= members->clusters)
        members->clusters = member.cluster + 1;
    return 0;
}

static int by_user(const void *a, const void *b)
{
    uint32_t x = ((const struct seed_member *)a)->user, y = ((const struct seed_member *)b)->user;
    return (x > y) - (x < y);
}

int seed_members_sort(struct seed_members *members, struct err *err)
{
    if (members->count)
        qsort(members->member, members->count, sizeof *members->member, by_user);
    for (size_t i = 1; i < members->count; i++)
        if (members->member[i].user == members->member[i - 1].user)
            return err_set(err, ERR_INPUT, "user %u is in two clusters", members->member[i].user);
    return 0;
}

int64_t seed_members_find(const struct seed_members *members, uint32_t user)
{
    if (!members)
        return 0;
    const struct seed_member key = {.user = user};
    const struct seed_member *found =
        members->count
            ? bsearch(&key, members->member, members->count, sizeof *members->member, by_user)
            : NULL;
    return found ? (int64_t)found->cluster : -1;
}

int seed_rows_of_cluster(const struct seed_rows *from, const struct seed_members *members,
                         uint32_t cluster, struct seed_rows *out, struct err *err)
{
    for (size_t i = 0; i < from->count; i++)
        if (seed_members_find(members, seed_user(&from->row[i])) == cluster &&
            seed_rows_add(out, &from->row[i], err))
            return -1;
    return 0;
}
