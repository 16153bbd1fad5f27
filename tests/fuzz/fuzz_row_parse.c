/* A table in blocks, cut anywhere, gives the rows that its lines give one by one: what outro
 * prepare reads fast is what every other reader reads. The first byte says how large the blocks
 * are. */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "prepare/catalog.h"
#include "prepare/row_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void check_row(const struct parsed_row *row, const struct scrobble *scrobble)
{
    assert(same(parsed_row_user(row), scrobble->user_id));
    assert(same(parsed_row_mbid(row), scrobble->artist_mbid));
    assert(same(parsed_row_artist(row), scrobble->artist));
    assert(same(parsed_row_track(row), scrobble->track));
    assert(row->time_ms == scrobble->time.ms);
    assert(row->duration_ms == scrobble->duration_ms);
    struct index_key key = catalog_key(scrobble->artist, scrobble->track);
    assert(row->key_high == key.high && row->key_low == key.low);
}

/* The lines of text one by one, beside what a batch made of them. */
static void check_batch(const struct log_parser *parser, struct slice text, uint64_t *line,
                        const struct row_batch *batch)
{
    size_t rows = 0, rejected = 0;
    bool marked = *line == 0 && text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0;
    for (size_t at = marked ? 3 : 0; at < text.size;) {
        const char *end = memchr(text.data + at, '\n', text.size - at);
        struct slice one = {text.data + at, end ? (size_t)(end - text.data) - at : text.size - at};
        struct scrobble scrobble;
        struct err reason = {0};
        ++*line;
        at += one.size + 1;
        enum log_line kind = log_line_parse(parser, one, *line == 1, &scrobble, &reason);
        if (kind == LOG_LINE_SCROBBLE) {
            assert(rows < batch->count);
            check_row(&batch->rows[rows++], &scrobble);
        } else if (kind == LOG_LINE_BAD) {
            assert(rejected < batch->rejected);
            assert(batch->rejects[rejected].line == *line);
            assert(strcmp(batch->rejects[rejected].reason, reason.text) == 0);
            rejected++;
        }
    }
    assert(rows == batch->count && rejected == batch->rejected);
}

/* @return bytes that were parsed */
static size_t try_block(struct row_parse *parse, struct slice text, bool at_end, uint64_t *line)
{
    struct row_batch batch = {0};
    size_t used;
    arena_init(&batch.texts, 1 << 12);
    char *block = malloc(text.size ? text.size : 1); /* so that a sanitizer sees where it ends */
    assert(block);
    if (text.size > 0)
        memcpy(block, text.data, text.size);
    int status =
        row_parse_block(parse, (struct slice){block, text.size}, at_end, &batch, &used, NULL);
    assert(status == 0 && used <= text.size);
    check_batch(&parse->parser, (struct slice){text.data, used}, line, &batch);
    assert(parse->line == *line);
    free(block);
    free(batch.rows);
    free(batch.rejects);
    arena_clear(&batch.texts);
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t step = (size_t)data[0] + 1, begin = 0, end = 0;
    struct slice text = {(const char *)data + 1, size - 1};
    struct row_parse parse = {.parser = {.scratch = scrobble_scratch_new()}};
    uint64_t line = 0;
    assert(parse.parser.scratch);
    while (end < text.size) {
        end = text.size - end > step ? end + step : text.size;
        begin += try_block(&parse, (struct slice){text.data + begin, end - begin}, false, &line);
    }
    begin += try_block(&parse, (struct slice){text.data + begin, text.size - begin}, true, &line);
    assert(begin == text.size);
    scrobble_scratch_free(parse.parser.scratch);
    free(parse.marks);
    return 0;
}
