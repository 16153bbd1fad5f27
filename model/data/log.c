#include "data/log.h"

#include <inttypes.h>
#include <stdlib.h>

#include "data/line_reader.h"
#include "data/log_format.h"
#include "data/row_sorter.h"

#define DEFAULT_MEMORY_BYTES ((size_t)1 << 30)

enum {
    SHOWN_COMPLAINTS = 20,
    PROGRESS_LINES = 1 << 17,
    /* So many lines without one row, and it is no log: nobody should wait for the end of the wrong
       file. */
    HOPELESS_LINES = 10000
};

struct log {
    struct row_sorter *sorter;
    struct log_counts counts;
};

/* What reading needs and a read log does not. */
struct reading {
    const struct log_options *options;
    struct line_reader *reader;
    struct scrobble_scratch *scratch;
    struct err first_complaint;
};

/* Sets a bad line aside. @return 0, or -1 with err when the reading must stop */
static int complain(struct log *log, struct reading *reading, uint64_t line,
                    const struct err *reason, struct err *err)
{
    const struct log_options *options = reading->options;
    struct err sentence = *reason;
    err_prefix(&sentence, "%s:%" PRIu64, line_reader_name(reading->reader), line);
    sentence.code = ERR_INPUT;
    if (options->strict) {
        err_set(err, ERR_INPUT, "%s", sentence.text);
        return -1;
    }
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
                   line_reader_name(reading->reader), reading->first_complaint.text);
}

/* The order of the first row's form is the order of the log. */
static int choose_order(struct log *log, const struct log_options *options, bool is_table,
                        struct err *err)
{
    size_t memory_bytes = options->memory_bytes ? options->memory_bytes : DEFAULT_MEMORY_BYTES;
    log->sorter = row_sorter_new(options->order == LOG_BY_TIME || is_table, memory_bytes);
    return log->sorter ? 0 : err_set(err, ERR_MEMORY, "out of memory for the rows of a log");
}

static int take_line(struct log *log, struct reading *reading, const struct line *line,
                     struct err *err)
{
    struct scrobble scrobble;
    struct err reason = {0};
    enum log_line kind = LOG_LINE_BAD;
    if (line->too_long)
        err_set(&reason, ERR_INPUT, "it has more than %d bytes", LINE_MAX_BYTES);
    else
        kind = log_line_parse(line->text, line->number == 1, reading->scratch, &scrobble, &reason);
    if (kind == LOG_LINE_SKIP)
        return 0;
    if (kind == LOG_LINE_BAD) {
        if (complain(log, reading, line->number, &reason, err) < 0)
            return -1;
        if (log->counts.rows == 0 && log->counts.rejected >= HOPELESS_LINES)
            return no_log(reading, err);
        return 0;
    }
    if (scrobble.duration_ms == 0)
        scrobble.duration_ms =
            durations_find(reading->options->durations, scrobble.artist, scrobble.track);
    if (!log->sorter && choose_order(log, reading->options, log_line_is_table(line->text), err) < 0)
        return -1;
    log->counts.rows++;
    return row_sorter_add(log->sorter, &scrobble, err);
}

static void report(const struct log *log, const struct reading *reading)
{
    const struct log_options *options = reading->options;
    if (options->progress)
        options->progress(options->progress_ctx, log->counts.rows,
                          line_reader_offset(reading->reader), line_reader_size(reading->reader));
}

static int read_lines(struct log *log, struct reading *reading, struct err *err)
{
    const struct log_options *options = reading->options;
    struct line line;
    int status;
    while ((status = line_reader_next(reading->reader, &line, err)) > 0) {
        if (take_line(log, reading, &line, err) < 0)
            return -1;
        if (line.number % PROGRESS_LINES == 0)
            report(log, reading);
    }
    if (status < 0)
        return -1;
    report(log, reading);
    if (log->counts.rows == 0 && log->counts.rejected > 0)
        return no_log(reading, err);
    if (log->counts.rejected > SHOWN_COMPLAINTS && options->complaints)
        fprintf(options->complaints, "%s: %" PRIu64 " more bad rows, not shown\n",
                line_reader_name(reading->reader), log->counts.rejected - SHOWN_COMPLAINTS);
    if (!log->sorter && choose_order(log, options, false, err) < 0)
        return -1;
    return row_sorter_finish(log->sorter, err);
}

struct log *log_open(const char *path, const struct log_options *options, struct err *err)
{
    struct reading reading = {.options = options};
    int status = -1;
    struct log *log = calloc(1, sizeof *log);
    reading.scratch = scrobble_scratch_new();
    if (!log || !reading.scratch) {
        err_set(err, ERR_MEMORY, "out of memory opening %s", path);
        goto out;
    }
    reading.reader = line_reader_open(path, err);
    if (!reading.reader)
        goto out;
    status = read_lines(log, &reading, err);
out:
    line_reader_free(reading.reader);
    scrobble_scratch_free(reading.scratch);
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
