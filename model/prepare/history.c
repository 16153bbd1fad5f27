#include "prepare/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/array.h"
#include "data/byte_source.h"
#include "data/log_reader.h"

/* So many bad lines without one row, and it is no log: nobody should wait for the end of the wrong
   file. */
enum { HOPELESS_LINES = 10000, PROGRESS_ROWS = 1 << 17 };

/* What reading needs and a read history does not. */
struct reading {
    struct history *history;
    const struct history_options *options;
    struct byte_source *source;
    struct log_parser parser;
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

/* @param play all but its user */
static int take_play(struct reading *reading, struct slice user_id, struct slice artist_mbid,
                     struct play_row *play, struct err *err)
{
    struct history *history = reading->history;
    uint32_t user;
    if (find_user(reading, user_id, &user, err) < 0 ||
        catalog_use(&history->catalog, play->variant, artist_mbid, err) < 0)
        return -1;
    history->rows++;
    play->user = user;
    return play_store_add(history->plays, play, err);
}

static int take_row(struct reading *reading, const struct parsed_row *row, uint32_t variant,
                    struct err *err)
{
    struct play_row play = {
        .time_ms = row->time_ms, .variant = variant, .duration_ms = row->duration_ms};
    return take_play(reading, parsed_row_user(row), parsed_row_mbid(row), &play, err);
}

static int no_log(const struct reading *reading, struct err *err)
{
    const struct history_reject *first = reading->history->rejects;
    return err_set(err, ERR_INPUT,
                   "no scrobble in %s: it is no listening log of a form that we read; first, line "
                   "%" PRIu64 ": %s",
                   byte_source_name(reading->source), first->line, first->reason.text);
}

/* Notes a bad row. @return 0, or -1 with err when reading must stop */
static int take_reject(struct reading *reading, uint64_t line, const char *reason, struct err *err)
{
    struct history *history = reading->history;
    const struct history_options *options = reading->options;
    if (options->strict)
        return err_set(err, ERR_INPUT, "%s:%" PRIu64 ": %s", byte_source_name(reading->source),
                       line, reason);
    if (history->rejected < HISTORY_REJECTS) {
        struct history_reject *noted = &history->rejects[history->rejected];
        noted->line = line;
        err_set(&noted->reason, ERR_INPUT, "%s", reason);
    }
    if (options->reject)
        options->reject(options->reject_ctx, line, reason);
    history->rejected++;
    return history->rows == 0 && history->rejected >= HOPELESS_LINES ? no_log(reading, err) : 0;
}

static void report(const struct reading *reading, uint64_t offset)
{
    const struct history_options *options = reading->options;
    if (options->progress)
        options->progress(options->progress_ctx, reading->history->rows,
                          history_users(reading->history), offset,
                          byte_source_size(reading->source));
}

static int take_batch(struct reading *reading, const struct row_batch *batch, struct err *err)
{
    /* A row, which another thread has in its cache, a name's place in the index and what is counted
     * of it are fetched some rows before they are needed. */
    enum { ROWS_AHEAD = 48, AHEAD = 16, BEHIND = 8 };
    struct catalog *catalog = &reading->history->catalog;
    const struct parsed_row *rows = batch->rows;
    uint32_t variants[BEHIND];
    for (size_t i = 0; i < batch->count + BEHIND; i++) {
        if (i >= BEHIND && i - BEHIND < batch->count &&
            take_row(reading, &rows[i - BEHIND], variants[i % BEHIND], err) < 0)
            return -1;
        if (i + ROWS_AHEAD < batch->count)
            __builtin_prefetch(&rows[i + ROWS_AHEAD]);
        if (i + AHEAD < batch->count) {
            key_index_prefetch(&catalog->variant_index, parsed_row_key(&rows[i + AHEAD]));
            __builtin_prefetch(rows[i + AHEAD].text);
        }
        if (i < batch->count &&
            catalog_put(catalog, parsed_row_key(&rows[i]), parsed_row_artist(&rows[i]),
                        parsed_row_track(&rows[i]), &variants[i % BEHIND], err) < 0)
            return -1;
    }
    report(reading, batch->offset);
    reading->history->skipped += batch->skipped;
    for (size_t i = 0; i < batch->rejected; i++)
        if (take_reject(reading, batch->rejects[i].line, batch->rejects[i].reason, err) < 0)
            return -1;
    return 0;
}

static int read_table(struct reading *reading, struct slice first, struct err *err)
{
    const struct row_batch *batch;
    struct row_reader *reader = row_reader_new(reading->source, first, &reading->parser, err);
    int status = reader ? 1 : -1;
    while (status > 0 && (status = row_reader_next(reader, &batch, err)) > 0)
        if (take_batch(reading, batch, err) < 0)
            status = -1;
    row_reader_free(reader);
    return status;
}

/* What is left of the first block, and then the source: the input of whoever reads records. */
struct rest {
    struct byte_source *source;
    struct slice block;
};

static int read_rest(void *ctx, char *into, size_t room, size_t *got, struct err *err)
{
    struct rest *rest = ctx;
    if (rest->block.size == 0) {
        int status = byte_source_next(rest->source, 0, &rest->block, err);
        if (status <= 0)
            return status;
    }
    *got = rest->block.size < room ? rest->block.size : room;
    memcpy(into, rest->block.data, *got);
    rest->block.data += *got;
    rest->block.size -= *got;
    return 1;
}

static int take_one(struct reading *reading, const struct scrobble *scrobble, struct err *err)
{
    struct play_row play = {.time_ms = scrobble->time.ms,
                            .duration_ms = (uint32_t)scrobble->duration_ms};
    uint32_t variant;
    if (catalog_put(&reading->history->catalog, catalog_key(scrobble->artist, scrobble->track),
                    scrobble->artist, scrobble->track, &variant, err) < 0)
        return -1;
    play.variant = variant;
    return take_play(reading, scrobble->user_id, scrobble->artist_mbid, &play, err);
}

/* Rows of any form, in the order they stand. */
static int read_records(struct reading *reading, struct slice first, struct err *err)
{
    const struct history_options *options = reading->options;
    struct rest rest = {reading->source, first};
    struct log_row row = {0};
    int status = -1;
    struct log_reader *reader =
        log_reader_over((struct byte_input){&rest, read_rest}, byte_source_name(reading->source),
                        options->form, options->user, options->strict, err);
    for (uint64_t count = 1; reader && (status = log_reader_next(reader, &row, err)) > 0; count++) {
        if (row.is_good ? take_one(reading, &row.scrobble, err) < 0
                        : take_reject(reading, row.line, row.reason.text, err) < 0) {
            status = -1;
            break;
        }
        if (count % PROGRESS_ROWS == 0)
            report(reading, byte_source_offset(reading->source));
    }
    if (reader)
        reading->history->skipped = log_reader_counts(reader).skipped;
    log_reader_free(reader);
    return status;
}

static int read_source(struct reading *reading, const char *path, struct err *err)
{
    struct slice first = {"", 0};
    reading->source = byte_source_open(path, ROW_READER_BATCHES, &reading->options->watch, err);
    if (!reading->source)
        return -1;
    int status = byte_source_next(reading->source, 0, &first, err);
    if (status > 0)
        status = row_reader_reads(first, &reading->parser) ? read_table(reading, first, err)
                                                           : read_records(reading, first, err);
    if (status < 0)
        return -1;
    if (reading->history->rejected > 0 && reading->history->rows == 0)
        return no_log(reading, err);
    if (reading->history->rows == 0)
        return err_set(err, ERR_INPUT, "no scrobble in %s", byte_source_name(reading->source));
    if (catalog_finish(&reading->history->catalog, err) < 0)
        return -1;
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
    reading.parser = (struct log_parser){options->form, {"", 0}, scrobble_scratch_new()};
    if (options->user)
        reading.parser.user = (struct slice){options->user, strlen(options->user)};
    if (!reading.parser.scratch) {
        err_set(err, ERR_MEMORY, "out of memory opening %s", path);
        goto out;
    }
    history->plays = play_store_new(options->memory_bytes, err);
    if (!history->plays || catalog_init(&history->catalog, err) < 0 ||
        key_index_init(&history->user_index, err) < 0)
        goto out;
    status = read_source(&reading, path, err);
    if (status == 0)
        status = find_durations(history, options->durations, err);
out:
    byte_source_free(reading.source);
    scrobble_scratch_free(reading.parser.scratch);
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
