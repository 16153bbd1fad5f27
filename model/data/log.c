#include "data/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/log_format.h"
#include "data/log_input.h"
#include "data/row_sorter.h"

#define DEFAULT_MEMORY_BYTES ((size_t)1 << 30)

enum {
    SHOWN_COMPLAINTS = 20,
    PROGRESS_RECORDS = 1 << 17,
    /* So many records without one row, and it is no log: nobody should wait for the end of the
       wrong file. */
    HOPELESS_RECORDS = 10000
};

struct log {
    struct row_sorter *sorter;
    struct log_counts counts;
};

/* What reading needs and a read log does not. */
struct reading {
    const struct log_options *options;
    struct log_input *input;
    struct log_parser parser;
    struct err first_complaint;
};

/* "FILE:LINE: record N of what begins there: reason" */
static struct err place(const struct log_record *record, const struct err *reason)
{
    struct err sentence = *reason;
    if (record->element > 0)
        err_prefix(&sentence, "%s:%" PRIu64 ": record %" PRIu64, record->file, record->line,
                   record->element);
    else
        err_prefix(&sentence, "%s:%" PRIu64, record->file, record->line);
    sentence.code = ERR_INPUT;
    return sentence;
}

/* Sets a bad record aside. @return 0, or -1 with err when the reading must stop */
static int complain(struct log *log, struct reading *reading, const struct log_record *record,
                    const struct err *reason, struct err *err)
{
    const struct log_options *options = reading->options;
    struct err sentence = place(record, reason);
    if (options->strict)
        return err_set(err, ERR_INPUT, "%s", sentence.text);
    if (log->counts.rejected++ == 0)
        reading->first_complaint = sentence;
    if (log->counts.rejected <= SHOWN_COMPLAINTS && options->complaints)
        fprintf(options->complaints, "%s\n", sentence.text);
    return 0;
}

static int no_log(const struct reading *reading, struct err *err)
{
    return err_set(err, ERR_INPUT,
                   "no scrobble in %s: it is no listening log of a form that we read; first, %s",
                   byte_source_name(log_input_source(reading->input)),
                   reading->first_complaint.text);
}

static int begin_rows(struct log *log, const struct log_options *options, bool by_time,
                      struct err *err)
{
    size_t memory_bytes = options->memory_bytes ? options->memory_bytes : DEFAULT_MEMORY_BYTES;
    log->sorter = row_sorter_new(by_time, memory_bytes);
    return log->sorter ? 0 : err_set(err, ERR_MEMORY, "out of memory for the rows of a log");
}

/* The order of the first row's form is the order of the log. */
static bool is_by_time(const struct log_options *options, const struct log_record *record)
{
    return options->order == LOG_BY_TIME || record->is_history || log_line_is_table(record->text);
}

static enum log_line parse(const struct reading *reading, const struct log_record *record,
                           struct scrobble *out, struct err *reason)
{
    if (record->bad) {
        err_set(reason, ERR_INPUT, "%s", record->bad);
        return LOG_LINE_BAD;
    }
    struct log_parser parser = reading->parser;
    if (record->user.size > 0)
        parser.user = record->user;
    if (record->element > 0)
        return log_element_parse(&parser, record->text, out, reason);
    return log_line_parse(&parser, record->text, record->is_first, out, reason);
}

static int take_bad(struct log *log, struct reading *reading, const struct log_record *record,
                    const struct err *reason, struct err *err)
{
    if (complain(log, reading, record, reason, err) < 0)
        return -1;
    if (log->counts.rows == 0 && log->counts.rejected >= HOPELESS_RECORDS)
        return no_log(reading, err);
    return 0;
}

static int take_record(struct log *log, struct reading *reading, const struct log_record *record,
                       struct err *err)
{
    struct scrobble scrobble;
    struct err reason = {0};
    switch (parse(reading, record, &scrobble, &reason)) {
    case LOG_LINE_SCROBBLE:
        break;
    case LOG_LINE_SKIP:
        return 0;
    case LOG_LINE_NO_LISTEN:
        log->counts.skipped++;
        return 0;
    case LOG_LINE_NOBODY:
        if (log->counts.rows == 0) { /* so it will be with all of them */
            reason = place(record, &reason);
            return err_set(err, ERR_INPUT, "%s", reason.text);
        }
        return take_bad(log, reading, record, &reason, err);
    default:
        return take_bad(log, reading, record, &reason, err);
    }
    if (scrobble.duration_ms == 0)
        scrobble.duration_ms =
            durations_find(reading->options->durations, scrobble.artist, scrobble.track);
    if (!log->sorter &&
        begin_rows(log, reading->options, is_by_time(reading->options, record), err) < 0)
        return -1;
    log->counts.rows++;
    return row_sorter_add(log->sorter, &scrobble, err);
}

static void report(const struct log *log, const struct reading *reading)
{
    const struct log_options *options = reading->options;
    const struct byte_source *source = log_input_source(reading->input);
    if (options->progress)
        options->progress(options->progress_ctx, log->counts.rows, byte_source_offset(source),
                          byte_source_size(source));
}

static int read_records(struct log *log, struct reading *reading, struct err *err)
{
    const struct log_options *options = reading->options;
    struct log_record record;
    int status;
    for (uint64_t count = 1; (status = log_input_next(reading->input, &record, err)) > 0; count++) {
        if (take_record(log, reading, &record, err) < 0)
            return -1;
        if (count % PROGRESS_RECORDS == 0)
            report(log, reading);
    }
    if (status < 0)
        return -1;
    report(log, reading);
    if (log->counts.rows == 0 && log->counts.rejected > 0)
        return no_log(reading, err);
    if (log->counts.rejected > SHOWN_COMPLAINTS && options->complaints)
        fprintf(options->complaints, "%s: %" PRIu64 " more bad rows, not shown\n",
                byte_source_name(log_input_source(reading->input)),
                log->counts.rejected - SHOWN_COMPLAINTS);
    if (!log->sorter && begin_rows(log, options, true, err) < 0)
        return -1;
    return row_sorter_finish(log->sorter, err);
}

struct log *log_open(const char *path, const struct log_options *options, struct err *err)
{
    struct reading reading = {.options = options};
    int status = -1;
    struct log *log = calloc(1, sizeof *log);
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    if (!log || !scratch) {
        err_set(err, ERR_MEMORY, "out of memory opening %s", path);
        goto out;
    }
    reading.parser = (struct log_parser){options->form, {"", 0}, scratch};
    if (options->user)
        reading.parser.user = (struct slice){options->user, strlen(options->user)};
    reading.input = log_input_open(path, options->form == LOG_FORM_LASTFM_1K, err);
    if (!reading.input)
        goto out;
    status = read_records(log, &reading, err);
out:
    log_input_free(reading.input);
    scrobble_scratch_free(scratch);
    if (status < 0) {
        log_free(log);
        return NULL;
    }
    return log;
}

int log_next(struct log *log, struct scrobble *out, struct err *err)
{
    return row_sorter_next(log->sorter, out, err);
}

int log_rewind(struct log *log, struct err *err)
{
    return row_sorter_rewind(log->sorter, err);
}

struct log_counts log_counts(const struct log *log)
{
    return log->counts;
}

void log_free(struct log *log)
{
    if (!log)
        return;
    row_sorter_free(log->sorter);
    free(log);
}
