/* prepare_report.h - what `outro prepare` says while it works and at the end: progress lines, the
 * bad rows, a summary as text or as one JSON object. Reads the monotonic clock. */
#ifndef OUTRO_CLI_PREPARE_REPORT_H
#define OUTRO_CLI_PREPARE_REPORT_H

#include "cli/prepare_manifest.h"
#include "cli/progress.h"

struct prepare_report {
    bool quiet, json;
    struct progress progress;
    double read_s, write_s;
};

void prepare_report_reading(struct prepare_report *report);
/** For struct history_options. */
void prepare_report_rows(void *report, uint64_t rows, uint64_t users, uint64_t bytes,
                         uint64_t total_bytes);
/** The progress line goes; bad rows are shown on standard error. */
void prepare_report_read(struct prepare_report *report, const struct history *history,
                         const char *log_path);
void prepare_report_writing(struct prepare_report *report);
/** For struct prepare_options. */
void prepare_report_users(void *report, uint64_t users, uint64_t total);
/** The summary, on standard output. @param nothing all was there already  @return 0, -1 with ERR_IO
 */
int prepare_report_end(struct prepare_report *report, const struct prepare_manifest *manifest,
                       bool nothing, struct err *err) MUST_CHECK;
/** The progress line goes, whatever happened. May be called twice. */
void prepare_report_stop(struct prepare_report *report);

#endif
