#include "data/log_format.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "data/json_walk.h"
#include "data/scrobble_spotify.h"
#include "data/utf8.h"

static const char *const FORM_NAMES[LOG_FORMS] = {
    [LOG_FORM_ANY] = "any",       [LOG_FORM_LASTFM_1K] = "lastfm-1k",
    [LOG_FORM_JSON] = "json",     [LOG_FORM_LISTENBRAINZ] = "listenbrainz",
    [LOG_FORM_LASTFM] = "lastfm", [LOG_FORM_SPOTIFY] = "spotify",
};

const char *log_form_name(enum log_form form)
{
    assert((unsigned)form < LOG_FORMS);
    return FORM_NAMES[form];
}

int log_form_named(const char *name, enum log_form *form, struct err *err)
{
    for (int i = LOG_FORM_ANY; i < LOG_FORMS; i++)
        if (strcmp(name, FORM_NAMES[i]) == 0) {
            *form = (enum log_form)i;
            return 0;
        }
    return err_set(err, ERR_USAGE,
                   "\"%.40s\" is no form of a log: lastfm-1k, json, listenbrainz, lastfm, spotify, "
                   "or any to go by content",
                   name);
}

static enum log_line refuse(enum reject_reason reason, const char *why, struct err *err)
{
    err_set(err, ERR_INPUT, "%s: %s", reject_reason_name(reason), why);
    return LOG_LINE_BAD;
}

/* Which form an object is of, by the fields that only one form has. */
static enum log_form form_of(struct slice json)
{
    struct json_walk walk = json_walk_begin(json);
    struct slice name, value;
    enum log_form form = LOG_FORM_JSON;
    while (json_walk_member(&walk, &name, &value)) {
        if (slice_is(name, "track_metadata"))
            return LOG_FORM_LISTENBRAINZ;
        if (slice_is(name, "ms_played") || slice_is(name, "msPlayed"))
            return LOG_FORM_SPOTIFY;
        if (slice_is(name, "artist") && value.data[0] == '{')
            form = LOG_FORM_LASTFM;
    }
    return form;
}

/* Spares nearly every record the walk over its members. */
static bool may_be_spotify(struct slice json)
{
    return memmem(json.data, json.size, "\"ms_played\"", sizeof "\"ms_played\"" - 1) ||
           memmem(json.data, json.size, "\"msPlayed\"", sizeof "\"msPlayed\"" - 1);
}

/* A track that plays while it is asked for: it comes first in every page, and has no date yet. */
static bool is_now_playing(struct slice json)
{
    struct json_walk walk = json_walk_begin(json);
    struct slice name, value;
    bool now_playing = false;
    while (json_walk_member(&walk, &name, &value)) {
        if (slice_is(name, "date"))
            return false;
        if (slice_is(name, "@attr"))
            now_playing = memmem(value.data, value.size, "\"nowplaying\"", 12) != NULL;
    }
    return now_playing;
}

/* What Last.fm answers instead of a page: {"error":17,"message":"..."}. Tools keep it as one.
 * @return false: it is none */
static bool is_api_error(struct slice json, struct err *err)
{
    json_t *root = json_loadb(json.data, json.size, 0, NULL);
    const json_t *code = json_object_get(root, "error");
    const char *message = json_string_value(json_object_get(root, "message"));
    bool is_one = json_is_integer(code) && message;
    if (is_one) {
        char text[200];
        snprintf(text, sizeof text, "%s", message);
        for (char *p = text; *p; p++)
            if (*p < ' ' || *p > '~')
                *p = '?'; /* somebody else's text may reach a terminal */
        err_set(err, ERR_INPUT,
                "no scrobble but an error of Last.fm: %" JSON_INTEGER_FORMAT ", \"%s\"",
                json_integer_value(code), text);
    }
    json_decref(root);
    return is_one;
}

static enum log_line read_record(const struct log_parser *parser, struct slice json,
                                 struct scrobble *out, struct err *err)
{
    enum log_form form = LOG_FORM_ANY;
    enum reject_reason reason;
    bool no_listen = false;
    if (parser->form != LOG_FORM_ANY || may_be_spotify(json))
        form = form_of(json);
    if (parser->form != LOG_FORM_ANY && parser->form != form) {
        if (!is_api_error(json, err))
            err_set(err, ERR_INPUT, "it looks like a record of the form %s, not %s",
                    FORM_NAMES[form], FORM_NAMES[parser->form]);
        return LOG_LINE_BAD;
    }
    if (form == LOG_FORM_SPOTIFY)
        reason = scrobble_from_spotify(json.data, json.size, parser->scratch, out, &no_listen, err);
    else
        reason = scrobble_from_json(json.data, json.size, parser->scratch, out, err);
    if (reason == REJECT_NONE)
        return no_listen ? LOG_LINE_NO_LISTEN : LOG_LINE_SCROBBLE;
    if (reason == REJECT_MISSING_FIELD && is_now_playing(json)) {
        *err = (struct err){0};
        return LOG_LINE_NO_LISTEN;
    }
    if (reason != REJECT_MISSING_FIELD || !is_api_error(json, err))
        err_prefix(err, "%s", reject_reason_name(reason));
    return LOG_LINE_BAD;
}

static bool same(struct slice a, struct slice b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* The user id from the record, from the key before it, from both if they agree, or the one that is
 * known otherwise. */
static enum log_line choose_user(const struct log_parser *parser, struct slice key,
                                 struct scrobble *out, struct err *err)
{
    if (out->user_id.size > 0)
        return key.size == 0 || same(key, out->user_id)
                   ? LOG_LINE_SCROBBLE
                   : refuse(REJECT_KEY_MISMATCH, "the key before the tab is not its user_id", err);
    out->user_id = key.size > 0 ? key : parser->user;
    if (out->user_id.size > 0)
        return LOG_LINE_SCROBBLE;
    refuse(REJECT_MISSING_FIELD,
           "neither a user_id nor a key before a tab; if it is the log of one person, say whose it "
           "is (--user)",
           err);
    return LOG_LINE_NOBODY;
}

static enum log_line check_key(struct slice key, struct err *err)
{
    if (key.size > USER_ID_MAX)
        return refuse(REJECT_BAD_FIELD, "the key before the tab is longer than a user id", err);
    if (utf8_valid_prefix(key.data, key.size) < key.size || memchr(key.data, '\0', key.size))
        return refuse(REJECT_NOT_UTF8, "the key before the tab is not UTF-8 text", err);
    return LOG_LINE_SCROBBLE;
}

static enum log_line parse_json(const struct log_parser *parser, struct slice key,
                                struct slice json, struct scrobble *out, struct err *err)
{
    enum log_line kind = read_record(parser, json, out, err);
    if (kind != LOG_LINE_SCROBBLE)
        return kind;
    if (out->user_id.size == 0 && check_key(key, err) != LOG_LINE_SCROBBLE)
        return LOG_LINE_BAD;
    return choose_user(parser, key, out, err);
}

/* Where the JSON of a line is, and the key before it. @return false: there is none, the line is a
 * row of a table */
static bool find_json(struct slice line, struct slice *key, struct slice *json)
{
    *key = (struct slice){"", 0};
    *json = line;
    if (line.size > 0 && line.data[0] == '{')
        return true;
    const char *tab = memchr(line.data, '\t', line.size);
    const char *end = line.data + line.size;
    if (!tab || tab + 1 >= end || tab[1] != '{')
        return false;
    *key = (struct slice){line.data, (size_t)(tab - line.data)};
    *json = (struct slice){tab + 1, (size_t)(end - tab - 1)};
    return true;
}

static struct slice without_blanks(struct slice line)
{
    const char *end = line.data + line.size;
    const char *p = json_skip_blanks(line.data, end);
    return (struct slice){p, (size_t)(end - p)};
}

bool log_line_is_table(struct slice line)
{
    struct slice key, json, text = without_blanks(line);
    return !find_json(text.size > 0 && text.data[0] == '{' ? text : line, &key, &json);
}

enum log_line log_line_parse(const struct log_parser *parser, struct slice line, bool first,
                             struct scrobble *out, struct err *err)
{
    struct slice key, json, text = without_blanks(line);
    if (text.size == 0)
        return LOG_LINE_SKIP;
    if (text.data[0] == '{')
        line = text;
    bool is_json = find_json(line, &key, &json);
    if (!is_json && (parser->form == LOG_FORM_ANY || parser->form == LOG_FORM_LASTFM_1K))
        return table_row_parse(line, first, out, err);
    if (!is_json || parser->form == LOG_FORM_LASTFM_1K) {
        err_set(err, ERR_INPUT, "it looks like %s, not like a record of the form %s",
                is_json ? "JSON" : "a row of a table", FORM_NAMES[parser->form]);
        return LOG_LINE_BAD;
    }
    return parse_json(parser, key, json, out, err);
}

enum log_line log_element_parse(const struct log_parser *parser, struct slice json,
                                struct scrobble *out, struct err *err)
{
    return parse_json(parser, (struct slice){"", 0}, json, out, err);
}
