/* config.h - the daemon's configuration: `key = value` lines, one table of keys that everything
 * comes from. config.c has the table (type, default, range, flags, doc, field), config_parse.c
 * reads files, config_print.c prints back and generates CONFIGURATION.md and
 * schemas/configuration.json. Keys that begin with `kafka.` go to librdkafka verbatim and are
 * checked by it. Not thread-safe. */
#ifndef OUTRO_DAEMON_CONFIG_H
#define OUTRO_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"

enum delivery { DELIVERY_AT_LEAST_ONCE, DELIVERY_EXACTLY_ONCE };

/* One `kafka.` property, name without the prefix. Both owned. */
struct config_pair {
    char *name;
    char *value;
};

struct config {
    char *topic_scrobbles, *topic_predictions, *topic_sessions, *topic_rejected, *topic_state;
    char *topic_profiles, *topic_track_durations; /* "": none */
    char *transactional_id;                       /* "": derived, see kafka_transactional_id */
    char *bundle_path, *durations_file, *profiles_file, *holidays_file, *admin_listen;
    char *state_dir; /* "": no snapshots */
    int64_t bundle_poll_s;
    int64_t delivery; /* enum delivery */
    int64_t commit_interval_ms, commit_max_messages, commit_max_bytes, batch_messages;
    int64_t state_ttl_days, transaction_timeout_ms, watchdog_timeout_ms;
    int64_t revoke_timeout_ms, shutdown_timeout_ms;
    int64_t session_gap_s, session_allowed_lateness_ms;
    int64_t cluster_min_sessions, cluster_recheck_sessions;
    int64_t time_max_future_ms, time_idle_advance_ms;
    int64_t log_level, log_format; /* enum log_level, enum log_format */
    struct config_pair *kafka;
    size_t kafka_count;
};

enum config_type {
    CONFIG_TEXT,   /* any text */
    CONFIG_FILE,   /* a path; empty where the doc says so */
    CONFIG_TOPIC,  /* a topic name as Kafka allows it */
    CONFIG_LISTEN, /* HOST:PORT, IPv6 hosts in brackets */
    CONFIG_NUMBER, /* a whole number, min .. max */
    CONFIG_CHOICE  /* one of a few words */
};

enum config_flag {
    CONFIG_RELOAD = 1, /* SIGHUP applies a change of it */
    CONFIG_EMPTY = 2   /* may be empty */
};

/* One row of the table. */
struct config_key {
    const char *name;
    enum config_type type;
    size_t offset;            /* of the field in struct config: char * or int64_t */
    const char *fallback;     /* the default, as it would stand in a file */
    int64_t min, max;         /* of a number */
    const char *const *words; /* of a choice: NULL-terminated, in the order of its enum */
    unsigned flags;
    const char *doc; /* sentences */
};

/** The table and its size. */
const struct config_key *config_keys(size_t *count);

/** Defaults everywhere. Caller's memory; config_release when done. @return 0, -1 with ERR_MEMORY */
int config_init(struct config *config, struct err *err) MUST_CHECK;
void config_release(struct config *config);

/** Sets one key. @return 0, or -1 with ERR_USAGE: key, value and what is allowed (nearest key when
 * unknown) */
int config_set(struct config *config, const char *key, const char *value,
               struct err *err) MUST_CHECK;

/** Reads a configuration text over what is there. @param size bytes of text  @param name what
 * errors call it
 *  @return 0, or -1 with ERR_USAGE "NAME:LINE: ...": key, value and range */
int config_parse(struct config *config, const char *text, size_t size, const char *name,
                 struct err *err) MUST_CHECK;
/** config_parse of a file's contents. @return 0, -1: ERR_USAGE too where there is no such file */
int config_load(struct config *config, const char *path, struct err *err) MUST_CHECK;
/** Sets from one `key=value` argument of the command line. */
int config_set_argument(struct config *config, const char *argument, struct err *err) MUST_CHECK;

/* Where a configuration comes from, so that it can be read again. All borrowed. */
struct config_source {
    const char *path;        /* file; NULL: none */
    const char *const *sets; /* key=value of the command line, over the file */
    size_t set_count;
};

/** config_init, then the file, the sets and config_check: all of it or nothing. config_release when
 * done.
 *  @return 0, -1 with err, nothing to release */
int config_read(struct config *config, const struct config_source *source,
                struct err *err) MUST_CHECK;

/** What no single key shows: required keys, topics that must differ, what is not available. @return
 * 0, -1 ERR_USAGE */
int config_check(const struct config *config, struct err *err) MUST_CHECK;

/** Value of a kafka. property (name without the prefix), borrowed; NULL when not set. */
const char *config_kafka(const struct config *config, const char *name);

/** Calls each(ctx, key, reloadable) for every key whose value differs. @return how many differ */
size_t config_diff(const struct config *old, const struct config *new,
                   void (*each)(void *ctx, const char *key, bool reloadable), void *ctx);
/** Moves the values of reloadable keys from new into config (new gets the old ones). */
void config_adopt(struct config *config, struct config *new);

/** Splits HOST:PORT. @param host out  @return 0, -1 ERR_USAGE */
int config_listen(const char *text, char host[256], uint16_t *port, struct err *err) MUST_CHECK;

/** Whether a property's value must not be shown (passwords, keys, tokens). @param key with or
 * without kafka. */
bool config_is_secret(const char *key);

/** Prints a configuration that config_parse reads back, secrets left out. @param docs with each
 * key's documentation above */
void config_print(const struct config *config, FILE *out, bool docs);
/** The reference page (Markdown) and the JSON Schema, from the table alone. */
void config_print_reference(FILE *out);
void config_print_schema(FILE *out);

#endif
