#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "core/partitioner.h"
#include "daemon/audit_parts.h"

/* Records of suspect users that are held at once (32 bytes each); more of them take more rounds. */
#define ROUND_RECORDS 2000000

static const char *const stream_words[AUDIT_STREAMS][2] = {{"prediction", "scrobble"},
                                                           {"session", "revision"}};

static bool is_listed(const struct audit_user *user, enum audit_stream stream)
{
    return user->listed && user->suspect[stream];
}

int audit_expect(struct audit *audit, enum audit_stream stream, struct slice id,
                 const struct audit_entry *entry, int32_t partition, struct err *err)
{
    if (audit->listing) {
        const struct audit_user *user = audit_users_find(&audit->users, id);
        return user && is_listed(user, stream)
                   ? audit_list_add(&audit->list[stream][0][user->listed - 1], entry, err)
                   : 0;
    }
    struct audit_user *user = audit_users_at(&audit->users, id, partition, err);
    if (!user) {
        return -1;
    }
    audit_user_expect(user, stream, entry);
    return 0;
}

static struct audit_rules rules_of(const struct audit *audit, int32_t partition)
{
    return (struct audit_rules){.ahead = audit->row[partition].ahead,
                                .by_the_clock = audit->config->time_idle_advance_ms > 0};
}

/* A topic that is being read. */
struct reading {
    struct audit *audit;
    enum audit_stream stream;
};

/* A record of nobody who has a scrobble before the committed offset. */
static void take_unknown(struct reading *reading, const rd_kafka_message_t *message)
{
    struct audit *audit = reading->audit;
    int32_t partition =
        (int32_t)partition_of(message->key, message->key_len, (uint32_t)audit->input.partitions);
    if (!audit->listing && !audit->row[partition].ahead) {
        audit_found(audit, partition, AUDIT_ORPHANED, audit->stream[reading->stream].name,
                    message->partition, message->offset, "%s of user %.*s, who has no scrobble",
                    stream_words[reading->stream][0], (int)message->key_len,
                    (const char *)message->key);
    }
}

static int take_record(void *ctx, const struct rd_kafka_message_s *message, struct err *err)
{
    struct reading *reading = ctx;
    struct audit *audit = reading->audit;
    struct audit_entry entry = {.partition = message->partition, .offset = message->offset};
    struct slice value = {message->payload, message->len};
    if (!message->key || !audit_read_record(reading->stream, value, &entry)) {
        if (!audit->listing) {
            audit_found(audit, 0, AUDIT_ORPHANED, audit->stream[reading->stream].name,
                        message->partition, message->offset, "no %s of outrod's",
                        stream_words[reading->stream][0]);
        }
        return 0;
    }
    struct audit_user *user =
        audit_users_find(&audit->users, (struct slice){message->key, message->key_len});
    if (!user) {
        take_unknown(reading, message);
        return 0;
    }
    if (!audit->listing) {
        struct audit_rules rules = rules_of(audit, user->partition);
        audit_user_publish(user, reading->stream, &rules, &entry);
        return 0;
    }
    return is_listed(user, reading->stream)
               ? audit_list_add(&audit->list[reading->stream][1][user->listed - 1], &entry, err)
               : 0;
}

static int read_streams(struct audit *audit, struct err *err)
{
    int rc = 0;
    for (int stream = 0; stream < AUDIT_STREAMS && rc == 0; stream++) {
        const struct audit_topic *topic = &audit->stream[stream];
        struct reading reading = {audit, (enum audit_stream)stream};
        rc = topic_reader_run(audit->committed, topic->name, topic->range, topic->partitions,
                              take_record, &reading, err);
    }
    return rc;
}

/* Whose records are held against each other. */
struct holding {
    struct audit *audit;
    const struct audit_user *user;
    enum audit_stream stream;
};

static void on_found(void *ctx, enum audit_finding finding, const struct audit_entry *entry)
{
    const struct holding *holding = ctx;
    struct audit *audit = holding->audit;
    const char *const *words = stream_words[holding->stream];
    const char *topic =
        finding == AUDIT_LOST ? audit->input.name : audit->stream[holding->stream].name;
    audit_found(audit, holding->user->partition, finding, topic, entry->partition, entry->offset,
                "%s of user %.*s, session %u, %s %u%s%s", words[0], holding->user->id_size,
                holding->user->id, entry->key.session, words[1], entry->key.number,
                finding == AUDIT_LOST ? ", not in " : "",
                finding == AUDIT_LOST ? audit->stream[holding->stream].name : "");
}

static int hold(struct audit *audit, struct audit_user *user, struct err *err)
{
    struct audit_rules rules = rules_of(audit, user->partition);
    int rc = 0;
    for (int stream = 0; stream < AUDIT_STREAMS && rc == 0; stream++) {
        struct holding holding = {audit, user, (enum audit_stream)stream};
        if (is_listed(user, (enum audit_stream)stream)) {
            rc = audit_diff((enum audit_stream)stream, &rules,
                            &audit->list[stream][0][user->listed - 1],
                            &audit->list[stream][1][user->listed - 1], on_found, &holding, err);
        }
    }
    return rc;
}

static bool is_suspect(const struct audit_user *user)
{
    return !user->split && !user->excused && !user->doubtful &&
           (user->suspect[AUDIT_PREDICTIONS] || user->suspect[AUDIT_SESSIONS]);
}

/* Takes suspect users from *next on until enough is held. @return how many */
static uint32_t choose(struct audit *audit, size_t *next)
{
    uint64_t records = 0;
    uint32_t chosen = 0;
    for (; *next < audit->users.count && records < ROUND_RECORDS; (*next)++) {
        struct audit_user *user = &audit->users.user[*next];
        if (is_suspect(user)) {
            user->listed = ++chosen;
            for (int stream = 0; stream < AUDIT_STREAMS; stream++) {
                records += user->expected[stream].count + user->published[stream].count;
            }
        }
    }
    return chosen;
}

static void release_lists(struct audit *audit, uint32_t count)
{
    for (int i = 0; i < AUDIT_STREAMS * 2; i++) {
        struct audit_list **list = &audit->list[i / 2][i % 2];
        for (uint32_t k = 0; *list && k < count; k++) {
            audit_list_release(&(*list)[k]);
        }
        free(*list);
        *list = NULL;
    }
}

/* Reads everything once more for some users, record by record. */
static int round_of(struct audit *audit, size_t from, size_t to, uint32_t chosen, struct err *err)
{
    int rc = -1;
    for (int i = 0; i < AUDIT_STREAMS * 2; i++) {
        audit->list[i / 2][i % 2] = calloc(chosen, sizeof(struct audit_list));
        if (!audit->list[i / 2][i % 2]) {
            err_set(err, ERR_MEMORY, "out of memory");
            goto out;
        }
    }
    audit->listing = true;
    rc = audit_replay(audit, err);
    if (rc == 0) {
        rc = read_streams(audit, err);
    }
    audit->listing = false;
    for (size_t i = from; i < to && rc == 0; i++) {
        rc = hold(audit, &audit->users.user[i], err);
    }
out:
    for (size_t i = from; i < to; i++) {
        audit->users.user[i].listed = 0;
    }
    release_lists(audit, chosen);
    return rc;
}

static void tell_split(struct audit *audit, const struct audit_user *user)
{
    audit->row[user->partition].split++;
    audit_wrong(audit, audit->input.name, user->partition, -1,
                "user %.*s has scrobbles in other partitions, too: writers must use the "
                "partitioner murmur2_random",
                user->id_size, user->id);
}

int audit_streams(struct audit *audit, struct err *err)
{
    if (read_streams(audit, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < audit->users.count; i++) {
        struct audit_user *user = &audit->users.user[i];
        audit_user_settle(user);
        audit->excused += user->excused;
        audit->doubtful += user->doubtful && !user->excused;
        if (user->split) {
            tell_split(audit, user);
        }
    }
    for (size_t next = 0; next < audit->users.count;) {
        size_t from = next;
        uint32_t chosen = choose(audit, &next);
        if (chosen > 0 && round_of(audit, from, next, chosen, err) != 0) {
            return -1;
        }
    }
    return 0;
}
