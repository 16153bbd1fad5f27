#include "data/durations.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/names.h"
#include "data/line_reader.h"

enum { COLUMNS = 3 };

struct durations {
    struct key_table *table;
};

struct durations *durations_new(struct err *err)
{
    struct durations *durations = calloc(1, sizeof *durations);
    if (!durations) {
        err_set(err, ERR_MEMORY, "out of memory for durations");
        return NULL;
    }
    durations->table = key_table_new(err);
    if (!durations->table) {
        free(durations);
        return NULL;
    }
    return durations;
}

struct table_key durations_key(struct slice artist, struct slice track)
{
    return (struct table_key){.high = name_hash(artist, 1), .low = name_hash(track, 2)};
}

int durations_set(struct durations *durations, struct table_key key, uint32_t duration_ms,
                  struct err *err)
{
    return key_table_set(durations->table, key, duration_ms, err);
}

/* The first known duration of a track stands. */
static int add(struct durations *durations, struct slice artist, struct slice track,
               uint32_t duration_ms, struct err *err)
{
    struct table_key key = durations_key(artist, track);
    return key_table_get(durations->table, key) == 0
               ? durations_set(durations, key, duration_ms, err)
               : 0;
}

/* Empty is 0: unknown. @return false if it is no whole number */
static bool read_ms(struct slice text, int64_t *out)
{
    int64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        if (value <= DURATION_MAX_MS) /* enough to see that it is longer than any */
            value = value * 10 + (text.data[i] - '0');
    }
    *out = value;
    return true;
}

static int take_line(struct durations *durations, const struct line *line, struct err *err)
{
    struct slice fields[COLUMNS];
    int64_t ms;
    if (line->too_long)
        return err_set(err, ERR_INPUT, "it has more than %d bytes", LINE_MAX_BYTES);
    if (line->text.size == 0)
        return 0;
    size_t count = line_split(line->text, fields, COLUMNS);
    if (count != COLUMNS)
        return err_set(err, ERR_INPUT, "it has %zu tab-separated field%s, not %d", count,
                       count == 1 ? "" : "s", COLUMNS);
    if (!read_ms(fields[2], &ms)) {
        if (line->number == 1 && fields[2].data[0] >= 'A')
            return 0; /* a word: the header */
        return err_set(err, ERR_INPUT, "duration \"%.*s\" is not a whole number of milliseconds",
                       line_printable(fields[2]), fields[2].data);
    }
    if (ms == 0 || ms > DURATION_MAX_MS)
        return 0;
    return add(durations, fields[0], fields[1], (uint32_t)ms, err);
}

static int read_lines(struct durations *durations, struct line_reader *reader, struct err *err)
{
    struct line line;
    int status;
    while ((status = line_reader_next(reader, &line, err)) > 0)
        if (take_line(durations, &line, err) < 0)
            return err_prefix(err, "%s:%" PRIu64, line_reader_name(reader), line.number);
    return status;
}

struct durations *durations_load(const char *path, struct err *err)
{
    struct line_reader *reader = line_reader_open(path, err);
    if (!reader)
        return NULL;
    struct durations *durations = durations_new(err);
    int status = durations ? read_lines(durations, reader, err) : -1;
    line_reader_free(reader);
    if (status < 0) {
        durations_free(durations);
        return NULL;
    }
    return durations;
}

int64_t durations_find(const struct durations *durations, struct slice artist, struct slice track)
{
    if (!durations)
        return 0;
    return key_table_get(durations->table, durations_key(artist, track));
}

size_t durations_count(const struct durations *durations)
{
    return durations ? key_table_count(durations->table) : 0;
}

void durations_free(struct durations *durations)
{
    if (!durations)
        return;
    key_table_free(durations->table);
    free(durations);
}
