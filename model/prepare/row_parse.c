#include "prepare/row_parse.h"

#include <string.h>

#include "core/array.h"
#include "data/line_reader.h"
#include "data/scrobble_json.h"
#include "data/timestamp.h"
#include "data/utf8.h"
#include "prepare/catalog.h"

enum { TIME_BYTES = sizeof "2009-05-03T15:48:25Z" - 1 };

static void reject(struct row_batch *batch, uint64_t line, const struct err *reason)
{
    if (batch->rejected < ROW_BATCH_REJECTS)
        batch->rejects[batch->rejected] = (struct rejected_row){line, *reason};
    batch->rejected++;
}

static struct parsed_row *room(struct row_batch *batch, struct err *err)
{
    if (batch->count == batch->capacity) {
        struct parsed_row *rows =
            array_grow(batch->rows, &batch->capacity, batch->count + 1, sizeof *rows);
        if (!rows) {
            err_set(err, ERR_MEMORY, "out of memory for the rows of a block");
            return NULL;
        }
        batch->rows = rows;
    }
    return &batch->rows[batch->count];
}

/* From p to the next tab, which is before end. @return behind it, or NULL */
static const char *field(const char *p, const char *end, struct slice *out)
{
    const char *tab = memchr(p, '\t', (size_t)(end - p));
    if (!tab)
        return NULL;
    *out = (struct slice){p, (size_t)(tab - p)};
    return tab + 1;
}

/* The row that nearly all lines are: six fields, none too long, a time to the second. The block is
 * known to be UTF-8 without NUL. @return false: somebody else shall look at it */
static bool plain_row(const char *p, const char *end, struct scrobble *out)
{
    struct slice user, time;
    if (p == end || *p == '{' || *p == ' ' || *p == '#' || end[-1] == '\r' ||
        !(p = field(p, end, &user)) || !(p = field(p, end, &time)) ||
        !(p = field(p, end, &out->artist_mbid)) || !(p = field(p, end, &out->artist)) ||
        !(p = field(p, end, &out->track_mbid)) || memchr(p, '\t', (size_t)(end - p)))
        return false;
    out->user_id = user;
    out->track = (struct slice){p, (size_t)(end - p)};
    out->duration_ms = 0;
    return user.size > 0 && user.size <= USER_ID_MAX && time.size == TIME_BYTES &&
           out->artist.size > 0 && out->track.size > 0 && out->artist.size <= SCROBBLE_TEXT_MAX &&
           out->track.size <= SCROBBLE_TEXT_MAX && out->artist_mbid.size <= SCROBBLE_TEXT_MAX &&
           out->track_mbid.size <= SCROBBLE_TEXT_MAX &&
           timestamp_parse(time.data, time.size, &out->time) == TIMESTAMP_OK;
}

static int keep_text(struct row_batch *batch, struct slice *text, struct err *err)
{
    char *copy = arena_copy(&batch->texts, text->data, text->size);
    if (!copy)
        return err_set(err, ERR_MEMORY, "out of memory for the rows of a block");
    text->data = copy;
    return 0;
}

/* Any other line. The scrobble may point into scratch, which the next line overwrites. */
static int other_line(struct row_parse *parse, struct slice line, struct row_batch *batch,
                      struct parsed_row *row, struct err *err)
{
    struct err reason = {0};
    struct scrobble *scrobble = &row->scrobble;
    switch (log_line_parse(&parse->parser, line, parse->line == 1, scrobble, &reason)) {
    case LOG_LINE_SCROBBLE:
        if (keep_text(batch, &scrobble->user_id, err) < 0 ||
            keep_text(batch, &scrobble->artist, err) < 0 ||
            keep_text(batch, &scrobble->track, err) < 0 ||
            keep_text(batch, &scrobble->artist_mbid, err) < 0)
            return -1;
        row->key = catalog_key(scrobble);
        batch->count++;
        return 0;
    case LOG_LINE_SKIP:
        return 0;
    case LOG_LINE_NO_LISTEN:
        batch->skipped++;
        return 0;
    default:
        reject(batch, parse->line, &reason);
        return 0;
    }
}

static int take_line(struct row_parse *parse, const char *begin, const char *end, bool clean,
                     struct row_batch *batch, struct err *err)
{
    parse->line++;
    if (end - begin > LINE_MAX_BYTES || parse->skipping) {
        struct err reason;
        err_set(&reason, ERR_INPUT, "it has more than %d bytes", LINE_MAX_BYTES);
        reject(batch, parse->line, &reason);
        parse->skipping = false;
        return 0;
    }
    struct parsed_row *row = room(batch, err);
    if (!row)
        return -1;
    if (clean && parse->line > 1 && plain_row(begin, end, &row->scrobble)) {
        row->key = catalog_key(&row->scrobble);
        batch->count++;
        return 0;
    }
    return other_line(parse, (struct slice){begin, (size_t)(end - begin)}, batch, row, err);
}

static const char *skip_byte_order_mark(const char *at, const char *end)
{
    return end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0 ? at + 3 : at;
}

int row_parse_block(struct row_parse *parse, struct slice block, bool at_end,
                    struct row_batch *batch, size_t *used, struct err *err)
{
    const char *at = block.data, *end = block.data + block.size;
    const char *last = memrchr(at, '\n', block.size); /* of the whole lines */
    size_t whole = at_end ? block.size : last ? (size_t)(last + 1 - at) : 0;
    bool clean = utf8_valid_prefix(at, whole) == whole && !memchr(at, '\0', whole);
    if (parse->line == 0)
        at = skip_byte_order_mark(at, end);
    for (const char *stop = block.data + whole; at < stop;) {
        const char *newline = memchr(at, '\n', (size_t)(stop - at));
        const char *line_end = newline ? newline : stop;
        if (take_line(parse, at, line_end, clean, batch, err) < 0)
            return -1;
        at = newline ? newline + 1 : stop;
    }
    if (at_end && whole == 0 && parse->skipping && take_line(parse, at, at, false, batch, err) < 0)
        return -1;
    *used = (size_t)(at - block.data);
    if (block.size - *used > LINE_MAX_BYTES) { /* the line to come is none of ours */
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
