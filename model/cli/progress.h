/* progress.h - the one progress line of a long command: what, how much, how fast, how long still.
 * Redrawn in place on standard error at most five times a second; silent when standard error is not
 * a terminal, or when the user asked for quiet. Reads the monotonic clock. Erase it (progress_end)
 * before printing anything else. */
#ifndef OUTRO_CLI_PROGRESS_H
#define OUTRO_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* borrowed: "reading", "training" */
    const char *unit; /* borrowed: "rows", "sessions" */
    int64_t begun_ns; /* when progress_begin was called */
    int64_t drawn_ns; /* when the line was last drawn; 0 = not yet */
    bool shown;       /* a terminal is there and wants it */
};

/** Starts the line of one task, in caller's memory; draws nothing yet. */
void progress_begin(struct progress *progress, const char *what, const char *unit, bool quiet);

/** Redraws when the time has come. Costs a clock read: call it every thousand events or so.
 *  @param count units done  @param fraction 0 .. 1 of the whole task; negative when that is not
 * known
 *  @param note printf format of what else to say (epoch, loss); "" for nothing */
void progress_update(struct progress *progress, uint64_t count, double fraction, const char *note,
                     ...) __attribute__((format(printf, 4, 5)));

/** Erases the line; may be called twice. @return seconds since progress_begin, also when silent */
double progress_end(struct progress *progress);

/** For struct log_options: progress is a started struct progress. */
void progress_log_rows(void *progress, uint64_t rows, uint64_t bytes, uint64_t total_bytes);

/** 1234567 as "1,234,567", in out (at least 28 bytes); returns out. */
char *progress_number(uint64_t number, char *out);

#endif
