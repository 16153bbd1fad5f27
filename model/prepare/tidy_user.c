#include "prepare/tidy_user.h"

#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "prepare/play_text.h"
#include "prepare/tally.h"
#include "prepare/tidy_sessions.h"

const char *const TIDY_HEADERS[TIDY_FILES] = {
    [TIDY_SESSIONS] = "user_id\tsession\tsplit\tstart_ms\tend_ms\tlength_s\tscrobbles\t"
                      "previous_session_length_s\taverage_session_length_s\n",
    [TIDY_SCROBBLES] =
        "user_id\tsession\tscrobble\ttimestamp_ms\ttrack_id\tartist_id\tduration_ms\n",
    [TIDY_USERS] = "user_id\tgender\tage\tcountry\tcountry_id\tregistered\tscrobbles\tduplicates\t"
                   "sessions\tfirst_ms\tlast_ms\tmean_length_s\tmedian_length_s\tmax_length_s\t"
                   "top_artist_id\ttop_track_id\n",
};

/* What a user's row says of the sessions. */
struct lengths {
    int64_t total_ms, max_ms, median_twice_ms;
};

struct tidy_writer {
    const struct tidy_tables *tables;
    const struct split *split;
    struct prepare_filter filter;
    unsigned wanted;
    struct play_row *rows; /* of one user; as many again for the sort */
    size_t capacity;
    struct tidy_play *plays; /* of one user, opened */
    size_t play_capacity;
    struct tidy_sessions sessions;
    int64_t *sorted_ms; /* lengths, for the median */
    size_t sorted_capacity;
    struct tally artists, tracks; /* by track_id and artist_id */
    struct tidy_counts counts;
    char prefix[USER_ID_MAX * 2 + 8]; /* the user's id as a field, and a tab */
    size_t prefix_size;
};

struct tidy_writer *tidy_writer_new(const struct tidy_tables *tables, const struct split *split,
                                    const struct prepare_filter *filter, unsigned wanted,
                                    struct err *err)
{
    const struct catalog *catalog = &tables->history->catalog;
    struct tidy_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    writer->tables = tables;
    writer->split = split;
    writer->filter = *filter;
    writer->wanted = wanted;
    if (tally_init(&writer->artists, catalog->artist_index.count + 1, err) < 0 ||
        tally_init(&writer->tracks, catalog->track_index.count + 1, err) < 0) {
        tidy_writer_free(writer);
        return NULL;
    }
    return writer;
}

void tidy_writer_free(struct tidy_writer *writer)
{
    if (!writer)
        return;
    free(writer->rows);
    free(writer->plays);
    free(writer->sessions.all);
    free(writer->sorted_ms);
    tally_clear(&writer->artists);
    tally_clear(&writer->tracks);
    free(writer);
}

const struct tidy_counts *tidy_writer_counts(const struct tidy_writer *writer)
{
    return &writer->counts;
}

static int64_t length_ms(const struct tidy_session *session)
{
    return session->end_ms - session->start_ms;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int measure(struct tidy_writer *writer, struct lengths *out, struct err *err)
{
    size_t count = writer->sessions.count;
    int64_t *sorted =
        array_grow(writer->sorted_ms, &writer->sorted_capacity, count, sizeof *sorted);
    if (!sorted)
        return err_set(err, ERR_MEMORY, "out of memory for %zu sessions", count);
    writer->sorted_ms = sorted;
    *out = (struct lengths){0};
    for (size_t i = 0; i < count; i++) {
        sorted[i] = length_ms(&writer->sessions.all[i]);
        out->total_ms += sorted[i];
    }
    qsort(sorted, count, sizeof *sorted, compare);
    out->max_ms = sorted[count - 1];
    out->median_twice_ms = sorted[(count - 1) / 2] + sorted[count / 2];
    return 0;
}

static bool passes(const struct tidy_writer *writer, size_t rows, const struct lengths *lengths)
{
    const struct prepare_filter *filter = &writer->filter;
    size_t sessions = writer->sessions.count;
    return (filter->min_rows == 0 || rows > filter->min_rows) &&
           (filter->min_sessions == 0 || sessions > filter->min_sessions) &&
           (double)lengths->total_ms / 1000 / (double)sessions < filter->max_average_s;
}

static void put_int(struct output *output, int64_t value)
{
    output_int(output, value);
    output_char(output, '\t');
}

static void put_seconds(struct output *output, int64_t ms, char end)
{
    output->used += decimal_put_seconds(ms, output_room(output, DECIMAL_MAX));
    output_char(output, end);
}

/* A mean in seconds, to hundredths, halves up. */
static void put_mean(struct output *output, int64_t total_ms, uint64_t count, char end)
{
    int64_t hundredths = (2 * total_ms + 10 * (int64_t)count) / (20 * (int64_t)count);
    put_seconds(output, 10 * hundredths, end);
}

static void put_prefix(struct output *output, const struct tidy_writer *writer)
{
    output_text(output, (struct slice){writer->prefix, writer->prefix_size});
}

static enum split_part part_of(const struct tidy_writer *writer, uint32_t user, size_t session)
{
    const struct split *split = writer->split;
    if (split->date.ms != EVENT_TIME_NEVER.ms)
        return writer->sessions.all[session].start_ms < split->date.ms ? SPLIT_TRAIN : SPLIT_TEST;
    const struct split_user *of_user = &split->users[user];
    bool later = (double)session >= of_user->cut * (double)writer->sessions.count;
    return later ? of_user->later : SPLIT_TRAIN;
}

static void put_sessions(const struct tidy_writer *writer, uint32_t user, struct output *output)
{
    int64_t total_ms = 0;
    for (size_t i = 0; i < writer->sessions.count; i++) {
        const struct tidy_session *session = &writer->sessions.all[i];
        put_prefix(output, writer);
        put_int(output, (int64_t)i + 1);
        tidy_put_literal(output, split_name(part_of(writer, user, i)));
        output_char(output, '\t');
        put_int(output, session->start_ms);
        put_int(output, session->end_ms);
        put_seconds(output, length_ms(session), '\t');
        put_int(output, (int64_t)session->count);
        if (i > 0) {
            put_seconds(output, length_ms(session - 1), '\t');
            put_mean(output, total_ms, i, '\n');
        } else {
            tidy_put_literal(output, "\t\n"); /* there is none before it */
        }
        total_ms += length_ms(session);
    }
}

/* The inner loop: everything of a row in one stretch of the buffer. */
static void put_scrobbles(const struct tidy_writer *writer, struct output *output)
{
    enum { ROW_ROOM = sizeof writer->prefix + 7 * DECIMAL_MAX };
    for (size_t s = 0; s < writer->sessions.count; s++) {
        const struct tidy_session *session = &writer->sessions.all[s];
        char head[sizeof writer->prefix + DECIMAL_MAX]; /* what all its rows begin with */
        memcpy(head, writer->prefix, writer->prefix_size);
        size_t head_size =
            writer->prefix_size + decimal_put_int((int64_t)s + 1, head + writer->prefix_size);
        head[head_size++] = '\t';
        for (size_t i = 0; i < session->count; i++) {
            const struct tidy_play *play = &writer->plays[session->first + i];
            char *begin = output_room(output, ROW_ROOM), *at = begin;
            memcpy(at, head, head_size);
            at += head_size;
            at += decimal_put_int((int64_t)i + 1, at);
            *at++ = '\t';
            at += decimal_put_int(play->time_ms, at);
            *at++ = '\t';
            at += decimal_put_int(play->track_id, at);
            *at++ = '\t';
            if (play->artist_id)
                at += decimal_put_int(play->artist_id, at);
            *at++ = '\t';
            if (play->duration_ms)
                at += decimal_put_int(play->duration_ms, at);
            *at++ = '\n';
            output->used += (size_t)(at - begin);
        }
    }
}

static int put_top(struct tidy_writer *writer, size_t count, struct output *output, struct err *err)
{
    tally_forget(&writer->artists);
    tally_forget(&writer->tracks);
    for (size_t i = 0; i < count; i++) {
        enum { AHEAD = 12 }; /* the counts lie anywhere in a large table */
        const struct tidy_play *play = &writer->plays[i];
        if (i + AHEAD < count)
            tally_prefetch(&writer->tracks, play[AHEAD].track_id);
        if (!tally_add(&writer->artists, play->artist_id) ||
            !tally_add(&writer->tracks, play->track_id))
            return err_set(err, ERR_MEMORY, "out of memory for what a user played");
    }
    uint32_t artist = tally_top(&writer->artists);
    if (artist)
        output_int(output, artist);
    output_char(output, '\t');
    output_int(output, tally_top(&writer->tracks));
    output_char(output, '\n');
    return 0;
}

/* gender, age, country, country_id, registered; empty where unknown */
static int put_person(const struct tidy_writer *writer, const struct profile *profile,
                      struct output *output, struct err *err)
{
    uint32_t country_id = 0;
    if (!profile) {
        tidy_put_literal(output, "\t\t\t\t\t");
        return 0;
    }
    tidy_put_literal(output, profile->gender < 0 ? "\t" : profile->gender ? "m\t" : "f\t");
    if (profile->age)
        output_int(output, profile->age);
    output_char(output, '\t');
    if (countries_find(&writer->tables->countries, profile->country, &country_id, err) < 0)
        return -1;
    tidy_put_text(output, (struct slice){profile->country, strlen(profile->country)});
    output_char(output, '\t');
    if (country_id)
        output_int(output, country_id - VOCABULARY_FIRST + 1);
    output_char(output, '\t');
    if (profile->registered[0]) {
        char time[PLAY_TIME_BYTES];
        play_put_time(profile->registered_s * 1000, time);
        output_text(output, (struct slice){time, sizeof "2009-05-04" - 1});
    }
    output_char(output, '\t');
    return 0;
}

static int put_user(struct tidy_writer *writer, const struct history_user *user, size_t count,
                    size_t duplicates, const struct lengths *lengths, struct output *output,
                    struct err *err)
{
    put_prefix(output, writer);
    if (put_person(writer, user->profile, output, err) < 0)
        return -1;
    put_int(output, (int64_t)count);
    put_int(output, (int64_t)duplicates);
    put_int(output, (int64_t)writer->sessions.count);
    put_int(output, writer->plays[0].time_ms);
    put_int(output, writer->plays[count - 1].time_ms);
    put_mean(output, lengths->total_ms, writer->sessions.count, '\t');
    put_mean(output, lengths->median_twice_ms, 2, '\t');
    put_seconds(output, lengths->max_ms, '\t');
    return put_top(writer, count, output, err);
}

/* The user's id as a field, with its tab. */
static void begin_user(struct tidy_writer *writer, const char *id)
{
    struct output field = {.data = writer->prefix, .capacity = sizeof writer->prefix, .fd = -1};
    tidy_put_text(&field, (struct slice){id, strlen(id)});
    output_char(&field, '\t');
    writer->prefix_size = field.used;
}

/* A user's plays, sorted and opened. @param kept how many there are @return 0, -1 with err */
static int load(struct tidy_writer *writer, uint32_t user, size_t count, size_t *kept,
                struct err *err)
{
    struct play_row *rows = array_grow(writer->rows, &writer->capacity, 2 * count, sizeof *rows);
    if (rows)
        writer->rows = rows;
    struct tidy_play *plays =
        rows ? array_grow(writer->plays, &writer->play_capacity, count, sizeof *plays) : NULL;
    if (!plays)
        return err_set(err, ERR_MEMORY, "out of memory for %zu plays of one user", count);
    writer->plays = plays;
    if (play_store_load(writer->tables->history->plays, user, rows, err) < 0)
        return -1;
    play_rows_sort(rows, rows + count, count);
    *kept = tidy_plays_open(writer->tables, rows, count, plays);
    return 0;
}

int tidy_writer_user(void *ctx, uint32_t user, struct output *files, struct err *err)
{
    struct tidy_writer *writer = ctx;
    const struct history *history = writer->tables->history;
    size_t count = play_store_count(history->plays, user), kept = 0;
    struct lengths lengths = {0};
    if (load(writer, user, count, &kept, err) < 0 ||
        tidy_sessions_cut(&writer->sessions, writer->plays, kept, err) < 0 ||
        measure(writer, &lengths, err) < 0)
        return -1;
    if (!passes(writer, kept, &lengths)) {
        writer->counts.left_out++;
        return 0;
    }
    writer->counts.users++;
    writer->counts.sessions += writer->sessions.count;
    writer->counts.scrobbles += kept;
    writer->counts.duplicates += count - kept;
    begin_user(writer, history->users[user].id);
    if (writer->wanted & 1u << TIDY_SESSIONS)
        put_sessions(writer, user, &files[TIDY_SESSIONS]);
    if (writer->wanted & 1u << TIDY_SCROBBLES)
        put_scrobbles(writer, &files[TIDY_SCROBBLES]);
    return writer->wanted & 1u << TIDY_USERS
               ? put_user(writer, &history->users[user], kept, count - kept, &lengths,
                          &files[TIDY_USERS], err)
               : 0;
}
