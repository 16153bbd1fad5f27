/* outro events: a log as JSON lines in event-time order, each behind its user id: what a producer
 * would have sent. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/open_log.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "data/durations.h"
#include "data/scrobble_json.h"

enum { BUFFER_BYTES = 1024 * 1024, LINE_ROOM = 128 * 1024, PROGRESS_ROWS = 4096 };

struct events {
    const char *log_path, *durations_path;
    struct log_hints hints;
    double speed; /* 0: as fast as it goes */
    bool strict, quiet;

    char *buffer; /* BUFFER_BYTES */
    size_t buffered;
    bool reader_gone; /* whoever read standard output has closed it */
    uint64_t written, skipped;
    struct progress progress;
};

static int flush(struct events *events, struct err *err)
{
    const char *data = events->buffer;
    size_t size = events->buffered;
    events->buffered = 0;
    while (size > 0) {
        ssize_t done = write(STDOUT_FILENO, data, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == EPIPE) {
            events->reader_gone = true;
            return 0;
        }
        if (done < 0)
            return err_errno(err, "writing to standard output");
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

/* A key that holds a tab or a line end would be read back as something else. */
static bool key_is_clean(struct slice key)
{
    return !memchr(key.data, '\t', key.size) && !memchr(key.data, '\n', key.size) &&
           !memchr(key.data, '\r', key.size);
}

static int put(struct events *events, const struct scrobble *scrobble, struct err *err)
{
    if (BUFFER_BYTES - events->buffered < LINE_ROOM && flush(events, err) < 0)
        return -1;
    if (!key_is_clean(scrobble->user_id)) {
        events->skipped++;
        return 0;
    }
    char *at = events->buffer + events->buffered;
    char *end = events->buffer + BUFFER_BYTES;
    memcpy(at, scrobble->user_id.data, scrobble->user_id.size);
    at += scrobble->user_id.size;
    *at++ = '\t';
    size_t size = scrobble_to_json(scrobble, at, (size_t)(end - at) - 1);
    if (size == (size_t)-1)
        return err_set(err, ERR_INPUT, "a scrobble of more than %d bytes", LINE_ROOM);
    at += size;
    *at++ = '\n';
    events->buffered = (size_t)(at - events->buffer);
    events->written++;
    return 0;
}

/* Waits until the scrobble is due: its distance in event time from the first, speed times faster.
 * What is due already goes out before the wait, so that a reader sees each scrobble at its time. */
static int wait_until_due(struct events *events, const struct timespec *begun, int64_t since_ms,
                          struct err *err)
{
    double wait_s = (double)since_ms / 1000 / events->speed;
    double whole = (double)(int64_t)wait_s;
    struct timespec due = {begun->tv_sec + (time_t)whole,
                           begun->tv_nsec + (long)((wait_s - whole) * 1e9)};
    if (due.tv_nsec >= 1000000000) {
        due.tv_nsec -= 1000000000;
        due.tv_sec++;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec > due.tv_sec || (now.tv_sec == due.tv_sec && now.tv_nsec >= due.tv_nsec))
        return 0;
    if (flush(events, err) < 0)
        return -1;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
        ;
    return 0;
}

static int write_events(struct events *events, struct log *log, struct err *err)
{
    uint64_t rows = log_counts(log).rows;
    struct timespec begun;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    struct event_time first = EVENT_TIME_NEVER;
    struct scrobble scrobble;
    int status = 0;
    while (!events->reader_gone && (status = log_next(log, &scrobble, err)) > 0) {
        if (events->speed > 0) {
            if (events->written + events->skipped == 0)
                first = scrobble.time;
            if (wait_until_due(events, &begun, event_time_diff_ms(scrobble.time, first), err) < 0)
                return -1;
        }
        if (put(events, &scrobble, err) < 0)
            return -1;
        if (events->speed > 0 || events->written % PROGRESS_ROWS == 0)
            progress_update(&events->progress, events->written,
                            (double)events->written / (double)rows, "%s", "");
    }
    if (status < 0)
        return -1;
    return events->reader_gone ? 0 : flush(events, err);
}

static void summarize(const struct events *events, const struct log *log, double seconds)
{
    char written[28], bad[28], skipped[28];
    progress_number(events->written, written);
    progress_number(log_counts(log).rejected, bad);
    progress_number(log_counts(log).skipped, skipped);
    if (events->skipped)
        fprintf(stderr, "outro events: %llu rows not written: tab or line end in the user id\n",
                (unsigned long long)events->skipped);
    if (!events->quiet && !events->reader_gone)
        fprintf(stderr, "outro events: %s row%s written, %s bad, %s%s%.1f s\n", written,
                events->written == 1 ? "" : "s", bad, log_counts(log).skipped ? skipped : "",
                log_counts(log).skipped ? " no listens, " : "", seconds);
}

static int run(struct events *events, struct err *err)
{
    int status = -1;
    struct log *log = NULL;
    struct durations *durations = NULL;
    struct progress whole;
    progress_begin(&whole, "", "", true);
    events->buffer = malloc(BUFFER_BYTES);
    if (!events->buffer)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (events->durations_path) {
        durations = durations_load(events->durations_path, err);
        if (!durations)
            goto out;
    }
    struct log_options options = {.strict = events->strict, .durations = durations};
    if (log_hints_read(&events->hints, &options.form, &options.user, err) < 0)
        goto out;
    log = open_log(events->log_path, &options, events->quiet, err);
    if (!log)
        goto out;
    progress_begin(&events->progress, "writing", "rows", events->quiet);
    status = write_events(events, log, err);
    progress_end(&events->progress);
    if (status == 0)
        summarize(events, log, progress_end(&whole));
out:
    log_free(log);
    durations_free(durations);
    free(events->buffer);
    return status;
}

int cmd_events(int argc, char **argv)
{
    struct events events = {0};
    const struct option_row rows[] = {
        {"speed", "X", OPTION_REAL, &events.speed, 1e-3, 1e12,
         "write at X times the pace at which it happened (default: at once)"},
        OPTION_ROW_FORMAT(&events.hints),
        OPTION_ROW_USER(&events.hints),
        OPTION_ROW_DURATIONS(&events.durations_path),
        OPTION_ROW_STRICT(&events.strict),
        OPTION_ROW_QUIET(&events.quiet),
        OPTION_ROW_END,
    };
    const struct options options = {
        .command = "events",
        .operands = "LOG",
        .summary =
            "Writes LOG in event-time order as lines of user_id, tab, JSON:\n"
            "  outro events LOG |\n"
            "    kcat -P -b BROKER -t scrobbles -K '\\t' -X partitioner=murmur2_random\n"
            "LOG is, plain, in gzip or in zstd, - for standard input:\n"
            "  the Last.fm-1K table; JSON of ours, of ListenBrainz (listens, an export's zip, a\n"
            "  dump's tar), of Last.fm (user.getRecentTracks), of Spotify (streaming history,\n"
            "  extended or of the account data, JSON or zip); one a line, in arrays or in pages.",
        .min_operands = 1,
        .max_operands = 1,
        .rows = rows,
    };
    int count = options_parse(&options, argc, argv);
    if (count < 0)
        return options_status(count);
    events.log_path = argv[1];
    struct err err = {0};
    return run(&events, &err) < 0 ? options_fail("events", &err) : 0;
}
