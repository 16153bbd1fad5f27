#include "crawl/track_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/line_reader.h"
#include "data/scrobble_json.h"
#include "data/utf8.h"

enum { COLUMNS_MAX = 32, CSV_COLUMNS = 4, SHOWN_COMPLAINTS = 20 };

enum form { FORM_NONE, FORM_TSV, FORM_CSV };

struct table {
    enum form form;
    bool strict;
    size_t artist, track; /* columns; FORM_TSV */
    char *text;           /* fields of a row without their quotes; LINE_MAX_BYTES */
};

static bool is_word(struct slice field, const char *word)
{
    return field.size == strlen(word) && memcmp(field.data, word, field.size) == 0;
}

/* The text of a field in double quotes, those inside doubled. @return where the field ends, or
 * NULL: it is no such field */
static const char *take_quoted(const char *p, const char *end, char between, char **text)
{
    for (p++;; *(*text)++ = *p++) {
        if (p == end)
            return NULL;
        if (*p == '"' && (p + 1 == end || p[1] != '"'))
            break;
        p += *p == '"';
    }
    p++;
    return p == end || *p == between ? p : NULL;
}

/* The fields of a row without their quotes, copied to text, of the line's size at least. With tabs
 * between, a quote that is none is a character as any other; with commas the row is none then.
 * @param fields filled up to max  @return how many there are; 0: it is no row */
static size_t split_row(struct slice line, enum form form, char *text, struct slice *fields,
                        size_t max)
{
    const char between = form == FORM_CSV ? ',' : '\t';
    const char *p = line.data, *end = line.data + line.size;
    for (size_t count = 0;; p++) {
        char *begun = text;
        const char *next = p < end && *p == '"' ? take_quoted(p, end, between, &text) : NULL;
        if (!next) {
            const char *stop = memchr(p, between, (size_t)(end - p));
            next = stop ? stop : end;
            if (form == FORM_CSV && memchr(p, '"', (size_t)(next - p)))
                return 0;
            memcpy(begun, p, (size_t)(next - p));
            text = begun + (next - p);
        }
        if (count < max)
            fields[count] = (struct slice){begun, (size_t)(text - begun)};
        count++;
        p = next;
        if (p == end)
            return count;
    }
}

static bool is_number(struct slice field)
{
    for (size_t i = 0; i < field.size; i++)
        if (field.data[i] < '0' || field.data[i] > '9')
            return false;
    return field.size > 0;
}

static bool split_csv(struct slice line, char *text, struct slice fields[CSV_COLUMNS])
{
    return split_row(line, FORM_CSV, text, fields, CSV_COLUMNS) == CSV_COLUMNS &&
           is_number(fields[CSV_COLUMNS - 1]);
}

/* A header with a time or a user in it is a log's: each of its rows is more than a track. */
static enum form recognise(struct table *table, struct slice first)
{
    struct slice fields[COLUMNS_MAX];
    size_t count = line_split(first, fields, COLUMNS_MAX);
    bool artist = false, track = false, log = count > COLUMNS_MAX;
    for (size_t i = 0; i < count && !log; i++) {
        if (is_word(fields[i], "artist")) {
            artist = true;
            table->artist = i;
        } else if (is_word(fields[i], "track")) {
            track = true;
            table->track = i;
        }
        log = is_word(fields[i], "timestamp") || is_word(fields[i], "user_id");
    }
    if (artist && track && !log)
        return FORM_TSV;
    return first.size > 0 && first.data[0] == '"' && split_csv(first, table->text, fields)
               ? FORM_CSV
               : FORM_NONE;
}

static int check_name(const char *what, struct slice name, struct err *err)
{
    if (name.size == 0)
        return err_set(err, ERR_INPUT, "%s is empty", what);
    if (name.size > SCROBBLE_TEXT_MAX)
        return err_set(err, ERR_INPUT, "%s has %zu bytes, more than %d", what, name.size,
                       SCROBBLE_TEXT_MAX);
    if (memchr(name.data, '\0', name.size))
        return err_set(err, ERR_INPUT, "there is a NUL byte in the %s", what);
    if (utf8_valid_prefix(name.data, name.size) < name.size)
        return err_set(err, ERR_INPUT, "%s is not valid UTF-8", what);
    return 0;
}

/* @return 0, or -1 with what is wrong with the row */
static int read_row(const struct table *table, const struct line *line, struct track_name *out,
                    struct err *err)
{
    struct slice fields[COLUMNS_MAX];
    if (line->too_long)
        return err_set(err, ERR_INPUT, "it has more than %d bytes", LINE_MAX_BYTES);
    if (table->form == FORM_CSV) {
        if (!split_csv(line->text, table->text, fields))
            return err_set(err, ERR_INPUT, "it is not artist_mbid,artist,track,count");
        *out = (struct track_name){fields[1], fields[2]};
    } else {
        size_t count = split_row(line->text, FORM_TSV, table->text, fields, COLUMNS_MAX);
        if (count <= table->artist || count <= table->track)
            return err_set(err, ERR_INPUT, "it has %zu tab-separated field%s, too few", count,
                           count == 1 ? "" : "s");
        *out = (struct track_name){fields[table->artist], fields[table->track]};
    }
    return check_name("artist", out->artist, err) < 0 ? -1 : check_name("track", out->track, err);
}

static int read_rows(const struct table *table, struct line_reader *reader, struct line *line,
                     struct track_set *set, FILE *complaints, struct track_table_counts *counts,
                     struct err *err)
{
    int status = table->form == FORM_TSV ? line_reader_next(reader, line, err) : 1;
    for (; status > 0; status = line_reader_next(reader, line, err)) {
        struct err reason = {0};
        struct track_name name = {{"", 0}, {"", 0}};
        if (line->text.size == 0 && !line->too_long)
            continue;
        if (read_row(table, line, &name, &reason) == 0) {
            counts->rows++;
            if (track_set_add(set, name.artist, name.track, err) < 0)
                return -1;
        } else if (table->strict) {
            return err_set(err, ERR_INPUT, "%s:%" PRIu64 ": %s", line_reader_name(reader),
                           line->number, reason.text);
        } else if (counts->rejected++ < SHOWN_COMPLAINTS && complaints) {
            fprintf(complaints, "%s:%" PRIu64 ": %s\n", line_reader_name(reader), line->number,
                    reason.text);
        }
    }
    if (status == 0 && counts->rejected > SHOWN_COMPLAINTS && complaints)
        fprintf(complaints, "%s: %" PRIu64 " more bad rows, not shown\n", line_reader_name(reader),
                counts->rejected - SHOWN_COMPLAINTS);
    return status;
}

int track_table_read(const char *path, struct track_set *set, bool strict, FILE *complaints,
                     struct track_table_counts *counts, struct err *err)
{
    *counts = (struct track_table_counts){0};
    if (strcmp(path, "-") == 0)
        return 0;
    struct table table = {.strict = strict};
    struct line line;
    int status = -1;
    struct line_reader *reader = line_reader_open(path, err);
    if (!reader)
        return -1;
    table.text = malloc(LINE_MAX_BYTES);
    if (!table.text) {
        err_set(err, ERR_MEMORY, "out of memory reading %s", path);
        goto out;
    }
    status = line_reader_next(reader, &line, err);
    if (status <= 0)
        goto out;
    table.form = recognise(&table, line.text);
    status = table.form != FORM_NONE;
    if (status > 0 && read_rows(&table, reader, &line, set, complaints, counts, err) < 0)
        status = -1;
out:
    free(table.text);
    line_reader_free(reader);
    return status;
}
