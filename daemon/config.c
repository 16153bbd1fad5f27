#include "daemon/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/kafka_conf.h"

static const char *const delivery_words[] = {"at-least-once", "exactly-once", NULL};
static const char *const level_words[] = {"error", "warn", "info", "debug", NULL};
static const char *const format_words[] = {"text", "json", NULL};

#define DAY_MS INT64_C(86400000)

#define TEXT(key, kind, field, value, bits, text)                                                  \
    {                                                                                              \
        .name = (key), .type = (kind), .offset = offsetof(struct config, field),                   \
        .fallback = (value), .flags = (bits), .doc = (text)                                        \
    }
#define NUMBER(key, field, value, low, high, bits, text)                                           \
    {                                                                                              \
        .name = (key), .type = CONFIG_NUMBER, .offset = offsetof(struct config, field),            \
        .fallback = (value), .min = (low), .max = (high), .flags = (bits), .doc = (text)           \
    }
#define CHOICE(key, field, value, list, bits, text)                                                \
    {                                                                                              \
        .name = (key), .type = CONFIG_CHOICE, .offset = offsetof(struct config, field),            \
        .fallback = (value), .words = (list), .flags = (bits), .doc = (text)                       \
    }

/* clang-format off */
static const struct config_key keys[] = {
    TEXT("topic.scrobbles", CONFIG_TOPIC, topic_scrobbles, "scrobbles", 0,
         "Input: scrobbles as JSON, key = user id. Every partition has a state of its own, so a user's scrobbles "
         "must meet in one partition (partitioner murmur2_random, as Java clients and `kcat -X` can)."),
    TEXT("topic.predictions", CONFIG_TOPIC, topic_predictions, "session-predictions", 0,
         "Output: one prediction a scrobble that counts in a session, key = user id."),
    TEXT("topic.sessions", CONFIG_TOPIC, topic_sessions, "sessions", 0,
         "Output: sessions when they close, and again with a higher revision when a late scrobble changes them."),
    TEXT("topic.rejected", CONFIG_TOPIC, topic_rejected, "scrobbles-rejected", 0,
         "Output: messages that cannot be used, bytes as they came, with the headers reason, detail, source.topic, "
         "source.partition and source.offset."),
    TEXT("topic.state", CONFIG_TOPIC, topic_state, "outro-state", 0,
         "Compacted changelog of the state, as many partitions as the input. A partition that arrives is "
         "restored from it."),
    TEXT("topic.profiles", CONFIG_TOPIC, topic_profiles, "", CONFIG_EMPTY,
         "User profiles as a compacted topic instead of profiles.file, key = user id: read in full before the first "
         "scrobble, followed from then on. Empty: none."),
    TEXT("topic.track-durations", CONFIG_TOPIC, topic_track_durations, "", CONFIG_EMPTY,
         "Track durations as a compacted topic instead of durations.file: read in full before the first scrobble, "
         "followed from then on; a record without a value makes a track's duration unknown again. Empty: none."),
    TEXT("bundle.path", CONFIG_FILE, bundle_path, "/var/lib/outro/current", CONFIG_RELOAD,
         "Directory of the bundle to serve, usually a symlink. Nothing is consumed until a bundle has been loaded."),
    NUMBER("bundle.poll.s", bundle_poll_s, "5", 1, 3600, CONFIG_RELOAD,
           "How often, in seconds, the bundle is looked at for a change. A bad one keeps the old one serving."),
    TEXT("durations.file", CONFIG_FILE, durations_file, "", CONFIG_RELOAD | CONFIG_EMPTY,
         "Track durations (artist, track, milliseconds; plain, gzip or zstd), used where a scrobble carries none. "
         "Empty: none. Read at start and at SIGHUP."),
    TEXT("profiles.file", CONFIG_FILE, profiles_file, "", CONFIG_RELOAD | CONFIG_EMPTY,
         "User profiles in the Last.fm-1K form. Read and checked at start and at SIGHUP. The features of today's "
         "bundles take nothing from them. Empty: none."),
    TEXT("holidays.file", CONFIG_FILE, holidays_file, "", CONFIG_RELOAD | CONFIG_EMPTY,
         "Dates (YYYY-MM-DD a line, # comments) for bundles that have the feature holiday, which are refused without. "
         "Days are those of UTC. Empty: none. Read at start and at SIGHUP."),
    TEXT("admin.listen", CONFIG_LISTEN, admin_listen, "127.0.0.1:9464", 0,
         "Address of /live, /ready and /metrics, HOST:PORT. Port 0 takes any free one and logs it. There is no "
         "authentication: keep it on an inner network."),
    CHOICE("delivery", delivery, "exactly-once", delivery_words, 0,
           "at-least-once: offsets are committed when everything made from the messages before them is acknowledged; "
           "after a crash some records come twice. exactly-once: predictions, sessions, rejected "
           "messages, state and offsets are committed in one transaction; readers see them with read_committed."),
    TEXT("transactional.id", CONFIG_TEXT, transactional_id, "", CONFIG_EMPTY,
         "Who this instance is to the brokers, exactly-once only: no other's, and best the same after every restart. A "
         "second process with the same one fences the first. Empty: made of kafka.group.id and kafka.group.instance.id; "
         "without that of host and process, and after a crash the next owner waits transaction.timeout.ms for what was "
         "left open."),
    NUMBER("transaction.timeout.ms", transaction_timeout_ms, "15000", 3000, 900000, 0,
           "How long a transaction may stay open, exactly-once only. Readers wait that long for a dead instance; a "
           "broker outage that lasts longer costs the open transaction and a restart. Records time out at two thirds."),
    NUMBER("commit.interval.ms", commit_interval_ms, "100", 10, 60000, CONFIG_RELOAD,
           "How often offsets, or a whole transaction, are committed. With exactly-once it is what output waits for, "
           "and at most a third of transaction.timeout.ms."),
    NUMBER("commit.max.messages", commit_max_messages, "50000", 1, 10000000, 0,
           "A transaction is committed earlier after so many scrobbles."),
    NUMBER("commit.max.bytes", commit_max_bytes, "67108864", 1024, INT64_C(1) << 32, 0,
           "A transaction is committed earlier after so many bytes of output."),
    NUMBER("batch.messages", batch_messages, "512", 1, 10000, 0,
           "Messages taken in one turn of the engine's loop before it looks at anything else."),
    NUMBER("revoke.timeout.ms", revoke_timeout_ms, "10000", 100, 300000, CONFIG_RELOAD,
           "Longest wait for delivery reports when partitions are taken away. What is not acknowledged by then is "
           "not committed, and the next owner does it again."),
    NUMBER("shutdown.timeout.ms", shutdown_timeout_ms, "30000", 100, 600000, CONFIG_RELOAD,
           "Longest time from SIGTERM to the exit; past it outrod exits with status 1, uncommitted."),
    NUMBER("watchdog.timeout.ms", watchdog_timeout_ms, "120000", 2000, 3600000, CONFIG_RELOAD,
           "Longest time the engine may wait in one call to the brokers. /live turns red at half of it; past it "
           "outrod leaves with status 1 and says what it waited for."),
    NUMBER("session.gap.s", session_gap_s, "1800", 1, 86400, 0,
           "Silence, in seconds, that ends a session. Must be what the bundle was trained with."),
    NUMBER("session.allowed.lateness.ms", session_allowed_lateness_ms, "86400000", 0, 30 * DAY_MS, 0,
           "How far behind stream time a scrobble may still change a closed session."),
    NUMBER("cluster.min.sessions", cluster_min_sessions, "10", 0, 1000000, 0,
           "Finished sessions from which on somebody whom the bundle's clusters do not list is placed in the nearest "
           "one. Until then the global net serves them."),
    NUMBER("cluster.recheck.sessions", cluster_recheck_sessions, "20", 0, 1000000, 0,
           "After so many more sessions everybody's cluster is looked at again; somebody whom the clusters list, after so "
           "many more than the list was made of. Who has come nearer to another one by a tenth of the distance moves. "
           "0: never."),
    TEXT("state.dir", CONFIG_FILE, state_dir, "", CONFIG_EMPTY,
         "Directory of this host for snapshots of the state: a partition that leaves, or that is there at a clean stop, "
         "is written into it, and the next start reads only what topic.state got since. Never needed: what is missing, "
         "damaged, foreign or older than delete.retention.ms of the topic is read from topic.state. Empty: none."),
    NUMBER("state.ttl.days", state_ttl_days, "0", 0, 36500, 0,
           "A user silent for so long, by stream time, is forgotten: whoever comes back later is somebody new. Must be "
           "longer than session.allowed.lateness.ms. 0: never."),
    NUMBER("time.max.future.ms", time_max_future_ms, "300000", 0, 365 * DAY_MS, CONFIG_RELOAD,
           "A scrobble further past the wall clock than this is rejected, so that one wrong clock does not make "
           "everybody else late."),
    NUMBER("time.idle.advance.ms", time_idle_advance_ms, "60000", 0, DAY_MS, CONFIG_RELOAD,
           "After a partition has been silent and read to its end for this long, its stream time moves with the wall "
           "clock, so that the last sessions close. 0: never."),
    CHOICE("log.level", log_level, "info", level_words, CONFIG_RELOAD, "Least important level that is logged."),
    CHOICE("log.format", log_format, "text", format_words, CONFIG_RELOAD,
           "One line an event on standard error: text for people, json for collectors."),
};
/* clang-format on */

const struct config_key *config_keys(size_t *count)
{
    *count = sizeof keys / sizeof keys[0];
    return keys;
}

static char **text_field(const struct config *config, const struct config_key *key)
{
    return (char **)(void *)((char *)(uintptr_t)config + key->offset);
}

static int64_t *number_field(const struct config *config, const struct config_key *key)
{
    return (int64_t *)(void *)((char *)(uintptr_t)config + key->offset);
}

static bool is_text(const struct config_key *key)
{
    return key->type != CONFIG_NUMBER && key->type != CONFIG_CHOICE;
}

int config_init(struct config *config, struct err *err)
{
    size_t count;
    memset(config, 0, sizeof *config);
    for (const struct config_key *key = config_keys(&count), *end = key + count; key < end; key++) {
        if (config_set(config, key->name, key->fallback, err) != 0) {
            config_release(config);
            return -1;
        }
    }
    return 0;
}

void config_release(struct config *config)
{
    size_t count;
    for (const struct config_key *key = config_keys(&count), *end = key + count; key < end; key++) {
        if (is_text(key)) {
            free(*text_field(config, key));
        }
    }
    for (size_t i = 0; i < config->kafka_count; i++) {
        free(config->kafka[i].name);
        free(config->kafka[i].value);
    }
    free(config->kafka);
    memset(config, 0, sizeof *config);
}

/* Levenshtein distance, one row of the table at a time; keys are short. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], width = strlen(b);
    if (width >= 64) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= width; j++) {
        row[j] = j;
    }
    for (size_t i = 1; *a; a++, i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            size_t change = diagonal + (*a != b[j - 1]);
            size_t gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < gap ? change : gap;
        }
    }
    return row[width];
}

static int unknown_key(const char *name, struct err *err)
{
    size_t count, best = SIZE_MAX;
    const char *nearest = NULL;
    for (const struct config_key *key = config_keys(&count), *end = key + count; key < end; key++) {
        size_t d = distance(name, key->name);
        if (d < best) {
            best = d;
            nearest = key->name;
        }
    }
    if (nearest && best <= 2 + strlen(nearest) / 3) {
        return err_set(err, ERR_USAGE, "unknown key \"%.80s\"; did you mean \"%s\"?", name,
                       nearest);
    }
    return err_set(err, ERR_USAGE,
                   "unknown key \"%.80s\"; outrod --print-config-reference lists them all", name);
}

static int set_number(struct config *config, const struct config_key *key, const char *value,
                      struct err *err)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    bool digits = isdigit((unsigned char)value[0]) || (value[0] == '-' && value[1]);
    if (!digits || *end != '\0') {
        return err_set(err, ERR_USAGE,
                       "%s: \"%.80s\" is not a whole number (%" PRId64 " .. %" PRId64 ")",
                       key->name, value, key->min, key->max);
    }
    if (errno == ERANGE || number < key->min || number > key->max) {
        return err_set(err, ERR_USAGE, "%s: %.80s is out of range (%" PRId64 " .. %" PRId64 ")",
                       key->name, value, key->min, key->max);
    }
    *number_field(config, key) = number;
    return 0;
}

static int set_choice(struct config *config, const struct config_key *key, const char *value,
                      struct err *err)
{
    char list[128] = "";
    for (int i = 0; key->words[i]; i++) {
        if (strcmp(value, key->words[i]) == 0) {
            *number_field(config, key) = i;
            return 0;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", key->words[i]);
    }
    return err_set(err, ERR_USAGE, "%s: \"%.80s\" is none of: %s", key->name, value, list);
}

static int check_topic(const char *value, struct err *err)
{
    size_t length = strlen(value);
    bool dots = strcmp(value, ".") == 0 || strcmp(value, "..") == 0;
    if (length == 0 || length > 249 || dots) {
        return err_set(err, ERR_USAGE, "\"%.80s\" is no topic name (1 .. 249 characters)", value);
    }
    for (const char *c = value; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c)) {
            return err_set(err, ERR_USAGE,
                           "\"%.80s\" is no topic name (letters, digits, dot, dash, underscore)",
                           value);
        }
    }
    return 0;
}

static int set_text(struct config *config, const struct config_key *key, const char *value,
                    struct err *err)
{
    char host[256];
    uint16_t port;
    if (*value == '\0' && !(key->flags & CONFIG_EMPTY)) {
        return err_set(err, ERR_USAGE, "%s: must not be empty", key->name);
    }
    if ((key->type == CONFIG_TOPIC && *value && check_topic(value, err) != 0) ||
        (key->type == CONFIG_LISTEN && config_listen(value, host, &port, err) != 0)) {
        return err_prefix(err, "%s", key->name);
    }
    char *copy = strdup(value);
    if (!copy) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    free(*text_field(config, key));
    *text_field(config, key) = copy;
    return 0;
}

static int set_kafka(struct config *config, const char *name, const char *value, struct err *err)
{
    if (kafka_conf_check(name, value, err) != 0) {
        return -1;
    }
    char *copy = strdup(value);
    if (!copy) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < config->kafka_count; i++) {
        if (strcmp(config->kafka[i].name, name) == 0) {
            free(config->kafka[i].value);
            config->kafka[i].value = copy;
            return 0;
        }
    }
    struct config_pair pair = {strdup(name), copy};
    struct config_pair *grown =
        realloc(config->kafka, (config->kafka_count + 1) * sizeof *config->kafka);
    if (grown) {
        config->kafka = grown;
    }
    if (!grown || !pair.name) {
        free(pair.name);
        free(copy);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    config->kafka[config->kafka_count++] = pair;
    return 0;
}

int config_set(struct config *config, const char *name, const char *value, struct err *err)
{
    size_t count;
    if (strncmp(name, "kafka.", 6) == 0) {
        return set_kafka(config, name + 6, value, err);
    }
    for (const struct config_key *key = config_keys(&count), *end = key + count; key < end; key++) {
        if (strcmp(name, key->name) == 0) {
            return key->type == CONFIG_NUMBER   ? set_number(config, key, value, err)
                   : key->type == CONFIG_CHOICE ? set_choice(config, key, value, err)
                                                : set_text(config, key, value, err);
        }
    }
    return unknown_key(name, err);
}

const char *config_kafka(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->kafka_count; i++) {
        if (strcmp(config->kafka[i].name, name) == 0) {
            return config->kafka[i].value;
        }
    }
    return NULL;
}

static size_t diff_kafka(const struct config *a, const struct config *b, bool both,
                         void (*each)(void *ctx, const char *key, bool reloadable), void *ctx)
{
    size_t differ = 0;
    for (size_t i = 0; i < a->kafka_count; i++) {
        const char *other = config_kafka(b, a->kafka[i].name);
        bool changed = other ? both && strcmp(other, a->kafka[i].value) != 0 : true;
        if (changed) {
            char name[256];
            snprintf(name, sizeof name, "kafka.%s", a->kafka[i].name);
            each(ctx, name, false);
            differ++;
        }
    }
    return differ;
}

size_t config_diff(const struct config *old, const struct config *new,
                   void (*each)(void *ctx, const char *key, bool reloadable), void *ctx)
{
    size_t count, differ = 0;
    for (const struct config_key *key = config_keys(&count), *end = key + count; key < end; key++) {
        bool same = is_text(key) ? strcmp(*text_field(old, key), *text_field(new, key)) == 0
                                 : *number_field(old, key) == *number_field(new, key);
        if (!same) {
            each(ctx, key->name, key->flags & CONFIG_RELOAD);
            differ++;
        }
    }
    return differ + diff_kafka(old, new, true, each, ctx) + diff_kafka(new, old, false, each, ctx);
}

void config_adopt(struct config *config, struct config *new)
{
    size_t count;
    for (const struct config_key *key = config_keys(&count), *end = key + count; key < end; key++) {
        if (!(key->flags & CONFIG_RELOAD)) {
            continue;
        }
        if (is_text(key)) {
            char *kept = *text_field(config, key);
            *text_field(config, key) = *text_field(new, key);
            *text_field(new, key) = kept;
        } else {
            *number_field(config, key) = *number_field(new, key);
        }
    }
}
