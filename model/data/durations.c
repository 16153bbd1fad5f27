#include "data/durations.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/names.h"
#include "data/line_reader.h"

enum { COLUMNS = 3, FIRST_CAPACITY = 1024 };

/* A track by the hashes of its two compared names: 128 bits, so that two tracks are never taken for
 * one. */
struct entry {
    uint64_t artist, track; /* track is never 0 but where the place is free */
    uint32_t duration_ms;
};

struct durations {
    struct entry *entries; /* capacity places, open addressing, at most half full */
    size_t capacity, count;
};

static struct entry entry_of(struct slice artist, struct slice track)
{
    return (struct entry){.artist = name_hash(artist, 1), .track = name_hash(track, 2)};
}

static struct entry *place_of(const struct durations *durations, const struct entry *wanted)
{
    size_t mask = durations->capacity - 1;
    size_t at = (size_t)hash_mix(wanted->artist + 3 * wanted->track) & mask;
    for (;; at = (at + 1) & mask) {
        struct entry *entry = &durations->entries[at];
        if (entry->track == 0 || (entry->track == wanted->track && entry->artist == wanted->artist))
            return entry;
    }
}

static int grow(struct durations *durations)
{
    struct durations larger = {.capacity = 2 * durations->capacity, .count = durations->count};
    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (!larger.entries)
        return -1;
    for (size_t i = 0; i < durations->capacity; i++)
        if (durations->entries[i].track != 0)
            *place_of(&larger, &durations->entries[i]) = durations->entries[i];
    free(durations->entries);
    *durations = larger;
    return 0;
}

/* The first known duration of a track stands. */
static int add(struct durations *durations, struct slice artist, struct slice track,
               uint32_t duration_ms, struct err *err)
{
    if (2 * (durations->count + 1) > durations->capacity && grow(durations) < 0)
        return err_set(err, ERR_MEMORY, "out of memory for %zu durations", durations->count + 1);
    struct entry entry = entry_of(artist, track);
    struct entry *place = place_of(durations, &entry);
    if (place->track == 0) {
        entry.duration_ms = duration_ms;
        *place = entry;
        durations->count++;
    }
    return 0;
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
    int status = -1;
    struct durations *durations = calloc(1, sizeof *durations);
    if (durations)
        durations->entries = calloc(FIRST_CAPACITY, sizeof *durations->entries);
    if (!durations || !durations->entries) {
        err_set(err, ERR_MEMORY, "out of memory opening %s", path);
        goto out;
    }
    durations->capacity = FIRST_CAPACITY;
    status = read_lines(durations, reader, err);
out:
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
    struct entry entry = entry_of(artist, track);
    return place_of(durations, &entry)->duration_ms;
}

size_t durations_count(const struct durations *durations)
{
    return durations ? durations->count : 0;
}

void durations_free(struct durations *durations)
{
    if (!durations)
        return;
    free(durations->entries);
    free(durations);
}
