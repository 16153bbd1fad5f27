/* options.h - the options of a command as one table: the parser and --help both come from its rows.
 * Understands `--name value`, `--name=value`, `--help`, `-h`, and `--` before operands that look
 * like options; `-` alone is an operand (standard input). The CLI's own: prints, so that commands
 * need not. */
#ifndef OUTRO_CLI_OPTIONS_H
#define OUTRO_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum option_kind {
    OPTION_FLAG,  /* bool: true when given */
    OPTION_TEXT,  /* const char *: borrowed from argv */
    OPTION_PAIR,  /* const char *[2]: `--name ONE OTHER` alone */
    OPTION_COUNT, /* uint64_t, decimal, min .. max */
    OPTION_REAL,  /* double, finite, min .. max */
    OPTION_DATE   /* struct event_time: YYYY-MM-DD, or with THH:MM:SSZ behind */
};

struct option_row {
    const char *name;  /* without the two dashes; _ and - are one in it */
    const char *value; /* what --help calls the value: "FILE", "N"; NULL for a flag */
    enum option_kind kind;
    void *target; /* of the type its kind says; keeps its default when the option is not given */
    double min, max;
    const char *doc; /* one line; say the default */
};

struct options {
    const char *command;  /* "events" */
    const char *operands; /* "LOG", as in the usage line */
    const char *summary;  /* what the command does: one or more lines */
    int min_operands, max_operands;
    const struct option_row *rows; /* ends with a row without a name */
};

/* The rows that every command has. */
#define OPTION_ROW_QUIET(target)                                                                   \
    {                                                                                              \
        "quiet", NULL, OPTION_FLAG, target, 0, 0, "no progress line and no summary"                \
    }
/* Of commands whose tables are what they are run for. */
#define OPTION_ROW_QUIET_PROGRESS(target)                                                          \
    {                                                                                              \
        "quiet", NULL, OPTION_FLAG, target, 0, 0, "no progress line"                               \
    }
/* The rows of every command that reads a log. */
#define OPTION_ROW_DURATIONS(target)                                                               \
    {                                                                                              \
        "durations", "FILE", OPTION_TEXT, target, 0, 0,                                            \
            "track durations, for scrobbles that carry none"                                       \
    }
#define OPTION_ROW_HOLIDAYS(target)                                                                \
    {                                                                                              \
        "holidays", "FILE", OPTION_TEXT, target, 0, 0,                                             \
            "dates, YYYY-MM-DD a line, for the feature holiday"                                    \
    }
#define OPTION_ROW_STRICT(target)                                                                  \
    {                                                                                              \
        "strict", NULL, OPTION_FLAG, target, 0, 0, "stop at the first bad row"                     \
    }
#define OPTION_ROW_JSON(target)                                                                    \
    {                                                                                              \
        "json", NULL, OPTION_FLAG, target, 0, 0, "the summary as one JSON object"                  \
    }
#define OPTION_ROW_END                                                                             \
    {                                                                                              \
        NULL, NULL, OPTION_FLAG, NULL, 0, 0, NULL                                                  \
    }

enum { OPTIONS_HELP = -1, OPTIONS_USAGE = -2 };

/** Reads argv and moves the operands to argv[1] and on.
 *  @return how many operands; or OPTIONS_HELP or OPTIONS_USAGE after printing what that calls for:
 * the command then returns options_status() of it. */
int options_parse(const struct options *options, int argc, char **argv) MUST_CHECK;

/** Exit status that belongs to a negative result of options_parse. */
int options_status(int result);

/** Says what was wrong with the command line, and where help is; returns 2. */
int options_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Prints `outro COMMAND: sentence` to standard error; returns the exit status for err: 2 for
 * ERR_USAGE, else 1. */
int options_fail(const char *command, const struct err *err);

#endif
