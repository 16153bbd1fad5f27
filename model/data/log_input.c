#include "data/log_input.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "data/json_cutter.h"
#include "data/json_walk.h"
#include "data/line_reader.h"
#include "data/log_archive.h"
#include "data/log_page.h"

_Static_assert(LINE_MAX_BYTES == 4194304, "a message says how many");

struct log_input {
    struct byte_source *source;
    struct log_archive *archive; /* NULL: the source is the log */
    struct byte_source *member;  /* of the archive; NULL between two */
    struct line_reader *lines;   /* one of the two reads the log, or none before the first */
    struct json_cutter *cutter;
    bool table;
    struct log_page page;
    bool in_page;
    struct log_record of_page; /* where the page is */
    char page_user[USER_ID_MAX + 1];
};

static struct slice skip_mark_and_blanks(struct slice text)
{
    const char *end = text.data + text.size;
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        text.data += 3;
    text.data = json_skip_blanks(text.data, end);
    text.size = (size_t)(end - text.data);
    return text;
}

/* Whether a file that begins so is JSON that is not one value a line. */
static bool needs_cutting(struct slice first)
{
    struct slice text = skip_mark_and_blanks(first);
    if (text.size == 0)
        return false;
    const char *end = text.data + text.size;
    const char *inside = json_skip_blanks(text.data + 1, end);
    if (text.data[0] == '[')
        return inside == end || *inside == '{' || *inside == ']' || *inside == '[';
    if (text.data[0] != '{')
        return false;
    const char *newline = memchr(text.data, '\n', text.size);
    if (json_value_end(text.data, newline ? newline : end))
        return false;
    /* A line that breaks off, with another record below, is one bad line; where a value goes on
     * below, the line ends between two tokens. */
    if (!newline || newline + 1 == end || newline[1] != '{')
        return true;
    const char *last = newline - 1;
    while (last > text.data && (*last == ' ' || *last == '\r' || *last == '\t'))
        last--;
    return strchr(",[{:", *last) != NULL;
}

static int open_log_in(struct log_input *input, struct byte_source *source, struct slice first,
                       struct err *err)
{
    if (!input->table && needs_cutting(first))
        input->cutter = json_cutter_over(source, first, err);
    else
        input->lines = line_reader_over(source, first, err);
    return input->lines || input->cutter ? 0 : -1;
}

static void close_log(struct log_input *input)
{
    line_reader_free(input->lines);
    json_cutter_free(input->cutter);
    byte_source_free(input->member);
    input->lines = NULL;
    input->cutter = NULL;
    input->member = NULL;
}

/* To the next log of the archive. @return 1, 0 behind the last, -1 with err */
static int next_log(struct log_input *input, struct err *err)
{
    struct slice first = {"", 0};
    if (!input->archive)
        return 0;
    close_log(input);
    int status = log_archive_next(input->archive, err);
    if (status <= 0)
        return status;
    input->member =
        byte_source_over(log_archive_member(input->archive), log_archive_name(input->archive), err);
    if (!input->member || byte_source_next(input->member, 0, &first, err) < 0)
        return -1;
    return open_log_in(input, input->member, first, err) < 0 ? -1 : 1;
}

static struct log_input *open_source(struct byte_source *source, bool table, struct err *err)
{
    struct slice first = {"", 0};
    struct log_input *input = source ? calloc(1, sizeof *input) : NULL;
    if (!input) {
        if (source)
            err_set(err, ERR_MEMORY, "out of memory reading %s", byte_source_name(source));
        byte_source_free(source);
        return NULL;
    }
    input->source = source;
    input->table = table;
    int status = byte_source_next(source, 0, &first, err);
    if (status >= 0 && log_archive_is(first))
        status = (input->archive = log_archive_over(source, first, err)) ? 0 : -1;
    else if (status >= 0)
        status = open_log_in(input, source, first, err);
    if (status < 0) {
        log_input_free(input);
        return NULL;
    }
    return input;
}

struct log_input *log_input_open(const char *path, bool table, struct err *err)
{
    return open_source(byte_source_open(path, 1, NULL, err), table, err);
}

struct log_input *log_input_over(struct byte_input bytes, const char *name, bool table,
                                 struct err *err)
{
    return open_source(byte_source_over(bytes, name, err), table, err);
}

void log_input_free(struct log_input *input)
{
    if (!input)
        return;
    close_log(input);
    log_archive_free(input->archive);
    byte_source_free(input->source);
    free(input);
}

const struct byte_source *log_input_source(const struct log_input *input)
{
    return input->source;
}

/* A text as JSON writes it, as it is meant; nobody when it is no user id. */
static void read_page_user(struct log_input *input, struct slice value)
{
    input->page_user[0] = '\0';
    if (value.size == 0 || value.data[0] != '"')
        return;
    json_t *text = json_loadb(value.data, value.size, JSON_DECODE_ANY, NULL);
    size_t size = json_string_length(text);
    if (json_is_string(text) && size <= USER_ID_MAX)
        memcpy(input->page_user, json_string_value(text), size + 1);
    json_decref(text);
}

/* @return 1 with the next of the page, or with what is wrong with it; 0 behind the last */
static int next_of_page(struct log_input *input, struct log_record *out)
{
    *out = input->of_page;
    out->user = (struct slice){input->page_user, strlen(input->page_user)};
    input->in_page = log_page_next(&input->page, &out->text);
    if (!input->in_page && !input->page.is_broken)
        return 0;
    input->of_page.element++;
    out->element = input->of_page.element;
    if (!input->in_page) {
        out->text = (struct slice){"", 0};
        out->bad =
            "not-json: the page that begins here is no JSON any more behind the record before";
    }
    return 1;
}

/* The next line or element of the log that is open. @return 1, 0 at its end, -1 with err */
static int next_text(struct log_input *input, struct log_record *out, struct err *err)
{
    *out = (struct log_record){.user = {"", 0}, .is_history = input->archive != NULL};
    out->file = byte_source_name(input->member ? input->member : input->source);
    int status = 0;
    if (input->lines) {
        struct line line;
        status = line_reader_next(input->lines, &line, err);
        if (status > 0) {
            out->text = line.text;
            out->line = line.number;
            out->is_first = line.number == 1;
            out->bad = line.too_long ? "it has more than 4194304 bytes" : NULL;
        }
    } else if (input->cutter) {
        struct json_element element;
        status = json_cutter_next(input->cutter, &element, err);
        if (status > 0) {
            out->text = element.text;
            out->line = element.line;
            out->element = element.number;
            out->is_history = true;
        }
    }
    return status;
}

int log_input_next(struct log_input *input, struct log_record *out, struct err *err)
{
    for (;;) {
        if (input->in_page && next_of_page(input, out) > 0)
            return 1;
        int status = next_text(input, out, err);
        if (status == 0 && (status = next_log(input, err)) > 0)
            continue;
        if (status <= 0)
            return status;
        struct slice text = skip_mark_and_blanks(out->text);
        if (input->archive)
            out->user = log_archive_user(input->archive);
        if (input->table || out->bad || !log_page_open(text, &input->page))
            return 1;
        input->in_page = true;
        input->of_page = *out;
        input->of_page.element = 0;
        input->of_page.is_first = false;
        input->of_page.is_history = true;
        read_page_user(input, input->page.user);
    }
}
