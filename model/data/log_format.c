#include "data/log_format.h"

#include <string.h>
#include <strings.h>

#include "data/line_reader.h"
#include "data/timestamp.h"
#include "data/utf8.h"

enum { COLUMNS = 6 };

static bool is_header(const struct slice *fields, size_t count)
{
    static const char TIMESTAMP[] = "timestamp";
    return (fields[0].size > 0 && fields[0].data[0] == '#') ||
           (count > 1 && fields[1].size == sizeof TIMESTAMP - 1 &&
            strncasecmp(fields[1].data, TIMESTAMP, sizeof TIMESTAMP - 1) == 0);
}

static enum log_line bad_time(enum timestamp_result result, struct slice text, struct err *err)
{
    static const char *const REASONS[] = {
        [TIMESTAMP_NOT_ISO] = "is not of the form 2009-05-03T15:48:25Z",
        [TIMESTAMP_NO_SUCH_TIME] = "does not exist in the calendar",
        [TIMESTAMP_OUT_OF_RANGE] = "is not between 1970 and 2099",
    };
    err_set(err, ERR_INPUT, "time \"%.*s\" %s", line_printable(text), text.data, REASONS[result]);
    return LOG_LINE_BAD;
}

static enum log_line parse_row(const struct slice *fields, struct scrobble *out, struct err *err)
{
    static const struct {
        const char *name;
        size_t min, max;
    } COLUMN[COLUMNS] = {{"user id", 1, USER_ID_MAX},           {"time", 0, SIZE_MAX},
                         {"artist mbid", 0, SCROBBLE_TEXT_MAX}, {"artist", 1, SCROBBLE_TEXT_MAX},
                         {"track mbid", 0, SCROBBLE_TEXT_MAX},  {"track", 1, SCROBBLE_TEXT_MAX}};
    for (size_t i = 0; i < COLUMNS; i++) {
        if (fields[i].size < COLUMN[i].min) {
            err_set(err, ERR_INPUT, "%s is empty", COLUMN[i].name);
            return LOG_LINE_BAD;
        }
        if (fields[i].size > COLUMN[i].max) {
            err_set(err, ERR_INPUT, "%s has %zu bytes, more than %zu", COLUMN[i].name,
                    fields[i].size, COLUMN[i].max);
            return LOG_LINE_BAD;
        }
    }
    struct event_time time;
    enum timestamp_result result = timestamp_parse(fields[1].data, fields[1].size, &time);
    if (result != TIMESTAMP_OK)
        return bad_time(result, fields[1], err);
    *out = (struct scrobble){.user_id = fields[0],
                             .time = time,
                             .artist_mbid = fields[2],
                             .artist = fields[3],
                             .track_mbid = fields[4],
                             .track = fields[5]};
    return LOG_LINE_SCROBBLE;
}

/* A row of a table. Everything is checked before a byte of it is shown in a message. */
static enum log_line parse_table(struct slice line, bool first, struct scrobble *out,
                                 struct err *err)
{
    if (memchr(line.data, '\0', line.size)) {
        err_set(err, ERR_INPUT, "there is a NUL byte in it");
        return LOG_LINE_BAD;
    }
    if (utf8_valid_prefix(line.data, line.size) < line.size) {
        err_set(err, ERR_INPUT, "it is not valid UTF-8");
        return LOG_LINE_BAD;
    }
    struct slice fields[COLUMNS];
    size_t count = line_split(line, fields, COLUMNS);
    if (first && is_header(fields, count))
        return LOG_LINE_SKIP;
    if (count != COLUMNS) {
        err_set(err, ERR_INPUT, "it has %zu tab-separated field%s, not %d", count,
                count == 1 ? "" : "s", COLUMNS);
        return LOG_LINE_BAD;
    }
    return parse_row(fields, out, err);
}

static enum log_line refuse_user(enum reject_reason reason, const char *why, struct err *err)
{
    err_set(err, ERR_INPUT, "%s: %s", reject_reason_name(reason), why);
    return LOG_LINE_BAD;
}

/* The user id from the JSON, from the key before it, or from both if they agree. */
static enum log_line choose_user(struct slice key, struct scrobble *out, struct err *err)
{
    struct slice user = out->user_id;
    if (user.size > 0) {
        bool same = key.size == user.size && memcmp(key.data, user.data, user.size) == 0;
        return key.size == 0 || same
                   ? LOG_LINE_SCROBBLE
                   : refuse_user(REJECT_KEY_MISMATCH, "the key before the tab is not its user_id",
                                 err);
    }
    if (key.size == 0)
        return refuse_user(REJECT_MISSING_FIELD, "neither a user_id nor a key before a tab", err);
    if (key.size > USER_ID_MAX)
        return refuse_user(REJECT_BAD_FIELD, "the key before the tab is longer than a user id",
                           err);
    if (utf8_valid_prefix(key.data, key.size) < key.size || memchr(key.data, '\0', key.size))
        return refuse_user(REJECT_NOT_UTF8, "the key before the tab is not UTF-8 text", err);
    out->user_id = key;
    return LOG_LINE_SCROBBLE;
}

static enum log_line parse_json(struct slice key, struct slice json,
                                struct scrobble_scratch *scratch, struct scrobble *out,
                                struct err *err)
{
    enum reject_reason reason = scrobble_from_json(json.data, json.size, scratch, out, err);
    if (reason != REJECT_NONE) {
        err_prefix(err, "%s", reject_reason_name(reason));
        return LOG_LINE_BAD;
    }
    return choose_user(key, out, err);
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

static struct slice skip_blanks(struct slice line)
{
    while (line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t')) {
        line.data++;
        line.size--;
    }
    return line;
}

bool log_line_is_table(struct slice line)
{
    struct slice key, json, text = skip_blanks(line);
    return !find_json(text.size > 0 && text.data[0] == '{' ? text : line, &key, &json);
}

enum log_line log_line_parse(struct slice line, bool first, struct scrobble_scratch *scratch,
                             struct scrobble *out, struct err *err)
{
    struct slice key, json, text = skip_blanks(line);
    if (text.size == 0)
        return LOG_LINE_SKIP;
    if (text.data[0] == '{')
        line = text;
    if (find_json(line, &key, &json))
        return parse_json(key, json, scratch, out, err);
    return parse_table(line, first, out, err);
}
