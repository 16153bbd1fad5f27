#include "prepare/seed_tables.h"

#include <stdlib.h>
#include <string.h>

#include "prepare/output.h"

static const char CRLF[] = "\r\n";

int seed_tables_make(struct seed_tables *tables, const struct history *history,
                     const struct profiles *profiles, struct err *err)
{
    *tables = (struct seed_tables){.history = history};
    tables->tracks = vocabulary_tracks(&history->catalog, err);
    if (tables->tracks &&
        vocabulary_make(&tables->artists, VOCABULARY_ARTISTS, &history->catalog, tables->tracks,
                        err) == 0 &&
        vocabulary_make(&tables->titles, VOCABULARY_TITLES, &history->catalog, tables->tracks,
                        err) == 0 &&
        countries_make(&tables->countries, profiles, err) == 0)
        return 0;
    seed_tables_clear(tables);
    return -1;
}

void seed_tables_clear(struct seed_tables *tables)
{
    free(tables->tracks);
    vocabulary_clear(&tables->artists);
    vocabulary_clear(&tables->titles);
    countries_clear(&tables->countries);
    *tables = (struct seed_tables){0};
}

static struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

/* artist_mbid, artist, track, count */
static int put_track(struct output *output, const struct catalog *catalog,
                     const struct track *track, struct word_buffer *buffer, struct err *err)
{
    const struct variant *variant = &catalog->variants[track->variant];
    const struct slice names[] = {variant_artist(variant), variant_track(variant)};
    struct slice word;
    if (word_of(slice_of(track->artist_mbid), buffer, &word, err) < 0)
        return -1;
    output_quoted(output, word);
    for (int i = 0; i < 2; i++) {
        if (word_of(names[i], buffer, &word, err) < 0)
            return -1;
        output_char(output, ',');
        output_quoted(output, word);
    }
    output_char(output, ',');
    output_int(output, track->plays);
    output_text(output, slice_of(CRLF));
    return 0;
}

static int write_tracks(const struct seed_tables *tables, int folder, struct err *err)
{
    const struct catalog *catalog = &tables->history->catalog;
    struct word_buffer buffer = {0};
    struct output output;
    int status = output_open(&output, folder, "tracks.csv", err);
    for (uint32_t i = 0; i < catalog->track_index.count && status == 0; i++)
        status = put_track(&output, catalog, &catalog->tracks[tables->tracks[i]], &buffer, err);
    if (status == 0)
        status = output_commit(&output, err);
    output_abandon(&output);
    free(buffer.data);
    return status;
}

static int write_users(const struct history *history, int folder, struct err *err)
{
    struct output output;
    int status = output_open(&output, folder, "unique_users.txt", err);
    for (uint32_t i = 0; i < history_users(history) && status == 0; i++) {
        output_text(&output, slice_of(history->users[i].id));
        output_char(&output, '\n');
    }
    if (status == 0)
        status = output_commit(&output, err);
    output_abandon(&output);
    return status;
}

int seed_write_tracks(const struct seed_tables *tables, int folder, struct err *err)
{
    return write_tracks(tables, folder, err) < 0 ? -1 : write_users(tables->history, folder, err);
}

static void put_word(struct output *output, struct slice word, uint32_t count)
{
    output_quoted(output, word);
    output_char(output, '\t');
    output_int(output, count);
    output_text(output, slice_of(CRLF));
}

static int write_words(const struct seed_tables *tables, enum vocabulary_kind kind,
                       const char *path, int folder, struct err *err)
{
    const struct vocabulary *vocabulary =
        kind == VOCABULARY_ARTISTS ? &tables->artists : &tables->titles;
    struct word_buffer buffer = {0};
    struct output output;
    int status = output_open(&output, folder, path, err);
    for (uint32_t i = 0; i < vocabulary->count && status == 0; i++) {
        uint32_t number = vocabulary->order[i];
        struct slice word;
        status = vocabulary_word(&tables->history->catalog, kind, number, &buffer, &word, err);
        if (status == 0)
            put_word(&output, word, vocabulary->counts[number]);
    }
    if (status == 0)
        status = output_commit(&output, err);
    output_abandon(&output);
    free(buffer.data);
    return status;
}

static int write_countries(const struct countries *countries, int folder, struct err *err)
{
    struct output output;
    int status = output_open(&output, folder, "country_vocab.csv", err);
    for (size_t i = 0; i < countries->count && status == 0; i++)
        put_word(&output, slice_of(countries->all[i].word), countries->all[i].count);
    if (status == 0)
        status = output_commit(&output, err);
    output_abandon(&output);
    return status;
}

int seed_write_vocabularies(const struct seed_tables *tables, int folder, struct err *err)
{
    if (write_countries(&tables->countries, folder, err) < 0 ||
        write_words(tables, VOCABULARY_ARTISTS, "artist_vocab.csv", folder, err) < 0)
        return -1;
    return write_words(tables, VOCABULARY_TITLES, "tracks_vocab.csv", folder, err);
}
