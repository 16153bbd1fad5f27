#include "data/log.h"

#include <inttypes.h>
#include <stdlib.h>

#include "data/row_sorter.h"

#define DEFAULT_MEMORY_BYTES ((size_t)1 << 30)

enum { SHOWN_COMPLAINTS = 20, PROGRESS_ROWS = 1 << 17 };

struct log {
    struct row_sorter *sorter;
    struct log_counts counts;
};

/* The order of the first row's form is the order of the log. */
static int begin_rows(struct log *log, const struct log_options *options, bool as_arrived,
                      struct err *err)
{
    size_t memory_bytes = options->memory_bytes ? options->memory_bytes : DEFAULT_MEMORY_BYTES;
    log->sorter = row_sorter_new(options->order == LOG_BY_TIME || !as_arrived, memory_bytes);
    return log->sorter ? 0 : err_set(err, ERR_MEMORY, "out of memory for the rows of a log");
}

static int take_row(struct log *log, const struct log_options *options, struct log_row *row,
                    struct err *err)
{
    struct scrobble *scrobble = &row->scrobble;
    if (scrobble->duration_ms == 0)
        scrobble->duration_ms =
            durations_find(options->durations, scrobble->artist, scrobble->track);
    if (!log->sorter && begin_rows(log, options, row->as_arrived, err) < 0)
        return -1;
    return row_sorter_add(log->sorter, scrobble, err);
}

static void complain(const struct log_options *options, const struct log_row *row,
                     uint64_t rejected)
{
    if (rejected <= SHOWN_COMPLAINTS && options->complaints)
        fprintf(options->complaints, "%s:%" PRIu64 ": %s\n", row->file, row->line,
                row->reason.text);
}

static void report(const struct log_options *options, const struct log_reader *reader)
{
    const struct byte_source *source = log_reader_source(reader);
    if (options->progress)
        options->progress(options->progress_ctx, log_reader_counts(reader).rows,
                          byte_source_offset(source), byte_source_size(source));
}

static int read_rows(struct log *log, const struct log_options *options, struct log_reader *reader,
                     struct err *err)
{
    struct log_row row = {0};
    int status;
    for (uint64_t count = 1; (status = log_reader_next(reader, &row, err)) > 0; count++) {
        if (!row.is_good)
            complain(options, &row, log_reader_counts(reader).rejected);
        else if (take_row(log, options, &row, err) < 0)
            return -1;
        if (count % PROGRESS_ROWS == 0)
            report(options, reader);
    }
    if (status < 0)
        return -1;
    report(options, reader);
    log->counts = log_reader_counts(reader);
    if (log->counts.rejected > SHOWN_COMPLAINTS && options->complaints)
        fprintf(options->complaints, "%s: %" PRIu64 " more bad rows, not shown\n",
                byte_source_name(log_reader_source(reader)),
                log->counts.rejected - SHOWN_COMPLAINTS);
    if (!log->sorter && begin_rows(log, options, false, err) < 0)
        return -1;
    return row_sorter_finish(log->sorter, err);
}

struct log *log_open(const char *path, const struct log_options *options, struct err *err)
{
    int status = -1;
    struct log *log = calloc(1, sizeof *log);
    if (!log) {
        err_set(err, ERR_MEMORY, "out of memory opening %s", path);
        return NULL;
    }
    struct log_reader *reader =
        log_reader_open(path, options->form, options->user, options->strict, err);
    if (reader)
        status = read_rows(log, options, reader, err);
    log_reader_free(reader);
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
