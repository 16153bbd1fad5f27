#include "log_checks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "data/durations.h"
#include "data/log_input.h"
#include "data/scrobble_spotify.h"
#include "data/utf8.h"

/* A few bytes of zstd may be millions of empty lines: more than these tell nothing new. */
enum { RECORDS_MAX = 5000 };

static void check_text(struct slice text, size_t min, size_t max)
{
    assert(text.size >= min && text.size <= max);
    assert(text.size == 0 || utf8_valid_prefix(text.data, text.size) == text.size);
    assert(text.size == 0 || !memchr(text.data, '\0', text.size));
}

static void check_scrobble(const struct scrobble *scrobble)
{
    check_text(scrobble->user_id, 1, USER_ID_MAX);
    check_text(scrobble->artist, 1, SCROBBLE_TEXT_MAX);
    check_text(scrobble->track, 1, SCROBBLE_TEXT_MAX);
    check_text(scrobble->artist_mbid, 0, SCROBBLE_TEXT_MAX);
    check_text(scrobble->track_mbid, 0, SCROBBLE_TEXT_MAX);
    assert(event_time_valid(scrobble->time));
    assert(scrobble->duration_ms >= 0 && scrobble->duration_ms <= DURATION_MAX_MS);
}

static void check_same(struct slice a, struct slice b)
{
    assert(a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0));
}

static void check_equal(const struct scrobble *a, const struct scrobble *b)
{
    check_same(a->user_id, b->user_id);
    check_same(a->artist, b->artist);
    check_same(a->track, b->track);
    check_same(a->artist_mbid, b->artist_mbid);
    check_same(a->track_mbid, b->track_mbid);
    assert(a->time.ms == b->time.ms && a->duration_ms == b->duration_ms);
}

static void check_round_trip(const struct scrobble *scrobble)
{
    static char json[2 * SCROBBLE_JSON_MAX];
    size_t size = scrobble_to_json(scrobble, json, sizeof json);
    assert(size < sizeof json);
    if (size > SCROBBLE_JSON_MAX) /* thousands of control characters, escaped six-fold */
        return;
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    assert(scratch);
    struct scrobble again;
    enum reject_reason reason = scrobble_from_json(json, size, scratch, &again, NULL);
    assert(reason == REJECT_NONE);
    check_equal(scrobble, &again);
    scrobble_scratch_free(scratch);
}

void log_checks_parsed(enum log_line kind, const struct scrobble *scrobble, const struct err *err)
{
    bool has_reason = err->text[0] != '\0';
    assert((kind == LOG_LINE_BAD || kind == LOG_LINE_NOBODY) == has_reason);
    assert(utf8_valid_prefix(err->text, strlen(err->text)) == strlen(err->text));
    if (kind != LOG_LINE_SCROBBLE)
        return;
    check_scrobble(scrobble);
    check_round_trip(scrobble);
}

/* The reader of Spotify's records against its slow twin. */
static void check_spotify(struct slice json)
{
    struct scrobble_scratch *scratch = scrobble_scratch_new(), *other = scrobble_scratch_new();
    assert(scratch && other);
    struct scrobble a, b;
    bool a_is_none = false, b_is_none = false;
    enum reject_reason reason =
        scrobble_from_spotify(json.data, json.size, scratch, &a, &a_is_none, NULL);
    enum reject_reason twin =
        scrobble_from_spotify_general(json.data, json.size, other, &b, &b_is_none, NULL);
    assert(reason == twin && a_is_none == b_is_none);
    if (reason == REJECT_NONE && !a_is_none)
        check_equal(&a, &b);
    scrobble_scratch_free(scratch);
    scrobble_scratch_free(other);
}

struct memory {
    const char *bytes;
    size_t size;
};

static int read_memory(void *ctx, char *into, size_t room, size_t *got, struct err *err)
{
    struct memory *memory = ctx;
    (void)err;
    *got = memory->size < room ? memory->size : room;
    memcpy(into, memory->bytes, *got);
    memory->bytes += *got;
    memory->size -= *got;
    return *got > 0;
}

static void check_record(const struct log_parser *parser, const struct log_record *record)
{
    struct scrobble scrobble;
    struct err err = {0};
    struct log_parser whose = *parser;
    assert(record->file && record->line > 0);
    if (record->bad) {
        assert(record->text.size == 0);
        return;
    }
    if (record->user.size > 0)
        whose.user = record->user;
    /* On its own, so that a byte too far is seen. */
    char *copy = malloc(record->text.size ? record->text.size : 1);
    assert(copy);
    memcpy(copy, record->text.data, record->text.size);
    const struct slice text = {copy, record->text.size};
    enum log_line kind = record->element > 0
                             ? log_element_parse(&whose, text, &scrobble, &err)
                             : log_line_parse(&whose, text, record->is_first, &scrobble, &err);
    log_checks_parsed(kind, &scrobble, &err);
    if (parser->form == LOG_FORM_SPOTIFY)
        check_spotify(text);
    free(copy);
}

int log_checks_read(enum log_form form, const uint8_t *data, size_t size)
{
    struct memory memory = {(const char *)data, size};
    struct scrobble_scratch *scratch = scrobble_scratch_new();
    assert(scratch);
    const struct log_parser parser = {form, {"whoever", size % 2 ? 7 : 0}, scratch};
    struct err err = {0};
    struct log_record record;
    struct log_input *input = log_input_over((struct byte_input){&memory, read_memory}, "fuzz",
                                             form == LOG_FORM_LASTFM_1K, &err);
    int status = input ? 1 : -1;
    for (int i = 0; status > 0 && i < RECORDS_MAX; i++)
        if ((status = log_input_next(input, &record, &err)) > 0)
            check_record(&parser, &record);
    assert((status < 0) == (err.text[0] != '\0'));
    log_input_free(input);
    scrobble_scratch_free(scratch);
    return 0;
}
