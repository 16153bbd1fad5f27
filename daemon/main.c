/* main.c - the command line of outrod. Everything else is in service.h and demo.h. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#include "daemon/admin.h"
#include "daemon/audit.h"
#include "daemon/config.h"
#include "daemon/demo.h"
#include "daemon/logger.h"
#include "daemon/service.h"
#include "daemon/state_dump.h"
#include "daemon/topics.h"

enum action { ACTION_RUN, ACTION_CHECK, ACTION_PRINT, ACTION_REFERENCE, ACTION_SCHEMA };

struct command_line;

/* What is done with a configuration instead of serving. */
struct command {
    const char *name;
    const char *operand; /* what it takes behind its options; NULL: nothing */
    /* @return the exit status, or -1 with err */
    int (*run)(const struct command_line *line, const struct config *config, struct logger *logger,
               struct err *err);
};

struct command_line {
    enum action action;
    const struct command *command; /* NULL: serve */
    const char *operand;           /* of the command; NULL: none was given */
    bool all;
    const char *path;
    const char **sets; /* room for every argument and the demo's */
    size_t set_count;
    bool demo;
    struct demo_options demo_options;
};

static const char usage[] =
    "usage: outrod -c FILE [--set KEY=VALUE]... [-n]\n"
    "       outrod -c FILE --create-topics\n"
    "       outrod audit -c FILE\n"
    "       outrod state -c FILE USER|--all\n"
    "       outrod --demo [LOG]\n"
    "\n"
    "Predicts, at every scrobble read from Kafka, how long the listening session will last.\n"
    "\n"
    "  -c, --config FILE             configuration, key = value lines (daemon/CONFIGURATION.md)\n"
    "      --set KEY=VALUE           one setting, over the file\n"
    "  -n, --check                   check the configuration, print it back, and exit\n"
    "      --print-config            the same with what each key means: a file to begin with\n"
    "      --create-topics           make the topics that are missing, judge those that exist\n"
    "      --log-format text|json    as --set log.format=...\n"
    "      --demo [LOG]              in-process broker, a sample log (or LOG), a live view\n"
    "      --demo-seconds N          how long the demo feeds its log\n"
    "      --print-config-reference  the reference page of all keys\n"
    "      --print-config-schema     the same as JSON Schema\n"
    "      --version, --help\n"
    "\n"
    "audit: is every scrobble before the committed offsets in exactly one place, and is "
    "everything\n"
    "published there because of one? state: what the changelog knows of users, as JSON lines. "
    "Both\n"
    "read the topics of a running system or a stopped one.\n"
    "\n"
    "SIGTERM finishes what was taken, commits and leaves the group. SIGHUP reads the "
    "configuration\n"
    "and the bundle again. Exit status: 0 in order, 1 stopped by an error, 2 usage or "
    "configuration.\n";

static int create_topics(const struct command_line *line, const struct config *config,
                         struct logger *logger, struct err *err)
{
    (void)line;
    return topics_create(config, logger, err);
}

static int audit(const struct command_line *line, const struct config *config,
                 struct logger *logger, struct err *err)
{
    (void)line;
    return audit_run(config, logger, stdout, err);
}

/* Whoever read standard output has closed it. */
static bool reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) > 0 && out.revents & POLLERR;
}

static int state(const struct command_line *line, const struct config *config,
                 struct logger *logger, struct err *err)
{
    if (line->all == (line->operand != NULL)) {
        return err_set(err, ERR_USAGE, "state: name one user, or --all");
    }
    int status = state_dump(config, line->operand, logger, stdout, err);
    if (status < 0 && ferror(stdout) && reader_left()) {
        return 0; /* `head` has seen enough */
    }
    return status <= 0 ? status : err_set(err, ERR_INPUT, "nothing is known of %s", line->operand);
}

static const struct command commands[] = {
    {"--create-topics", NULL, create_topics}, {"audit", NULL, audit}, {"state", "USER", state}};

static const struct command *command_named(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int fail(const struct err *err)
{
    fprintf(stderr, "outrod: %s\n", err->text);
    return err->code == ERR_USAGE ? 2 : 1;
}

/* The same in the log's format once there is a log: who parses it sees nothing else. */
static int fail_logged(struct logger *logger, const struct err *err)
{
    if (atomic_load(&logger->format) != FORMAT_JSON) {
        return fail(err);
    }
    logger_event(logger, LEVEL_ERROR, "failed", "%s", err->text);
    return err->code == ERR_USAGE ? 2 : 1;
}

enum {
    OPTION_SET = 256,
    OPTION_PRINT,
    OPTION_FORMAT,
    OPTION_DEMO,
    OPTION_SECONDS,
    OPTION_REFERENCE,
    OPTION_SCHEMA,
    OPTION_TOPICS,
    OPTION_ALL,
    OPTION_VERSION
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, 'n'},
    {"set", required_argument, NULL, OPTION_SET},
    {"print-config", no_argument, NULL, OPTION_PRINT},
    {"log-format", required_argument, NULL, OPTION_FORMAT},
    {"demo", optional_argument, NULL, OPTION_DEMO},
    {"demo-seconds", required_argument, NULL, OPTION_SECONDS},
    {"print-config-reference", no_argument, NULL, OPTION_REFERENCE},
    {"print-config-schema", no_argument, NULL, OPTION_SCHEMA},
    {"create-topics", no_argument, NULL, OPTION_TOPICS},
    {"all", no_argument, NULL, OPTION_ALL},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0}};

static int parse_seconds(struct command_line *line, const char *text)
{
    char *end;
    line->demo_options.seconds = strtol(text, &end, 10);
    if (*end || line->demo_options.seconds < 1 || line->demo_options.seconds > 86400) {
        fprintf(stderr, "outrod: --demo-seconds: \"%s\" is not a whole number (1 .. 86400)\n",
                text);
        return 2;
    }
    return -1;
}

/* One option. @return -1 go on, or the exit status */
static int apply(struct command_line *line, int option, const char *value)
{
    switch (option) {
    case 'c':
        line->path = value;
        return -1;
    case 'n':
        line->action = ACTION_CHECK;
        return -1;
    case OPTION_SET:
        line->sets[line->set_count++] = value;
        return -1;
    case OPTION_FORMAT:
        line->sets[line->set_count++] =
            strcmp(value, "json") == 0 ? "log.format=json" : "log.format=text";
        if (strcmp(value, "json") == 0 || strcmp(value, "text") == 0) {
            return -1;
        }
        fprintf(stderr, "outrod: --log-format: \"%s\" is none of: text, json\n", value);
        return 2;
    case OPTION_DEMO:
        line->demo = true;
        line->demo_options.log_path = value;
        return -1;
    case OPTION_SECONDS:
        return parse_seconds(line, value);
    case OPTION_PRINT:
        line->action = ACTION_PRINT;
        return -1;
    case OPTION_REFERENCE:
        line->action = ACTION_REFERENCE;
        return -1;
    case OPTION_SCHEMA:
        line->action = ACTION_SCHEMA;
        return -1;
    case OPTION_TOPICS:
        line->command = command_named("--create-topics");
        return -1;
    case OPTION_ALL:
        line->all = true;
        return -1;
    case OPTION_VERSION:
        printf("outrod %s, librdkafka %s\n", OUTRO_VERSION, rd_kafka_version_str());
        return 0;
    case 'h':
        fputs(usage, stdout);
        return 0;
    default:
        fputs("outrod: see outrod --help\n", stderr);
        return 2;
    }
}

static int parse(struct command_line *line, int argc, char **argv)
{
    int option, status = -1;
    while (status < 0 && (option = getopt_long(argc, argv, "c:nh", long_options, NULL)) != -1) {
        status = apply(line, option, optarg);
    }
    if (status < 0 && line->demo && optind < argc && !line->demo_options.log_path) {
        line->demo_options.log_path = argv[optind++]; /* `--demo LOG`, beside `--demo=LOG` */
    }
    if (status < 0 && optind < argc && line->command && line->command->operand) {
        line->operand = argv[optind++];
    }
    if (status < 0 && line->all && (!line->command || !line->command->operand)) {
        fputs("outrod: --all belongs to outrod state\n", stderr);
        return 2;
    }
    if (status < 0 && optind < argc) {
        fprintf(stderr, "outrod: what is \"%s\"? See outrod --help\n", argv[optind]);
        return 2;
    }
    bool needs_source = line->action == ACTION_RUN || line->action == ACTION_CHECK;
    if (status < 0 && needs_source && !line->path && !line->set_count && !line->demo) {
        fputs(usage, stderr);
        return 2;
    }
    return status;
}

static int print_config(const struct command_line *line, const struct config *config)
{
    config_print(config, stdout, line->action == ACTION_PRINT);
    for (size_t i = 0; i < config->kafka_count; i++) {
        if (config_is_secret(config->kafka[i].name)) {
            fprintf(stderr, "outrod: kafka.%s is set and not shown\n", config->kafka[i].name);
        }
    }
    return 0;
}

static int run(struct config *config, const struct config_source *source, struct demo *demo)
{
    struct err err = {0};
    struct logger logger;
    int rc = -1, shown = 0;
    logger_init(&logger, STDERR_FILENO, (enum log_level)config->log_level,
                (enum log_format)config->log_format);
    struct status *status = status_new(&err);
    if (!status || (demo && demo_start(demo, status, &err) != 0)) {
        goto out;
    }
    rc = service_run(config, source, &logger, status, &err);
    if (rc == SERVICE_STUCK) {
        fflush(NULL);
        _exit(1); /* the engine still runs: nothing it uses may be freed */
    }
    if (demo) {
        shown = demo_join(demo, rc == 0 ? &err : &(struct err){0});
    }
out:
    status_free(status);
    return rc == 0 && shown == 0 ? 0 : fail_logged(&logger, &err);
}

static int run_command(const struct command_line *line, const struct config *config)
{
    struct err err = {0};
    struct logger logger;
    logger_init(&logger, STDERR_FILENO, (enum log_level)config->log_level,
                (enum log_format)config->log_format);
    int status = line->command->run(line, config, &logger, &err);
    return status < 0 ? fail(&err) : status;
}

/* --print-config shows defaults even when nothing is configured. */
static int read_config(const struct command_line *line, const struct config_source *source,
                       struct config *config, struct err *err)
{
    bool bare = line->action == ACTION_PRINT && !source->path && !source->set_count;
    return bare ? config_init(config, err) : config_read(config, source, err);
}

static int configured(struct command_line *line, struct demo *demo)
{
    struct err err = {0};
    struct config config;
    struct config_source source = {line->path, line->sets, line->set_count};
    if (read_config(line, &source, &config, &err) != 0) {
        return fail(&err);
    }
    int status = line->action != ACTION_RUN ? print_config(line, &config)
                 : line->command            ? run_command(line, &config)
                                            : run(&config, &source, demo);
    config_release(&config);
    return status;
}

/* The demo's settings come first, so that the user's go over them. */
static int demonstrate(struct command_line *line)
{
    struct err err = {0};
    size_t count;
    struct demo *demo = demo_new(&line->demo_options, &err);
    if (!demo) {
        return fail(&err);
    }
    const char *const *sets = demo_sets(demo, &count);
    memmove(line->sets + count, line->sets, line->set_count * sizeof *sets);
    memcpy(line->sets, sets, count * sizeof *sets);
    line->set_count += count;
    int status = configured(line, demo);
    demo_free(demo);
    return status;
}

/* An earlier write may be the one that failed, of which nothing but the mark in stdout is left.
 * @return the exit status */
static int end_output(int status)
{
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE || reader_left()) {
        return status;
    }
    if (errno != 0 || status == 0) {
        fprintf(stderr, "outrod: standard output: %s\n",
                errno ? strerror(errno) : "not all of it could be written");
    }
    return status ? status : 1;
}

int main(int argc, char **argv)
{
    enum { DEMO_SETS_MAX = 16 };
    struct command_line line = {.sets = calloc((size_t)argc + DEMO_SETS_MAX, sizeof(char *))};
    if (!line.sets) {
        return 1;
    }
    if (argc > 1 && *argv[1] != '-' && (line.command = command_named(argv[1]))) {
        argc--;
        argv++;
    }
    int status = parse(&line, argc, argv);
    if (status < 0 && line.action >= ACTION_REFERENCE) {
        (line.action == ACTION_REFERENCE ? config_print_reference : config_print_schema)(stdout);
        status = 0;
    } else if (status < 0) {
        admin_block_signals(); /* before the first thread */
        status = line.demo ? demonstrate(&line) : configured(&line, NULL);
    }
    free(line.sets);
    return end_output(status);
}
