#include "data/profiles.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/hash.h"
#include "data/line_reader.h"
#include "data/timestamp.h"
#include "data/utf8.h"

enum { COLUMNS = 5, FIRST_CAPACITY = 64 };

struct profiles {
    struct profile *rows; /* in file order */
    size_t count, capacity;
    size_t *places; /* 2 * capacity, open addressing: number of the row + 1, 0 where free */
};

static size_t *place_of(const struct profiles *profiles, struct slice user_id)
{
    size_t places = 2 * profiles->capacity;
    size_t at = (size_t)hash_bytes(user_id.data, user_id.size, 0) % places;
    for (;; at = (at + 1) % places) {
        size_t *place = &profiles->places[at];
        if (*place == 0)
            return place;
        const char *other = profiles->rows[*place - 1].user_id;
        if (strlen(other) == user_id.size && memcmp(other, user_id.data, user_id.size) == 0)
            return place;
    }
}

static struct slice id_of(const struct profile *profile)
{
    return (struct slice){profile->user_id, strlen(profile->user_id)};
}

static int grow(struct profiles *profiles, struct err *err)
{
    size_t capacity = profiles->capacity ? 2 * profiles->capacity : FIRST_CAPACITY;
    struct profile *rows = realloc(profiles->rows, capacity * sizeof *rows);
    if (rows)
        profiles->rows = rows;
    size_t *places = calloc(2 * capacity, sizeof *places);
    if (!rows || !places) {
        free(places);
        err_set(err, ERR_MEMORY, "out of memory for %zu profiles", capacity);
        return -1;
    }
    free(profiles->places);
    profiles->places = places;
    profiles->capacity = capacity;
    for (size_t i = 0; i < profiles->count; i++)
        *place_of(profiles, id_of(&rows[i])) = i + 1;
    return 0;
}

static int add(struct profiles *profiles, const struct profile *profile, struct err *err)
{
    if (profiles->count == profiles->capacity && grow(profiles, err) < 0)
        return -1;
    size_t *place = place_of(profiles, id_of(profile));
    if (*place != 0)
        return err_set(err, ERR_INPUT, "user %.*s is there a second time",
                       line_printable(id_of(profile)), profile->user_id);
    profiles->rows[profiles->count++] = *profile;
    *place = profiles->count;
    return 0;
}

static int read_text(struct slice text, const char *what, char *out, size_t capacity,
                     struct err *err)
{
    if (text.size >= capacity)
        return err_set(err, ERR_INPUT, "%s has %zu bytes, more than %zu", what, text.size,
                       capacity - 1);
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return 0;
}

static int read_age(struct slice text, int *out, struct err *err)
{
    int value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i >= 3)
            return err_set(err, ERR_INPUT, "age \"%.*s\" is not a whole number of years",
                           line_printable(text), text.data);
        value = value * 10 + (text.data[i] - '0');
    }
    *out = value;
    return 0;
}

/* "Aug 13, 2006", as Last.fm-1K writes it. */
static int read_registered(struct slice text, int64_t *out, struct err *err)
{
    static const char *const MONTHS[12] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char date[16] = "";
    int month = 0, day = 0, year = 0, end = 0;
    int64_t days;
    *out = 0;
    if (text.size == 0)
        return 0;
    if (text.size < sizeof date) {
        memcpy(date, text.data, text.size);
        for (month = 0; month < 12 && strncasecmp(date, MONTHS[month], 3) != 0;)
            month++;
        if (month < 12 && sscanf(date + 3, " %2d, %4d%n", &day, &year, &end) == 2 &&
            date[3 + end] == '\0' && timestamp_days(year, month + 1, day, &days)) {
            *out = days * 86400;
            return 0;
        }
    }
    return err_set(err, ERR_INPUT, "registered \"%.*s\" is not a date like Aug 13, 2006",
                   line_printable(text), text.data);
}

static int parse_row(const struct slice *fields, struct profile *out, struct err *err)
{
    *out = (struct profile){.gender = -1};
    if (fields[0].size == 0)
        return err_set(err, ERR_INPUT, "user id is empty");
    if (read_text(fields[0], "user id", out->user_id, sizeof out->user_id, err) < 0 ||
        read_age(fields[2], &out->age, err) < 0 ||
        read_text(fields[3], "country", out->country, sizeof out->country, err) < 0 ||
        read_registered(fields[4], &out->registered_s, err) < 0 ||
        read_text(fields[4], "registered", out->registered, sizeof out->registered, err) < 0)
        return -1;
    /* Anything but the two letters of the data set says nothing that we use. */
    if (fields[1].size == 1 && fields[1].data[0] == 'm')
        out->gender = 1;
    else if (fields[1].size == 1 && fields[1].data[0] == 'f')
        out->gender = 0;
    return 0;
}

/* "#id", as the data set has it, or a plain word; no user of it is called so. */
static bool is_header(struct slice first)
{
    static const char *const WORDS[] = {"id", "user", "user_id", "userid"};
    if (first.size > 0 && first.data[0] == '#')
        return true;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strlen(WORDS[i]) == first.size && strncasecmp(first.data, WORDS[i], first.size) == 0)
            return true;
    return false;
}

static int take_line(struct profiles *profiles, const struct line *line, struct err *err)
{
    struct slice fields[COLUMNS];
    struct profile profile;
    if (line->too_long)
        return err_set(err, ERR_INPUT, "it has more than %d bytes", LINE_MAX_BYTES);
    if (line->text.size == 0)
        return 0;
    if (memchr(line->text.data, '\0', line->text.size) ||
        utf8_valid_prefix(line->text.data, line->text.size) < line->text.size)
        return err_set(err, ERR_INPUT, "it is not valid UTF-8 text");
    size_t count = line_split(line->text, fields, COLUMNS);
    if (count != COLUMNS)
        return err_set(err, ERR_INPUT, "it has %zu tab-separated field%s, not %d", count,
                       count == 1 ? "" : "s", COLUMNS);
    if (line->number == 1 && is_header(fields[0]))
        return 0;
    if (parse_row(fields, &profile, err) < 0)
        return -1;
    return add(profiles, &profile, err);
}

static int read_lines(struct profiles *profiles, struct line_reader *reader, struct err *err)
{
    struct line line;
    int status;
    while ((status = line_reader_next(reader, &line, err)) > 0)
        if (take_line(profiles, &line, err) < 0)
            return err_prefix(err, "%s:%" PRIu64, line_reader_name(reader), line.number);
    return status;
}

struct profiles *profiles_load(const char *path, struct err *err)
{
    struct line_reader *reader = line_reader_open(path, err);
    if (!reader)
        return NULL;
    struct profiles *profiles = calloc(1, sizeof *profiles);
    int status = profiles ? read_lines(profiles, reader, err)
                          : err_set(err, ERR_MEMORY, "out of memory opening %s", path);
    line_reader_free(reader);
    if (status < 0) {
        profiles_free(profiles);
        return NULL;
    }
    return profiles;
}

const struct profile *profiles_find(const struct profiles *profiles, struct slice user_id)
{
    if (!profiles || profiles->count == 0)
        return NULL;
    size_t place = *place_of(profiles, user_id);
    return place ? &profiles->rows[place - 1] : NULL;
}

const struct profile *profiles_at(const struct profiles *profiles, size_t i)
{
    return &profiles->rows[i];
}

size_t profiles_count(const struct profiles *profiles)
{
    return profiles ? profiles->count : 0;
}

void profiles_free(struct profiles *profiles)
{
    if (!profiles)
        return;
    free(profiles->rows);
    free(profiles->places);
    free(profiles);
}
