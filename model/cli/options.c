#include "cli/options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/timestamp.h"

int options_status(int result)
{
    return result == OPTIONS_HELP ? 0 : 2;
}

int options_usage(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "outro %s: ", command);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "; `outro %s --help` lists the options\n", command);
    return 2;
}

int options_fail(const char *command, const struct err *err)
{
    fprintf(stderr, "outro %s: %s\n", command, err->text);
    return err->code == ERR_USAGE ? 2 : 1;
}

static void print_row(const char *name, const char *value, const char *doc)
{
    char head[64];
    snprintf(head, sizeof head, "--%s%s%s", name, value ? " " : "", value ? value : "");
    printf("  %-24s %s\n", head, doc);
}

static int print_help(const struct options *options)
{
    printf("usage: outro %s [options]%s%s\n\n%s\n\noptions:\n", options->command,
           options->operands[0] ? " " : "", options->operands, options->summary);
    for (const struct option_row *row = options->rows; row->name; row++)
        print_row(row->name, row->value, row->doc);
    print_row("help", NULL, "print this and end");
    return OPTIONS_HELP;
}

static int bad_value(const struct options *options, const struct option_row *row, const char *text)
{
    if (row->kind == OPTION_DATE)
        options_usage(options->command, "--%s: \"%s\" is not a date of the form 2009-05-03",
                      row->name, text);
    else
        options_usage(options->command, "--%s: \"%s\" is not a%s number from %.10g to %.10g",
                      row->name, text, row->kind == OPTION_COUNT ? " whole" : "", row->min,
                      row->max);
    return OPTIONS_USAGE;
}

static bool read_count(const struct option_row *row, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno)
        return false;
    if ((double)value < row->min || (double)value > row->max)
        return false;
    *(uint64_t *)row->target = value;
    return true;
}

static bool read_real(const struct option_row *row, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || value < row->min || value > row->max)
        return false;
    *(double *)row->target = value;
    return true;
}

static bool read_date(const struct option_row *row, const char *text)
{
    char whole[32];
    size_t size = strlen(text);
    if (size == 10) { /* a day alone is its midnight */
        snprintf(whole, sizeof whole, "%sT00:00:00Z", text);
        text = whole;
        size = strlen(whole);
    }
    return timestamp_parse(text, size, row->target) == TIMESTAMP_OK;
}

static int store(const struct options *options, const struct option_row *row, char *text)
{
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)row->target = true;
        return 0;
    case OPTION_TEXT:
        *(const char **)row->target = text;
        return 0;
    case OPTION_PAIR: /* take_pair's */
        break;
    case OPTION_COUNT:
        return read_count(row, text) ? 0 : bad_value(options, row, text);
    case OPTION_REAL:
        return read_real(row, text) ? 0 : bad_value(options, row, text);
    case OPTION_DATE:
        return read_date(row, text) ? 0 : bad_value(options, row, text);
    }
    return OPTIONS_USAGE;
}

static bool same_name(const char *name, const char *other, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((name[i] == '_' ? '-' : name[i]) != (other[i] == '_' ? '-' : other[i]))
            return false;
    return true;
}

static const struct option_row *find_row(const struct options *options, const char *name,
                                         size_t size)
{
    for (const struct option_row *row = options->rows; row->name; row++)
        if (strlen(row->name) == size && same_name(row->name, name, size))
            return row;
    return NULL;
}

static int take_pair(const struct options *options, const struct option_row *row, int argc,
                     char **argv, int at)
{
    if (strchr(argv[at], '=') || at + 2 >= argc) {
        options_usage(options->command, "--%s needs two values behind it", row->name);
        return OPTIONS_USAGE;
    }
    memcpy(row->target, &argv[at + 1], 2 * sizeof(char *));
    return 3;
}

/* Takes the option at argv[at]; @return arguments taken, or negative. */
static int take_option(const struct options *options, int argc, char **argv, int at)
{
    const char *name = argv[at] + 2;
    char *equals = strchr(argv[at], '=');
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    const struct option_row *row = find_row(options, name, size);
    if (!row) {
        /* Without its value: it may be a secret that belongs elsewhere. */
        options_usage(options->command, "unknown option --%.*s", (int)size, name);
        return OPTIONS_USAGE;
    }
    if (row->kind == OPTION_PAIR)
        return take_pair(options, row, argc, argv, at);
    if (row->kind == OPTION_FLAG && equals) {
        options_usage(options->command, "--%s takes no value", row->name);
        return OPTIONS_USAGE;
    }
    char *text = equals ? equals + 1 : NULL;
    bool next = row->kind != OPTION_FLAG && !equals;
    if (next) {
        if (at + 1 >= argc) {
            options_usage(options->command, "--%s needs a value", row->name);
            return OPTIONS_USAGE;
        }
        text = argv[at + 1];
    }
    int status = store(options, row, text);
    return status < 0 ? status : next ? 2 : 1;
}

int options_parse(const struct options *options, int argc, char **argv)
{
    int operands = 0;
    bool only_operands = false;
    for (int at = 1; at < argc;) {
        char *arg = argv[at];
        if (only_operands || arg[0] != '-' || arg[1] == '\0') {
            argv[1 + operands++] = arg;
            at++;
        } else if (strcmp(arg, "--") == 0) {
            only_operands = true;
            at++;
        } else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            return print_help(options);
        } else if (arg[1] != '-') {
            options_usage(options->command, "unknown option %s", arg);
            return OPTIONS_USAGE;
        } else {
            int taken = take_option(options, argc, argv, at);
            if (taken < 0)
                return taken;
            at += taken;
        }
    }
    if (operands < options->min_operands || operands > options->max_operands) {
        options_usage(options->command, "%s: expected %s",
                      operands < options->min_operands ? "an argument is missing"
                                                       : "too many arguments",
                      options->operands[0] ? options->operands : "none");
        return OPTIONS_USAGE;
    }
    return operands;
}
