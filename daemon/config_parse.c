#include "daemon/config.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/kafka_conf.h"

/* Lines on which keys were first set, to refuse a second time; a file that says two things says
 * nothing. */
struct seen {
    char **names;
    size_t *lines;
    size_t count;
};

static void seen_release(struct seen *seen)
{
    for (size_t i = 0; i < seen->count; i++) {
        free(seen->names[i]);
    }
    free(seen->names);
    free(seen->lines);
}

static int seen_add(struct seen *seen, const char *name, size_t line, struct err *err)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->names[i], name) == 0) {
            return err_set(err, ERR_USAGE, "\"%.80s\" is already set on line %zu", name,
                           seen->lines[i]);
        }
    }
    char **names = realloc(seen->names, (seen->count + 1) * sizeof *names);
    seen->names = names ? names : seen->names;
    size_t *lines = realloc(seen->lines, (seen->count + 1) * sizeof *lines);
    seen->lines = lines ? lines : seen->lines;
    char *copy = strdup(name);
    if (!names || !lines || !copy) {
        free(copy);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    seen->names[seen->count] = copy;
    seen->lines[seen->count++] = line;
    return 0;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    for (size_t n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]); n--) {
        text[n - 1] = '\0';
    }
    return text;
}

/* Splits at the first `=`; both halves trimmed in place. */
static int split(char *line, char **key, char **value, struct err *err)
{
    char *equals = strchr(line, '=');
    if (!equals) {
        err_set(err, ERR_USAGE, "\"%.80s\" is not of the form key = value", line);
        return -1;
    }
    *equals = '\0';
    *key = trim(line);
    *value = trim(equals + 1);
    if (**key == '\0') {
        err_set(err, ERR_USAGE, "there is no key before the =");
        return -1;
    }
    return 0;
}

static int parse_line(struct config *config, struct seen *seen, char *line, size_t number,
                      struct err *err)
{
    char *key = NULL, *value = NULL;
    line = trim(line);
    if (*line == '\0' || *line == '#') {
        return 0;
    }
    if (split(line, &key, &value, err) != 0 || seen_add(seen, key, number, err) != 0) {
        return -1;
    }
    return config_set(config, key, value, err);
}

int config_parse(struct config *config, const char *text, size_t size, const char *name,
                 struct err *err)
{
    struct seen seen = {0};
    int rc = -1;
    char *copy = malloc(size + 1);
    if (!copy) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    size_t number = 1;
    /* editors elsewhere put a byte order mark before the first line */
    size_t mark = size >= 3 && memcmp(copy, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (char *line = copy + mark, *end = copy + size; line < end; number++) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        char *stop = newline ? newline : end;
        if (memchr(line, '\0', (size_t)(stop - line))) {
            err_set(err, ERR_USAGE, "there is a NUL byte in the line");
            goto out;
        }
        *stop = '\0';
        if (parse_line(config, &seen, line, number, err) != 0) {
            goto out;
        }
        line = stop + 1;
    }
    rc = 0;
out:
    if (rc != 0) {
        err_prefix(err, "%s:%zu", name, number);
    }
    seen_release(&seen);
    free(copy);
    return rc;
}

static int cannot_read(const char *path, struct err *err)
{
    err_errno(err, "cannot read configuration %s", path);
    if (err) {
        err->code = ERR_USAGE; /* a wrong -c, not a system that failed */
    }
    return -1;
}

int config_load(struct config *config, const char *path, struct err *err)
{
    enum { CONFIG_SIZE_MAX = 1 << 20 };
    int rc = -1;
    char *text = NULL;
    FILE *file = fopen(path, "re");
    if (!file) {
        return cannot_read(path, err);
    }
    text = malloc(CONFIG_SIZE_MAX + 1);
    if (!text) {
        err_set(err, ERR_MEMORY, "out of memory");
        goto out;
    }
    size_t size = fread(text, 1, CONFIG_SIZE_MAX + 1, file);
    if (ferror(file)) {
        cannot_read(path, err);
        goto out;
    }
    if (size > CONFIG_SIZE_MAX) {
        err_set(err, ERR_USAGE, "%s: a configuration of more than 1 MiB is a mistake", path);
        goto out;
    }
    rc = config_parse(config, text, size, path, err);
out:
    free(text);
    fclose(file);
    return rc;
}

int config_set_argument(struct config *config, const char *argument, struct err *err)
{
    char *key = NULL, *value = NULL, *copy = strdup(argument);
    if (!copy) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    int rc = split(copy, &key, &value, err);
    if (rc == 0) {
        rc = config_set(config, key, value, err);
    }
    free(copy);
    return rc == 0 ? 0 : err_prefix(err, "--set");
}

int config_listen(const char *text, char host[256], uint16_t *port, struct err *err)
{
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[';
    size_t length = colon ? (size_t)(colon - text) : 0;
    char *end = NULL;
    unsigned long number =
        colon && isdigit((unsigned char)colon[1]) ? strtoul(colon + 1, &end, 10) : ULONG_MAX;
    if (bracketed) {
        bracketed = length > 2 && text[length - 1] == ']';
        text++;
        length = bracketed ? length - 2 : 0;
    }
    if (length == 0 || length >= 256 || number > 65535 || *end != '\0' ||
        (!bracketed && memchr(text, ':', length))) {
        return err_set(err, ERR_USAGE,
                       "must be HOST:PORT, port 0 .. 65535, an IPv6 host in brackets");
    }
    memcpy(host, text, length);
    host[length] = '\0';
    *port = (uint16_t)number;
    return 0;
}

int config_check(const struct config *config, struct err *err)
{
    const char *topics[] = {config->topic_scrobbles,      config->topic_predictions,
                            config->topic_sessions,       config->topic_rejected,
                            config->topic_state,          config->topic_profiles,
                            config->topic_track_durations};
    const char *servers = config_kafka(config, "bootstrap.servers");
    if (!servers || !*servers) {
        return err_set(err, ERR_USAGE,
                       "kafka.bootstrap.servers is not set; it names the brokers (HOST:PORT,...)");
    }
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        for (size_t j = 0; j < i; j++) {
            if (*topics[i] && strcmp(topics[i], topics[j]) == 0) {
                return err_set(err, ERR_USAGE, "two of the topic.* keys name one topic, \"%s\"",
                               topics[i]);
            }
        }
    }
    if (*config->topic_profiles && *config->profiles_file) {
        return err_set(err, ERR_USAGE,
                       "topic.profiles and profiles.file are both set; profiles come from one");
    }
    if (*config->topic_track_durations && *config->durations_file) {
        return err_set(
            err, ERR_USAGE,
            "topic.track-durations and durations.file are both set; durations come from one");
    }
    if (config->state_ttl_days > 0 &&
        config->state_ttl_days * INT64_C(86400000) <= config->session_allowed_lateness_ms) {
        return err_set(err, ERR_USAGE,
                       "state.ttl.days must be longer than session.allowed.lateness.ms");
    }
    if (config->delivery == DELIVERY_EXACTLY_ONCE &&
        config->commit_interval_ms > config->transaction_timeout_ms / 3) {
        return err_set(err, ERR_USAGE,
                       "commit.interval.ms must be at most a third of transaction.timeout.ms = "
                       "%" PRId64 " with delivery = exactly-once",
                       config->transaction_timeout_ms);
    }
    return 0;
}

int config_read(struct config *config, const struct config_source *source, struct err *err)
{
    if (config_init(config, err) != 0) {
        return -1;
    }
    int rc = source->path ? config_load(config, source->path, err) : 0;
    for (size_t i = 0; rc == 0 && i < source->set_count; i++) {
        rc = config_set_argument(config, source->sets[i], err);
    }
    if (rc == 0) {
        rc = config_check(config, err);
    }
    if (rc != 0) {
        config_release(config);
    }
    return rc;
}
