#include "daemon/state_dump.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/partitioner.h"
#include "daemon/engine.h"
#include "daemon/state_read.h"
#include "stream/history.h"

struct dump {
    struct topic_reader *reader;
    struct stream_params params;
    const char *topic;
    const char *user; /* NULL: everybody */
    FILE *out;
    struct past_session *past; /* (params.window) scratch */
};

/* One of the last two sessions; null when there is none. */
static json_t *session_json(const struct session_sums *session)
{
    if (session->number == 0) {
        return json_null();
    }
    return json_pack(
        "{s:I, s:I, s:b, s:I, s:I, s:f, s:I, s:I}", "session", (json_int_t)session->number,
        "revision", (json_int_t)session->revision, "open", session->open, "start",
        (json_int_t)session->start_ms, "end", (json_int_t)session_end_ms(session), "length_s",
        (double)session_length_ms(session) / 1000, "scrobbles", (json_int_t)session->scrobbles,
        "distinct_artists", (json_int_t)session->distinct_artists);
}

/* Of the sessions before these two. */
static json_t *history_json(const struct history_stats *stats)
{
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:I}", "finished", (json_int_t)stats->finished,
                     "total_length_s", (double)stats->total_length_ms / 1000, "mean_log_length",
                     stats->mean_z, "variance_log_length", stats->variance_z, "pace", stats->pace,
                     "sessions_today", (json_int_t)stats->today);
}

static json_t *past_json(const struct past_session *past, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_pack("{s:I, s:f}", "start_s", (json_int_t)past[i].start_s,
                                              "length_s", past[i].length_ms / 1000.0));
    }
    return list;
}

/* Which bundle's clusters; null when none has said anything of the user. */
static json_t *clustering_json(const struct user_state *user)
{
    return user->clustering ? json_integer((json_int_t)user->clustering) : json_null();
}

static int print_user(const struct dump *dump, const struct state_store *store,
                      const struct user_state *user, struct err *err)
{
    size_t count = history_ring(state_store_layout(store), user, dump->params.window, dump->past);
    json_t *object =
        json_pack("{s:s%, s:I, s:i, s:o, s:o, s:o, s:o, s:o}", "user_id", user->user_id,
                  (size_t)user->user_id_size, "partition", (json_int_t)state_store_partition(store),
                  "cluster", (int)user->cluster - 1, "clustering", clustering_json(user), "latest",
                  session_json(&user->current), "previous", session_json(&user->previous),
                  "history", history_json(&user->history), "past", past_json(dump->past, count));
    if (!object) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    int rc = json_dumpf(object, dump->out, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (rc != 0 || fputc('\n', dump->out) == EOF) {
        return err_errno(err, "writing");
    }
    return 0;
}

/* @return how many were printed, -1 with err */
static int print_store(const struct dump *dump, struct state_store *store, struct err *err)
{
    const struct user_slot *slot;
    size_t cursor = 0;
    int printed = 0;
    if (dump->user) {
        slot = state_store_find(store, (struct slice){dump->user, strlen(dump->user)});
        return !slot ? 0 : print_user(dump, store, &slot->state, err) == 0 ? 1 : -1;
    }
    while ((slot = state_store_next(store, &cursor))) {
        if (print_user(dump, store, &slot->state, err) != 0) {
            return -1;
        }
        printed++;
    }
    return printed;
}

/* @return how many users were printed, -1 with err */
static int dump_partition(const struct dump *dump, const struct topic_range *range, struct err *err)
{
    struct changelog_meta meta;
    struct state_store *store = state_store_new(&dump->params, (uint32_t)range->partition, err);
    int printed = -1;
    if (store && state_read(dump->reader, dump->topic, range, store, &meta, err) == 0) {
        printed = print_store(dump, store, err);
    }
    state_store_free(store);
    return printed;
}

/* Everybody's partitions, or the one where this user's scrobbles go. */
static int dump_partitions(const struct dump *dump, struct err *err)
{
    int count = topic_reader_partitions(dump->reader, dump->topic, err), printed = 0;
    if (count <= 0) {
        return count < 0
                   ? -1
                   : err_set(err, ERR_INPUT, "topic %s (topic.state) does not exist", dump->topic);
    }
    struct topic_range *range = calloc((size_t)count, sizeof *range);
    if (!range) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    int rc = topic_reader_bounds(dump->reader, dump->topic, range, (size_t)count, err);
    size_t only =
        dump->user ? partition_of(dump->user, strlen(dump->user), (uint32_t)count) : (size_t)count;
    for (size_t i = 0; i < (size_t)count && rc == 0; i++) {
        int more = !dump->user || i == only ? dump_partition(dump, &range[i], err) : 0;
        rc = more < 0 ? -1 : 0;
        printed += more;
    }
    free(range);
    return rc != 0 ? -1 : dump->user && printed == 0;
}

int state_dump(const struct config *config, const char *user, struct logger *logger, FILE *out,
               struct err *err)
{
    struct dump dump = {
        .params = engine_params(config), .topic = config->topic_state, .user = user, .out = out};
    int rc = -1;
    dump.past = calloc(dump.params.window, sizeof *dump.past);
    if (!dump.past) {
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    dump.reader = topic_reader_new(config, true, logger, err);
    if (dump.reader) {
        rc = dump_partitions(&dump, err);
    }
    topic_reader_free(dump.reader);
    free(dump.past);
    return rc;
}
