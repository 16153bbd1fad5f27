#include "data/log_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/log_input.h"

/* So many records without one row, and it is no log: nobody should wait for the end of the wrong
 * file. */
enum { HOPELESS_RECORDS = 10000 };

struct log_reader {
    struct log_input *input;
    struct log_parser parser;
    bool strict;
    struct log_counts counts;
    struct err first_complaint;
};

/* Takes the input, which is NULL with err when it could not be opened. */
static struct log_reader *read_from(struct log_input *input, enum log_form form, const char *user,
                                    bool strict, struct err *err)
{
    struct log_reader *reader = input ? calloc(1, sizeof *reader) : NULL;
    struct scrobble_scratch *scratch = reader ? scrobble_scratch_new() : NULL;
    if (!scratch) {
        if (input)
            err_set(err, ERR_MEMORY, "out of memory opening %s",
                    byte_source_name(log_input_source(input)));
        log_input_free(input);
        free(reader);
        return NULL;
    }
    reader->input = input;
    reader->strict = strict;
    reader->parser = (struct log_parser){form, {"", 0}, scratch};
    if (user)
        reader->parser.user = (struct slice){user, strlen(user)};
    return reader;
}

struct log_reader *log_reader_open(const char *path, enum log_form form, const char *user,
                                   bool strict, struct err *err)
{
    return read_from(log_input_open(path, form == LOG_FORM_LASTFM_1K, err), form, user, strict,
                     err);
}

struct log_reader *log_reader_over(struct byte_input bytes, const char *name, enum log_form form,
                                   const char *user, bool strict, struct err *err)
{
    return read_from(log_input_over(bytes, name, form == LOG_FORM_LASTFM_1K, err), form, user,
                     strict, err);
}

void log_reader_free(struct log_reader *reader)
{
    if (!reader)
        return;
    log_input_free(reader->input);
    scrobble_scratch_free(reader->parser.scratch);
    free(reader);
}

struct log_counts log_reader_counts(const struct log_reader *reader)
{
    return reader->counts;
}

const struct byte_source *log_reader_source(const struct log_reader *reader)
{
    return log_input_source(reader->input);
}

static enum log_line parse(const struct log_reader *reader, const struct log_record *record,
                           struct log_row *row)
{
    if (record->bad) {
        err_set(&row->reason, ERR_INPUT, "%s", record->bad);
        return LOG_LINE_BAD;
    }
    struct log_parser parser = reader->parser;
    if (record->user.size > 0)
        parser.user = record->user;
    if (record->element > 0)
        return log_element_parse(&parser, record->text, &row->scrobble, &row->reason);
    return log_line_parse(&parser, record->text, record->is_first, &row->scrobble, &row->reason);
}

static int no_log(const struct log_reader *reader, struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "no scrobble in %s: it is no listening log of a form that we read; first, %s",
                   byte_source_name(log_reader_source(reader)), reader->first_complaint.text);
}

/* Counts a bad row. @param is_nobodys it would be good if it named a user
 * @return 1, or -1 with err when the reading must stop */
static int set_aside(struct log_reader *reader, struct log_row *row, bool is_nobodys,
                     struct err *err)
{
    struct err sentence = row->reason;
    err_prefix(&sentence, "%s:%" PRIu64, row->file, row->line);
    /* When the first row that could be one is nobody's, so will be all of them. */
    if (reader->strict || (is_nobodys && reader->counts.rows == 0))
        return err_set(err, ERR_INPUT, "%s", sentence.text);
    if (reader->counts.rejected++ == 0)
        reader->first_complaint = sentence;
    if (reader->counts.rows == 0 && reader->counts.rejected >= HOPELESS_RECORDS)
        return no_log(reader, err);
    return 1;
}

int log_reader_next(struct log_reader *reader, struct log_row *row, struct err *err)
{
    struct log_record record;
    int status;
    while ((status = log_input_next(reader->input, &record, err)) > 0) {
        row->reason.code = ERR_NONE;
        enum log_line kind = parse(reader, &record, row);
        row->is_good = kind == LOG_LINE_SCROBBLE;
        row->file = record.file;
        row->line = record.line;
        if (row->is_good) {
            reader->counts.rows++;
            row->as_arrived = !record.is_history && !log_line_is_table(record.text);
            return 1;
        }
        if (kind == LOG_LINE_NO_LISTEN)
            reader->counts.skipped++;
        if (kind == LOG_LINE_NO_LISTEN || kind == LOG_LINE_SKIP)
            continue;
        if (record.element > 0)
            err_prefix(&row->reason, "record %" PRIu64, record.element);
        return set_aside(reader, row, kind == LOG_LINE_NOBODY, err);
    }
    if (status == 0 && reader->counts.rows == 0 && reader->counts.rejected > 0)
        return no_log(reader, err);
    return status;
}
