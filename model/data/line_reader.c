#include "data/line_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct line_reader {
    struct byte_source *source;
    bool owns_source;
    struct slice block; /* what is not yet given out begins at begin */
    size_t begin;
    uint64_t line;
    bool at_end;
};

static void skip_byte_order_mark(struct line_reader *reader)
{
    if (reader->block.size >= 3 && memcmp(reader->block.data, "\xef\xbb\xbf", 3) == 0)
        reader->begin = 3;
}

struct line_reader *line_reader_over(struct byte_source *source, struct slice first,
                                     struct err *err)
{
    struct line_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        err_set(err, ERR_MEMORY, "out of memory reading %s", byte_source_name(source));
        return NULL;
    }
    reader->source = source;
    reader->block = first;
    reader->at_end = first.size == 0;
    skip_byte_order_mark(reader);
    return reader;
}

struct line_reader *line_reader_open(const char *path, struct err *err)
{
    struct line_reader *reader = NULL;
    struct slice first = {"", 0};
    struct byte_source *source = byte_source_open(path, 1, NULL, err);
    if (source && byte_source_next(source, 0, &first, err) >= 0)
        reader = line_reader_over(source, first, err);
    if (reader)
        reader->owns_source = true;
    else
        byte_source_free(source);
    return reader;
}

void line_reader_free(struct line_reader *reader)
{
    if (!reader)
        return;
    if (reader->owns_source)
        byte_source_free(reader->source);
    free(reader);
}

uint64_t line_reader_offset(const struct line_reader *reader)
{
    return byte_source_offset(reader->source);
}

uint64_t line_reader_size(const struct line_reader *reader)
{
    return byte_source_size(reader->source);
}

const char *line_reader_name(const struct line_reader *reader)
{
    return byte_source_name(reader->source);
}

/* The next block behind what is left of this one. */
static int fill(struct line_reader *reader, struct err *err)
{
    size_t left = reader->block.size - reader->begin;
    int status = byte_source_next(reader->source, left, &reader->block, err);
    if (status < 0)
        return -1;
    if (status > 0)
        reader->begin = 0;
    reader->at_end = status == 0;
    return 0;
}

/* Throws away the rest of a line that is too long. */
static int skip_line(struct line_reader *reader, struct err *err)
{
    for (;;) {
        const char *start = reader->block.data + reader->begin;
        const char *newline = memchr(start, '\n', reader->block.size - reader->begin);
        if (newline) {
            reader->begin = (size_t)(newline - reader->block.data) + 1;
            return 0;
        }
        reader->begin = reader->block.size;
        if (reader->at_end)
            return 0;
        if (fill(reader, err) < 0)
            return -1;
    }
}

int line_reader_next(struct line_reader *reader, struct line *out, struct err *err)
{
    const char *newline = NULL;
    size_t searched = 0;
    for (;;) {
        const char *start = reader->block.data + reader->begin;
        size_t available = reader->block.size - reader->begin;
        if (available > searched)
            newline = memchr(start + searched, '\n', available - searched);
        if (newline || reader->at_end || available > LINE_MAX_BYTES)
            break;
        searched = available;
        if (fill(reader, err) < 0)
            return -1;
    }
    if (!newline && reader->at_end && reader->begin == reader->block.size)
        return 0;

    *out = (struct line){.number = ++reader->line};
    const char *start = reader->block.data + reader->begin;
    size_t size = newline ? (size_t)(newline - start) : reader->block.size - reader->begin;
    if (size > LINE_MAX_BYTES) {
        out->too_long = true;
        out->text = (struct slice){start, 0};
        return skip_line(reader, err) < 0 ? -1 : 1;
    }
    reader->begin += size + (newline ? 1 : 0);
    if (size > 0 && start[size - 1] == '\r')
        size--;
    out->text = (struct slice){start, size};
    return 1;
}

size_t line_split(struct slice line, struct slice *fields, size_t max)
{
    const char *at = line.data, *end = line.data + line.size;
    for (size_t count = 0;; count++) {
        const char *tab = at < end ? memchr(at, '\t', (size_t)(end - at)) : NULL;
        if (count < max)
            fields[count] = (struct slice){at, (size_t)((tab ? tab : end) - at)};
        if (!tab)
            return count + 1;
        at = tab + 1;
    }
}

int line_printable(struct slice text)
{
    int size = 0;
    while (size < 40 && (size_t)size < text.size && text.data[size] >= ' ' &&
           text.data[size] <= '~')
        size++;
    return size;
}

bool line_real(struct slice field, double *out)
{
    char text[64], *end;
    if (field.size == 0 || field.size >= sizeof text)
        return false;
    memcpy(text, field.data, field.size);
    text[field.size] = '\0';
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}
