#include "prepare/row_parse.h"

#include <string.h>

#include "core/array.h"
#include "data/line_reader.h"
#include "data/scrobble_json.h"
#include "data/timestamp.h"
#include "data/utf8.h"
#include "prepare/catalog.h"
#include "prepare/field_marks.h"

enum { TIME_BYTES = sizeof "2009-05-03T15:48:25Z" - 1 };

static int no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory for the rows of a block");
}

static int reject(struct row_batch *batch, uint64_t line, const struct err *reason, struct err *err)
{
    struct rejected_row *rejects =
        array_grow(batch->rejects, &batch->reject_capacity, batch->rejected + 1, sizeof *rejects);
    char *text = rejects ? arena_copy(&batch->texts, reason->text, strlen(reason->text)) : NULL;
    if (rejects)
        batch->rejects = rejects;
    if (!text)
        return no_memory(err);
    rejects[batch->rejected++] = (struct rejected_row){line, text};
    return 0;
}

static struct parsed_row *room(struct row_batch *batch, struct err *err)
{
    if (batch->count == batch->capacity) {
        struct parsed_row *rows =
            array_grow(batch->rows, &batch->capacity, batch->count + 1, sizeof *rows);
        if (!rows) {
            no_memory(err);
            return NULL;
        }
        batch->rows = rows;
    }
    return &batch->rows[batch->count];
}

/* How a plain line ends its fields; the last ends it. */
enum { USER, TIME, ARTIST_MBID, ARTIST, TRACK_MBID, TRACK, FIELDS };

static size_t field_size(const uint32_t *marks, int field)
{
    return marks[field] - marks[field - 1] - 1;
}

static void set_key(struct parsed_row *row)
{
    struct index_key key = catalog_key(parsed_row_artist(row), parsed_row_track(row));
    row->key_high = key.high;
    row->key_low = key.low;
}

/* The row that nearly all lines are: six fields, none too long, a time to the second. The block is
 * known to be UTF-8. @param at the line's place in text  @param marks at least FIELDS, from at on
 *  @return false: somebody else shall look at it */
static bool plain_row(const char *text, size_t at, const uint32_t *marks, struct parsed_row *out)
{
    const char *line = text + at;
    struct event_time time;
    for (int field = 0; field < TRACK; field++)
        if (text[marks[field]] != '\t')
            return false;
    if (text[marks[TRACK]] != '\n' || *line == '{' || *line == ' ' || *line == '#' ||
        text[marks[TRACK] - 1] == '\r')
        return false;
    size_t user = marks[USER] - at, mbid = field_size(marks, ARTIST_MBID);
    size_t artist = field_size(marks, ARTIST), track = field_size(marks, TRACK);
    if (user == 0 || user > USER_ID_MAX || field_size(marks, TIME) != TIME_BYTES || artist == 0 ||
        track == 0 || artist > SCROBBLE_TEXT_MAX || track > SCROBBLE_TEXT_MAX ||
        mbid > SCROBBLE_TEXT_MAX || field_size(marks, TRACK_MBID) > SCROBBLE_TEXT_MAX ||
        timestamp_parse(text + marks[USER] + 1, TIME_BYTES, &time) != TIMESTAMP_OK)
        return false;
    *out = (struct parsed_row){.text = line,
                               .time_ms = time.ms,
                               .user_size = (uint16_t)user,
                               .mbid_at = (uint16_t)(marks[TIME] + 1 - at),
                               .mbid_size = (uint16_t)mbid,
                               .artist_at = (uint16_t)(marks[ARTIST_MBID] + 1 - at),
                               .artist_size = (uint16_t)artist,
                               .track_at = (uint16_t)(marks[TRACK_MBID] + 1 - at),
                               .track_size = (uint16_t)track};
    set_key(out);
    return true;
}

/* The texts move from the scratch that the next line overwrites. */
static int keep_row(struct row_batch *batch, const struct scrobble *scrobble,
                    struct parsed_row *row, struct err *err)
{
    const struct slice texts[] = {scrobble->user_id, scrobble->artist_mbid, scrobble->artist,
                                  scrobble->track};
    enum { TEXTS = sizeof texts / sizeof *texts };
    size_t at[TEXTS + 1] = {0};
    for (int i = 0; i < TEXTS; i++)
        at[i + 1] = at[i] + texts[i].size;
    char *copy = arena_alloc(&batch->texts, at[TEXTS]);
    if (!copy)
        return no_memory(err);
    for (int i = 0; i < TEXTS; i++)
        if (texts[i].size > 0) /* an empty slice may have no data at all */
            memcpy(copy + at[i], texts[i].data, texts[i].size);
    *row = (struct parsed_row){.text = copy,
                               .time_ms = scrobble->time.ms,
                               .duration_ms = (uint32_t)scrobble->duration_ms,
                               .user_size = (uint16_t)texts[0].size,
                               .mbid_at = (uint16_t)at[1],
                               .mbid_size = (uint16_t)texts[1].size,
                               .artist_at = (uint16_t)at[2],
                               .artist_size = (uint16_t)texts[2].size,
                               .track_at = (uint16_t)at[3],
                               .track_size = (uint16_t)texts[3].size};
    set_key(row);
    return 0;
}

/* Any other line. */
static int other_line(struct row_parse *parse, struct slice line, struct row_batch *batch,
                      struct parsed_row *row, struct err *err)
{
    struct err reason = {0};
    struct scrobble scrobble;
    switch (log_line_parse(&parse->parser, line, parse->line == 1, &scrobble, &reason)) {
    case LOG_LINE_SCROBBLE:
        if (keep_row(batch, &scrobble, row, err) < 0)
            return -1;
        batch->count++;
        return 0;
    case LOG_LINE_SKIP:
        return 0;
    case LOG_LINE_NO_LISTEN:
        batch->skipped++;
        return 0;
    default:
        return reject(batch, parse->line, &reason, err);
    }
}

static int refuse_long_line(struct row_parse *parse, struct row_batch *batch, struct err *err)
{
    struct err reason;
    err_set(&reason, ERR_INPUT, "it has more than %d bytes", LINE_MAX_BYTES);
    parse->skipping = false;
    return reject(batch, parse->line, &reason, err);
}

/* Finds where the fields and lines of text end. */
static int find_marks(struct row_parse *parse, struct slice text, struct err *err)
{
    parse->mark_count = 0;
    for (size_t at = 0; at < text.size; at += FIELD_MARKS_BYTES) {
        uint32_t *marks = array_grow(parse->marks, &parse->mark_capacity,
                                     parse->mark_count + FIELD_MARKS_BYTES, sizeof *parse->marks);
        if (!marks)
            return no_memory(err);
        parse->marks = marks;
        size_t left = text.size - at;
        uint64_t found = left < FIELD_MARKS_BYTES ? field_marks_some(text.data + at, left)
                                                  : field_marks(text.data + at);
        for (; found != 0; found &= found - 1)
            marks[parse->mark_count++] = (uint32_t)(at + (size_t)__builtin_ctzll(found));
    }
    return 0;
}

/* The lines of text from at on, whose ends are marked. */
static int take_lines(struct row_parse *parse, struct slice text, size_t at,
                      struct row_batch *batch, struct err *err)
{
    size_t next = 0, marks = parse->mark_count;
    bool is_utf8 = utf8_valid_prefix(text.data, text.size) == text.size;
    while (at < text.size) {
        const uint32_t *mark = &parse->marks[next];
        struct parsed_row *row = room(batch, err);
        if (!row)
            return -1;
        parse->line++;
        if (is_utf8 && marks - next >= FIELDS && parse->line > 1 && !parse->skipping &&
            plain_row(text.data, at, mark, row)) {
            batch->count++;
            at = mark[TRACK] + 1;
            next += FIELDS;
            continue;
        }
        while (next < marks && text.data[parse->marks[next]] != '\n')
            next++;
        size_t line_end = next < marks ? parse->marks[next++] : text.size;
        struct slice line = {text.data + at, line_end - at};
        bool too_long = line.size > LINE_MAX_BYTES || parse->skipping;
        if ((too_long ? refuse_long_line(parse, batch, err)
                      : other_line(parse, line, batch, row, err)) < 0)
            return -1;
        at = line_end + 1;
    }
    return 0;
}

static const char *skip_byte_order_mark(const char *at, const char *end)
{
    return end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0 ? at + 3 : at;
}

int row_parse_block(struct row_parse *parse, struct slice block, bool at_end,
                    struct row_batch *batch, size_t *used, struct err *err)
{
    const char *text = block.data, *last = memrchr(text, '\n', block.size);
    size_t whole = at_end ? block.size : last ? (size_t)(last + 1 - text) : 0; /* lines */
    const char *first = parse->line == 0 ? skip_byte_order_mark(text, text + block.size) : text;
    struct slice lines = {text, whole};
    if (find_marks(parse, lines, err) < 0 ||
        take_lines(parse, lines, (size_t)(first - text), batch, err) < 0)
        return -1;
    if (at_end && whole == 0 && parse->skipping) {
        parse->line++;
        if (refuse_long_line(parse, batch, err) < 0)
            return -1;
    }
    *used = whole;
    if (block.size - whole > LINE_MAX_BYTES) { /* the line to come is none of ours */
        parse->skipping = true;
        *used = block.size;
    }
    return 0;
}

bool row_reader_reads(struct slice first, const struct log_parser *parser)
{
    struct err err;
    struct scrobble scrobble;
    const char *end = first.data + first.size, *at = skip_byte_order_mark(first.data, end);
    const char *newline = first.size > 0 ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    struct slice line = {at, newline ? (size_t)(newline - at) : 0};
    if (line.size == 0 || !memchr(line.data, '\t', line.size) || !log_line_is_table(line))
        return false;
    return log_line_parse(parser, line, true, &scrobble, &err) != LOG_LINE_BAD;
}
