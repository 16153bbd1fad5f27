#include "prepare/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "data/log_reader.h"

enum { PROGRESS_ROWS = 1 << 17 };

/* What reading needs and a read history does not. */
struct reading {
    struct history *history;
    const struct history_options *options;
    struct log_reader *reader;
    char last_id[USER_ID_MAX]; /* of the row before */
    size_t last_id_size;       /* 0: there is none */
    uint32_t last_user;
};

static int add_user(struct reading *reading, struct slice id, uint32_t number, struct err *err)
{
    struct history *history = reading->history;
    struct history_user *users = history->users;
    if (number >= history->user_capacity) {
        users = array_grow(users, &history->user_capacity, (size_t)number + 1, sizeof *users);
        if (users)
            history->users = users;
    }
    char *copy = users ? arena_copy(&history->ids, id.data, id.size) : NULL;
    if (!copy)
        return err_set(err, ERR_MEMORY, "out of memory for %u users", number + 1);
    users[number] =
        (struct history_user){.id = copy, .profile = profiles_find(reading->options->profiles, id)};
    return 0;
}

static int find_user(struct reading *reading, struct slice id, uint32_t *number, struct err *err)
{
    if (id.size != reading->last_id_size || memcmp(id.data, reading->last_id, id.size) != 0) {
        struct key_index *index = &reading->history->user_index;
        int is_new = key_index_put(index, index_key_of(id), &reading->last_user, err);
        if (is_new < 0 || (is_new > 0 && add_user(reading, id, reading->last_user, err) < 0))
            return -1;
        memcpy(reading->last_id, id.data, id.size);
        reading->last_id_size = id.size;
    }
    *number = reading->last_user;
    return 0;
}

static int take_row(struct reading *reading, const struct scrobble *scrobble, struct err *err)
{
    struct history *history = reading->history;
    uint32_t user, variant;
    if (find_user(reading, scrobble->user_id, &user, err) < 0 ||
        catalog_put(&history->catalog, catalog_key(scrobble), scrobble, &variant, err) < 0)
        return -1;
    struct track *track = &history->catalog.tracks[history->catalog.variants[variant].track];
    track->plays += track->plays < UINT32_MAX;
    history->rows++;
    return play_store_add(history->plays,
                          &(struct play_row){.time_ms = scrobble->time.ms,
                                             .variant = variant,
                                             .duration_ms = (uint32_t)scrobble->duration_ms,
                                             .user = user},
                          err);
}

static void set_aside(struct history *history, const struct log_row *row)
{
    if (history->rejected < HISTORY_SHOWN_REJECTS) {
        struct rejected_row *shown = &history->rejects[history->rejected];
        shown->line = row->line;
        snprintf(shown->reason, sizeof shown->reason, "%s", row->reason.text);
    }
    history->rejected++;
}

static void report(const struct reading *reading)
{
    const struct history_options *options = reading->options;
    const struct byte_source *source = log_reader_source(reading->reader);
    if (options->progress)
        options->progress(options->progress_ctx, reading->history->rows, byte_source_offset(source),
                          byte_source_size(source));
}

static int read_rows(struct reading *reading, struct err *err)
{
    struct log_row row = {0};
    int status;
    for (uint64_t count = 1; (status = log_reader_next(reading->reader, &row, err)) > 0; count++) {
        if (!row.is_good)
            set_aside(reading->history, &row);
        else if (take_row(reading, &row.scrobble, err) < 0)
            return -1;
        if (count % PROGRESS_ROWS == 0)
            report(reading);
    }
    if (status < 0)
        return -1;
    report(reading);
    if (reading->history->rows == 0)
        return err_set(err, ERR_INPUT, "no scrobble in %s",
                       byte_source_name(log_reader_source(reading->reader)));
    return play_store_finish(reading->history->plays, err);
}

/* What is known of each variant's duration. */
static int find_durations(struct history *history, const struct durations *durations,
                          struct err *err)
{
    const struct catalog *catalog = &history->catalog;
    history->duration_ms = calloc(catalog->variant_index.count, sizeof *history->duration_ms);
    if (!history->duration_ms)
        return err_set(err, ERR_MEMORY, "out of memory for durations");
    for (uint32_t i = 0; durations && i < catalog->variant_index.count; i++) {
        const struct variant *variant = &catalog->variants[i];
        history->duration_ms[i] =
            (uint32_t)durations_find(durations, variant_artist(variant), variant_track(variant));
    }
    return 0;
}

int history_read(struct history *history, const char *path, const struct history_options *options,
                 struct err *err)
{
    struct reading reading = {.history = history, .options = options};
    int status = -1;
    *history = (struct history){0};
    arena_init(&history->ids, 1 << 16);
    history->plays = play_store_new(options->memory_bytes, err);
    if (!history->plays || catalog_init(&history->catalog, err) < 0 ||
        key_index_init(&history->user_index, err) < 0 ||
        !(reading.reader =
              log_reader_open(path, options->form, options->user, options->strict, err)))
        goto out;
    status = read_rows(&reading, err);
    if (status == 0)
        status = find_durations(history, options->durations, err);
out:
    log_reader_free(reading.reader);
    return status;
}

void history_clear(struct history *history)
{
    play_store_free(history->plays);
    catalog_clear(&history->catalog);
    key_index_clear(&history->user_index);
    free(history->users);
    arena_clear(&history->ids);
    free(history->duration_ms);
    *history = (struct history){0};
}
