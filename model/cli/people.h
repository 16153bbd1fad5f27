/* people.h - who is clustered, and their columns: from a file of profiles, or from a log by what a
 * daemon would keep of each (stream/user_columns.h). */
#ifndef OUTRO_CLI_PEOPLE_H
#define OUTRO_CLI_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/open_log.h"
#include "cluster/user_column.h"
#include "core/err.h"

struct person {
    char user_id[USER_ID_MAX + 1];
    double column[USER_COLUMNS]; /* NAN where people.has says no */
};

struct people {
    struct person *person; /* (count) ascending by user id, owned */
    size_t count, capacity;
    size_t left_out; /* by the filters */
    bool has[USER_COLUMNS];
    bool from_log;
};

struct people_source {
    const char *path; /* file of profiles, or a log ("-": standard input) */
    struct log_hints hints;
    const char *profiles_path, *durations_path; /* beside a log; may be NULL */
    bool strict, quiet;
    /* Filters; who does not meet them is left out. */
    uint64_t min_rows, min_sessions;
    double max_average; /* s, exclusive; 0: any */
};

/** Bad rows of a file of profiles stop it. @param out release it on success  @return 0, or -1:
 * ERR_IO, ERR_INPUT (with file and line), ERR_USAGE (a filter on a column that a log has not, a
 * file beside profiles), ERR_MEMORY */
int people_read(const struct people_source *source, struct people *out, struct err *err) MUST_CHECK;
void people_release(struct people *people);

#endif
