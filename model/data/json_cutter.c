#include "data/json_cutter.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/json_walk.h"

_Static_assert(BYTE_SOURCE_KEEP_MAX == 4194304, "a message says 4 MiB");

struct json_cutter {
    struct byte_source *source;
    struct slice block; /* what is not yet given out begins at begin */
    size_t begin;
    bool at_end;
    bool in_array, needs_comma;
    uint64_t number, line; /* line: of the byte at begin */
};

struct json_cutter *json_cutter_over(struct byte_source *source, struct slice first,
                                     struct err *err)
{
    struct json_cutter *cutter = calloc(1, sizeof *cutter);
    if (!cutter) {
        err_set(err, ERR_MEMORY, "out of memory reading %s", byte_source_name(source));
        return NULL;
    }
    *cutter = (struct json_cutter){.source = source, .block = first, .line = 1};
    cutter->at_end = first.size == 0;
    if (first.size >= 3 && memcmp(first.data, "\xef\xbb\xbf", 3) == 0)
        cutter->begin = 3;
    return cutter;
}

void json_cutter_free(struct json_cutter *cutter)
{
    free(cutter);
}

static int complain(const struct json_cutter *cutter, const char *what, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s:%" PRIu64 ": %s (behind %" PRIu64 " records)",
                   byte_source_name(cutter->source), cutter->line, what, cutter->number);
}

/* Up to a byte of the block, counting lines. */
static void move_to(struct json_cutter *cutter, const char *to)
{
    const char *p = cutter->block.data + cutter->begin;
    while (p < to && (p = memchr(p, '\n', (size_t)(to - p)))) {
        cutter->line++;
        p++;
    }
    cutter->begin = (size_t)(to - cutter->block.data);
}

static int fill(struct json_cutter *cutter, struct err *err)
{
    size_t left = cutter->block.size - cutter->begin;
    int status = byte_source_next(cutter->source, left, &cutter->block, err);
    if (status > 0)
        cutter->begin = 0;
    cutter->at_end = status == 0;
    return status < 0 ? -1 : 0;
}

/* To the next byte that is no blank. @return 1, 0 at the end of the file, -1 with err */
static int next_byte(struct json_cutter *cutter, char *byte, struct err *err)
{
    for (;;) {
        const char *end = cutter->block.data + cutter->block.size;
        const char *p = json_skip_blanks(cutter->block.data + cutter->begin, end);
        move_to(cutter, p);
        if (p < end) {
            *byte = *p;
            return 1;
        }
        if (cutter->at_end)
            return 0;
        if (fill(cutter, err) < 0)
            return -1;
    }
}

/* Over what stands between values, to the next value. @return 1, 0 at the end, -1 with err */
static int find_value(struct json_cutter *cutter, struct err *err)
{
    int status;
    char byte;
    while ((status = next_byte(cutter, &byte, err)) > 0) {
        const char *behind = cutter->block.data + cutter->begin + 1;
        if (!cutter->in_array) {
            if (byte != '[')
                return 1;
            cutter->in_array = true;
            cutter->needs_comma = false;
        } else if (byte == ']') {
            cutter->in_array = false;
        } else if (!cutter->needs_comma) {
            return 1;
        } else if (byte == ',') {
            cutter->needs_comma = false;
        } else {
            return complain(cutter, "a comma should stand here: it is no JSON any more", err);
        }
        move_to(cutter, behind);
    }
    if (status == 0 && cutter->in_array)
        return complain(cutter, "the file ends before its array does: is it cut off?", err);
    return status;
}

int json_cutter_next(struct json_cutter *cutter, struct json_element *out, struct err *err)
{
    int status = find_value(cutter, err);
    if (status <= 0)
        return status;
    for (;;) {
        const char *start = cutter->block.data + cutter->begin;
        const char *end = cutter->block.data + cutter->block.size;
        const char *behind = json_value_end(start, end);
        if (behind == start)
            return complain(cutter, "a value should stand here: it is no JSON", err);
        size_t size = (size_t)((behind ? behind : end) - start);
        if (size > BYTE_SOURCE_KEEP_MAX)
            return complain(cutter, "the value that begins here has more than 4 MiB", err);
        if (behind && (behind < end || cutter->at_end)) {
            *out = (struct json_element){{start, size}, ++cutter->number, cutter->line};
            move_to(cutter, behind);
            cutter->needs_comma = cutter->in_array;
            return 1;
        }
        if (!behind && cutter->at_end)
            return complain(cutter, "the file ends in the middle of the value that begins here",
                            err);
        if (fill(cutter, err) < 0)
            return -1;
    }
}
