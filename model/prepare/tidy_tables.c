#include "prepare/tidy_tables.h"

#include <stdlib.h>
#include <string.h>

#include "core/big_alloc.h"
static void *numbers(size_t count, size_t item_bytes, struct err *err)
{
    void *array = big_zeros(count * item_bytes);
    if (!array)
        err_set(err, ERR_MEMORY, "out of memory for %zu names", count);
    return array;
}

static int count_artists(struct tidy_tables *tables, const struct catalog *catalog, struct err *err)
{
    uint32_t count = catalog->artist_index.count;
    tables->artist_plays = numbers(count, sizeof *tables->artist_plays, err);
    tables->artist_tracks = numbers(count, sizeof *tables->artist_tracks, err);
    if (!tables->artist_plays || !tables->artist_tracks)
        return -1;
    for (uint32_t i = 0; i < catalog->track_index.count; i++) {
        const struct track *track = &catalog->tracks[i];
        if (track->artist == CATALOG_NO_WORD)
            continue;
        tables->artist_plays[track->artist] += track->plays;
        tables->artist_tracks[track->artist]++;
    }
    tables->artists = vocabulary_artists(catalog, tables->artist_plays, err);
    return tables->artists ? 0 : -1;
}

/* rank[order[i]] = i + 1 */
static uint32_t *ranks(const uint32_t *order, uint32_t count, struct err *err)
{
    uint32_t *rank = numbers(count, sizeof *rank, err);
    for (uint32_t i = 0; rank && i < count; i++)
        rank[order[i]] = i + 1;
    return rank;
}

static int name_variants(struct tidy_tables *tables, const struct history *history, struct err *err)
{
    const struct catalog *catalog = &history->catalog;
    uint32_t count = catalog->variant_index.count;
    uint32_t *track_rank = ranks(tables->tracks, catalog->track_index.count, err);
    uint32_t *artist_rank = ranks(tables->artists, catalog->artist_index.count, err);
    tables->names = numbers(count, sizeof *tables->names, err);
    int status = track_rank && artist_rank && tables->names ? 0 : -1;
    for (uint32_t i = 0; status == 0 && i < count; i++) {
        uint32_t track = catalog->variants[i].track, artist = catalog->tracks[track].artist;
        tables->names[i] =
            (struct tidy_names){.track_id = track_rank[track],
                                .artist_id = artist == CATALOG_NO_WORD ? 0 : artist_rank[artist],
                                .duration_ms = history->duration_ms[i]};
    }
    free(track_rank);
    free(artist_rank);
    return status;
}

int tidy_tables_make(struct tidy_tables *tables, const struct history *history,
                     const struct profiles *profiles, struct err *err)
{
    *tables = (struct tidy_tables){.history = history};
    tables->tracks = vocabulary_tracks(&history->catalog, err);
    if (tables->tracks && count_artists(tables, &history->catalog, err) == 0 &&
        name_variants(tables, history, err) == 0 &&
        countries_make(&tables->countries, profiles, err) == 0)
        return 0;
    tidy_tables_clear(tables);
    return -1;
}

void tidy_tables_clear(struct tidy_tables *tables)
{
    free(tables->tracks);
    free(tables->artists);
    free(tables->artist_plays);
    free(tables->artist_tracks);
    free(tables->names);
    countries_clear(&tables->countries);
    *tables = (struct tidy_tables){0};
}

void tidy_put_text(struct output *output, struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '\t' || c == '"' || c == '\n' || c == '\r') {
            output_quoted(output, text);
            return;
        }
    }
    output_text(output, text);
}

void tidy_put_literal(struct output *output, const char *text)
{
    output_text(output, (struct slice){text, strlen(text)});
}

static void put_int(struct output *output, uint64_t value, char end)
{
    output_int(output, (int64_t)value);
    output_char(output, end);
}

/* Empty where it is unknown. */
static void put_known(struct output *output, uint64_t value, char end)
{
    if (value > 0)
        output_int(output, (int64_t)value);
    output_char(output, end);
}

static int put_track(struct output *output, const struct tidy_tables *tables, uint32_t number,
                     struct word_buffer *buffer, struct err *err)
{
    const struct catalog *catalog = &tables->history->catalog;
    const struct track *track = &catalog->tracks[number];
    const struct variant *variant = &catalog->variants[track->variant];
    const struct tidy_names *names = &tables->names[track->variant];
    struct slice word;
    put_int(output, names->track_id, '\t');
    put_known(output, names->artist_id, '\t');
    tidy_put_text(output, (struct slice){track->artist_mbid, strlen(track->artist_mbid)});
    output_char(output, '\t');
    if (word_of(variant_artist(variant), buffer, &word, err) < 0)
        return -1;
    tidy_put_text(output, word);
    output_char(output, '\t');
    if (word_of(variant_track(variant), buffer, &word, err) < 0)
        return -1;
    tidy_put_text(output, word);
    output_char(output, '\t');
    put_int(output, track->plays, '\t');
    put_known(output, names->duration_ms, '\n');
    return 0;
}

/* What is needed of tracks to come, which lie anywhere: first the track, then its variant, then its
 * names. */
static void fetch_ahead(const struct tidy_tables *tables, uint32_t i)
{
    enum { STEP = 8 };
    const struct catalog *catalog = &tables->history->catalog;
    uint32_t count = catalog->track_index.count;
    if (i + 3 * STEP < count)
        __builtin_prefetch(&catalog->tracks[tables->tracks[i + 3 * STEP]]);
    if (i + 2 * STEP < count) {
        uint32_t variant = catalog->tracks[tables->tracks[i + 2 * STEP]].variant;
        __builtin_prefetch(&catalog->variants[variant]);
        __builtin_prefetch(&tables->names[variant]);
        __builtin_prefetch(catalog->tracks[tables->tracks[i + 2 * STEP]].artist_mbid);
    }
    if (i + STEP < count)
        __builtin_prefetch(
            catalog->variants[catalog->tracks[tables->tracks[i + STEP]].variant].names);
}

int tidy_write_tracks(const struct tidy_tables *tables, int folder, struct err *err)
{
    struct word_buffer buffer = {0};
    struct output output;
    int status = output_open(&output, folder, "tracks.tsv", err);
    if (status == 0)
        tidy_put_literal(&output,
                         "track_id\tartist_id\tartist_mbid\tartist\ttrack\tplays\tduration_ms\n");
    for (uint32_t i = 0; i < tables->history->catalog.track_index.count && status == 0; i++) {
        fetch_ahead(tables, i);
        status = put_track(&output, tables, tables->tracks[i], &buffer, err);
    }
    if (status == 0)
        status = output_commit(&output, err);
    output_abandon(&output);
    free(buffer.data);
    return status;
}

int tidy_write_artists(const struct tidy_tables *tables, int folder, struct err *err)
{
    const struct catalog *catalog = &tables->history->catalog;
    struct word_buffer buffer = {0};
    struct slice word;
    struct output output;
    int status = output_open(&output, folder, "artists.tsv", err);
    if (status == 0)
        tidy_put_literal(&output, "artist_id\tartist\ttracks\tplays\n");
    for (uint32_t i = 0; i < catalog->artist_index.count && status == 0; i++) {
        uint32_t artist = tables->artists[i];
        status = vocabulary_word(catalog, VOCABULARY_ARTISTS, artist, &buffer, &word, err);
        if (status < 0)
            break;
        put_int(&output, i + 1, '\t');
        tidy_put_text(&output, word);
        output_char(&output, '\t');
        put_int(&output, tables->artist_tracks[artist], '\t');
        put_int(&output, tables->artist_plays[artist], '\n');
    }
    if (status == 0)
        status = output_commit(&output, err);
    output_abandon(&output);
    free(buffer.data);
    return status;
}

int tidy_write_countries(const struct tidy_tables *tables, int folder, struct err *err)
{
    struct output output;
    int status = output_open(&output, folder, "countries.tsv", err);
    if (status == 0)
        tidy_put_literal(&output, "country_id\tcountry\tprofiles\n");
    for (size_t i = 0; i < tables->countries.count && status == 0; i++) {
        const struct country *country = &tables->countries.all[i];
        put_int(&output, i + 1, '\t');
        tidy_put_text(&output, (struct slice){country->word, strlen(country->word)});
        output_char(&output, '\t');
        put_int(&output, country->count, '\n');
    }
    if (status == 0)
        status = output_commit(&output, err);
    output_abandon(&output);
    return status;
}
