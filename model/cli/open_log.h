/* open_log.h - how every command opens its listening log: with the progress line while it reads,
 * and with the complaints about bad rows shown once the line is gone. */
#ifndef OUTRO_CLI_OPEN_LOG_H
#define OUTRO_CLI_OPEN_LOG_H

#include <stdbool.h>

#include "cli/options.h"
#include "core/err.h"
#include "data/log.h"

/* What only the user may know of a log: the options of every command that reads one. */
struct log_hints {
    const char *form; /* as --format names it; NULL: by content */
    const char *user; /* NULL: the log says who it was */
};

/* Their rows in a command's table. */
#define OPTION_ROW_FORMAT(hints)                                                                   \
    {                                                                                              \
        "format", "NAME", OPTION_TEXT, &(hints)->form, 0, 0,                                       \
            "LOG's only form: lastfm-1k, json, listenbrainz, lastfm, spotify"                      \
    }
#define OPTION_ROW_USER(hints)                                                                     \
    {                                                                                              \
        "user", "ID", OPTION_TEXT, &(hints)->user, 0, 0, "whose LOG is, when it names nobody"      \
    }

/** As the fields of the same names in log_options and others want them.
 * @return 0, or -1 with ERR_USAGE: no such form, no such user id */
int log_hints_read(const struct log_hints *hints, enum log_form *form, const char **user,
                   struct err *err) MUST_CHECK;

/** log_open, with complaints to standard error; options' complaints and progress are not looked at.
 *  @param quiet no progress line (complaints are shown all the same)  @return new log, or NULL with
 * err */
struct log *open_log(const char *path, const struct log_options *options, bool quiet,
                     struct err *err) MUST_CHECK;

#endif
