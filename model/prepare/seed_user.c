#include "prepare/seed_user.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "prepare/file_name.h"
#include "prepare/play_text.h"
#include "prepare/seed_profile.h"
#include "prepare/seed_walk.h"

struct seed_writer {
    const struct seed_tables *tables;
    const struct split *split;
    struct prepare_filter filter;
    unsigned stages;
    int folder;
    struct play_row *rows; /* of one user; as many again for the sort */
    size_t capacity;
    struct seed_profile profile;
    /* of the user */
    const struct history_user *user;
    int64_t number;
    uint32_t country;
    struct prepare_counts counts;
};

struct seed_writer *seed_writer_new(const struct seed_tables *tables, const struct split *split,
                                    const struct prepare_filter *filter, unsigned stages,
                                    int folder, struct err *err)
{
    struct seed_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    *writer = (struct seed_writer){
        .tables = tables, .split = split, .filter = *filter, .stages = stages, .folder = folder};
    if (seed_profile_init(&writer->profile, &tables->history->catalog, err) < 0) {
        free(writer);
        return NULL;
    }
    return writer;
}

void seed_writer_free(struct seed_writer *writer)
{
    if (!writer)
        return;
    seed_profile_clear(&writer->profile);
    free(writer->rows);
    free(writer);
}

/* The number in "user_000004": what stands behind the first underscore, up to the second. */
static int64_t number_of(const char *id)
{
    const char *from = strchr(id, '_');
    int64_t number = 0;
    if (!from)
        return VOCABULARY_UNKNOWN;
    const char *at = from + 1;
    for (; *at >= '0' && *at <= '9' && number < INT64_MAX / 100; at++)
        number = number * 10 + (*at - '0');
    return at > from + 1 && (*at == '\0' || *at == '_') ? number : VOCABULARY_UNKNOWN;
}

/* Age at a play: the profile's, and the years since it was made. */
static int age_at(const struct profile *profile, int64_t second)
{
    if (!profile || profile->age == 0 || profile->registered[0] == '\0')
        return 0;
    return profile->age + play_year(second) - play_year(profile->registered_s);
}

static void put_field(struct output *output, struct slice text)
{
    output_char(output, '\t');
    output_text(output, text);
}

/* user, time, artist, track, gender, age, country, registered, duration_ms, genre */
static void put_play(struct output *output, const struct history *history,
                     const struct history_user *user, const struct play_row *row)
{
    static const char *const GENDERS[] = {"", "f", "m"}; /* -1, 0, 1 */
    const struct profile *profile = user->profile;
    const struct variant *variant = &history->catalog.variants[row->variant];
    char time[PLAY_TIME_BYTES];
    const char *gender = GENDERS[profile ? profile->gender + 1 : 0];
    const char *country = profile ? profile->country : "";
    const char *registered = profile ? profile->registered : "";
    play_put_time(row->time_ms, time);
    output_text(output, (struct slice){user->id, strlen(user->id)});
    put_field(output, (struct slice){time, sizeof time});
    put_field(output, variant_artist(variant));
    put_field(output, variant_track(variant));
    put_field(output, (struct slice){gender, strlen(gender)});
    output_char(output, '\t');
    output_int(output, age_at(profile, row->time_ms / 1000));
    put_field(output, (struct slice){country, strlen(country)});
    put_field(output, (struct slice){registered, strlen(registered)});
    output_char(output, '\t');
    output_int(output, history_duration_ms(history, row));
    output_text(output, (struct slice){"\t\n", 2});
}

static int write_plays(struct seed_writer *writer, size_t count, struct err *err)
{
    char name[FILE_NAME_MAX], path[FILE_NAME_MAX + 32];
    struct output output;
    file_name_of(writer->user->id, name);
    snprintf(path, sizeof path, "users/%s", name);
    if (output_folder(writer->folder, path, err) < 0)
        return -1;
    snprintf(path, sizeof path, "users/%s/part-00000.csv", name);
    int status = output_open(&output, writer->folder, path, err);
    for (size_t i = 0; i < count && status == 0; i++)
        put_play(&output, writer->tables->history, writer->user, &writer->rows[i]);
    if (status == 0)
        status = output_commit(&output, err);
    output_abandon(&output);
    return status;
}

/* The training file of a user, and the one of what comes later. */
struct parts {
    struct output output[2];
    int open;
};

static int parts_open(struct parts *parts, const struct seed_writer *writer, const char *kind,
                      enum split_part later, struct err *err)
{
    char name[FILE_NAME_MAX], path[FILE_NAME_MAX + 32];
    const enum split_part wanted[2] = {SPLIT_TRAIN, later};
    parts->open = 0;
    file_name_of(writer->user->id, name);
    for (int i = 0; i < (later == SPLIT_TRAIN ? 1 : 2); i++) {
        snprintf(path, sizeof path, "%s/%s/%s.csv", kind, split_name(wanted[i]), name);
        parts->open++;
        if (output_open(&parts->output[i], writer->folder, path, err) < 0)
            return -1;
    }
    return 0;
}

static int parts_close(struct parts *parts, int status, struct err *err)
{
    for (int i = 0; i < parts->open; i++) {
        if (status == 0)
            status = output_commit(&parts->output[i], err);
        output_abandon(&parts->output[i]);
    }
    return status;
}

static void put_int(struct output *output, int64_t value)
{
    output_int(output, value);
    output_char(output, '\t');
}

static void put_last_int(struct output *output, int64_t value)
{
    output_int(output, value);
    output_text(output, (struct slice){"\r\n", 2});
}

static void put_repr(struct output *output, double value)
{
    output_repr(output, value);
    output_char(output, '\t');
}

static void put_person(struct output *output, const struct seed_writer *writer, int age)
{
    const struct profile *profile = writer->user->profile;
    put_int(output, profile ? profile->gender : -1);
    put_int(output, age);
    put_int(output, writer->country);
    put_int(output, profile ? profile->registered_s : 0);
}

static void put_summary(struct output *output, const struct seed_writer *writer,
                        const struct seed_walk *walk, int age)
{
    put_int(output, walk->start_s);
    put_int(output, writer->number);
    put_int(output, walk->session);
    put_person(output, writer, age);
    put_int(output, walk->previous_s);
    put_repr(output, walk->average_s);
    put_last_int(output, (int64_t)walk->length_s);
}

static void put_final(struct output *output, const struct seed_writer *writer,
                      const struct seed_walk *walk, const struct play_row *play, uint32_t artist,
                      uint32_t title)
{
    put_int(output, writer->number);
    put_int(output, play->time_ms / 1000);
    put_int(output, walk->start_s);
    put_int(output, walk->session);
    put_int(output, walk->previous_s);
    put_repr(output, walk->average_s);
    put_person(output, writer, age_at(writer->user->profile, play->time_ms / 1000));
    put_repr(output, walk->track_s);
    put_repr(output, walk->times_played);
    put_int(output, artist);
    put_int(output, title);
    put_last_int(output, (int64_t)walk->length_s);
}

static uint32_t word_id(const struct vocabulary *vocabulary, uint32_t number)
{
    return number == CATALOG_NO_WORD ? VOCABULARY_UNKNOWN : vocabulary->ids[number];
}

/* Every pair of plays to the files that are open, and training rows to the profile. */
static void walk_user(struct seed_writer *writer, size_t count, size_t cut, struct parts *summary,
                      struct parts *final)
{
    const struct seed_tables *tables = writer->tables;
    const struct catalog *catalog = &tables->history->catalog;
    struct seed_walk walk;
    seed_walk_init(&walk, writer->rows);
    while (seed_walk_step(&walk, tables->history, writer->rows, count)) {
        const struct play_row *play = &writer->rows[walk.next - 1];
        uint32_t number = catalog->variants[play->variant].track;
        const struct track *track = &catalog->tracks[number];
        int age = age_at(writer->user->profile, play->time_ms / 1000);
        bool later = walk.next > cut;
        /* The session that is still open at the end has a row, unless its first play is the last.
         */
        bool last = !walk.ended && walk.next + 1 == count;
        if (walk.ended || last) {
            bool in_later = last ? count > cut : later;
            writer->counts.sessions++;
            if (summary->open)
                put_summary(&summary->output[in_later && summary->open > 1], writer, &walk, age);
        }
        if (final->open)
            put_final(&final->output[later && final->open > 1], writer, &walk, play,
                      word_id(&tables->artists, track->artist),
                      word_id(&tables->titles, track->title));
        if (!later)
            seed_profile_take(&writer->profile, track, number, &walk, age);
    }
}

const struct prepare_counts *seed_writer_counts(const struct seed_writer *writer)
{
    return &writer->counts;
}

static int write_parts(struct seed_writer *writer, uint32_t user, size_t count, struct err *err)
{
    const struct split_user *split = &writer->split->users[user];
    struct parts summary = {.open = 0}, final = {.open = 0};
    size_t cut = split->later == SPLIT_TRAIN ? SIZE_MAX : (size_t)((double)count * split->cut);
    int status = 0;
    if (writer->stages & SEED_SUMMARY)
        status = parts_open(&summary, writer, "summary", split->later, err);
    if (status == 0 && writer->stages & SEED_FINAL)
        status = parts_open(&final, writer, "final", split->later, err);
    seed_profile_begin(&writer->profile);
    if (status == 0)
        walk_user(writer, count, cut, &summary, &final);
    status = parts_close(&summary, status, err);
    return parts_close(&final, status, err);
}

/* Room for a user's rows, and as many again. */
static int make_room(struct seed_writer *writer, size_t count, struct err *err)
{
    struct play_row *rows =
        array_grow(writer->rows, &writer->capacity, 2 * count, sizeof *writer->rows);
    if (!rows)
        return err_set(err, ERR_MEMORY, "out of memory for %zu plays of one user", count);
    writer->rows = rows;
    return 0;
}

int seed_writer_user(void *ctx, uint32_t user, struct output *profiles, struct err *err)
{
    struct seed_writer *writer = ctx;
    const struct history *history = writer->tables->history;
    size_t count = play_store_count(history->plays, user);
    writer->user = &history->users[user];
    writer->number = number_of(writer->user->id);
    const char *country = writer->user->profile ? writer->user->profile->country : "";
    if (countries_find(&writer->tables->countries, country, &writer->country, err) < 0 ||
        make_room(writer, count, err) < 0 ||
        play_store_load(history->plays, user, writer->rows, err) < 0)
        return -1;
    if (writer->stages & SEED_USERS && write_plays(writer, count, err) < 0)
        return -1;
    if (!(writer->stages & (SEED_SUMMARY | SEED_FINAL | SEED_PROFILES)))
        return 0;
    play_rows_sort(writer->rows, writer->rows + count, count);
    writer->counts.users++;
    writer->counts.scrobbles += count - 1; /* the last one has no row */
    if (write_parts(writer, user, count, err) < 0)
        return -1;
    return writer->stages & SEED_PROFILES
               ? seed_profile_put(&writer->profile, writer->tables, &writer->filter, writer->number,
                                  writer->user->profile, writer->country, profiles, err)
               : 0;
}
