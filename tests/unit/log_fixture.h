/* log_fixture.h - logs as cases of a table: their bytes, and what log_open makes of them. */
#ifndef OUTRO_TESTS_LOG_FIXTURE_H
#define OUTRO_TESTS_LOG_FIXTURE_H

#include "data/log.h"
#include "temp_file.h"

struct log_case {
    const char *name;    /* for messages */
    const char *content; /* of the file, a text */
    enum log_form form;
    enum log_order order;
    const char *user;
    const char *expected; /* as log_describe writes it */
    uint64_t rejected, skipped;
    const char *says; /* in the complaints; NULL: nothing is looked for */
    const char
        *fails; /* in the error of log_open, which must fail; then the rest does not matter */
};

/** All that a log holds, a row as `user@ms artist/track [artist mbid|track mbid] duration`, one a
 * line. */
void log_describe(struct log *log, char *out, size_t capacity);

/** Opens a file as the case says, and fails the test when what comes out is not what it expects. */
void log_case_check(const struct log_case *log_case, const char *path);

/** Each case as a plain file and in gzip. */
void log_cases_run(const struct log_case *cases, size_t count);

#endif
