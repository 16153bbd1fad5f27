#include "data/table_row.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "data/line_reader.h"
#include "data/scrobble_json.h"
#include "data/timestamp.h"
#include "data/utf8.h"

enum { COLUMNS = 6, MAX_COLUMNS = 64, TRACK_MBID = 4, TRACK = 5, MBID_BYTES = 36 };

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

static bool looks_like_mbid(struct slice text)
{
    static const char SHAPE[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (text.size != MBID_BYTES)
        return false;
    for (size_t i = 0; i < MBID_BYTES; i++)
        if (SHAPE[i] == '-' ? text.data[i] != '-' : !isxdigit((unsigned char)text.data[i]))
            return false;
    return true;
}

/* The only field of [from, to) that is what is looked for; 0 when none is, or several are. */
static size_t only_one(const struct slice *fields, size_t from, size_t to, bool mbid)
{
    size_t found = 0, count = 0;
    for (size_t i = from; i < to; i++)
        if (mbid ? looks_like_mbid(fields[i]) : fields[i].size == 0) {
            found = i;
            count++;
        }
    return count == 1 ? found : 0;
}

static struct slice from_to(struct slice first, struct slice last)
{
    return (struct slice){first.data, (size_t)(last.data + last.size - first.data)};
}

/* Six fields of more than six: empty ones at the end go, and names get their tabs back where it is
 * clear which field is the track's MBID. @return how many there are now */
static size_t join_names(struct slice *fields, size_t count)
{
    while (count > COLUMNS && fields[count - 1].size == 0)
        count--;
    if (count == COLUMNS)
        return count;
    size_t mbid = only_one(fields, TRACK_MBID, count - 1, true);
    if (!mbid)
        mbid = only_one(fields, TRACK_MBID, count - 1, false);
    if (!mbid)
        return count;
    struct slice track_mbid = fields[mbid];
    struct slice track = from_to(fields[mbid + 1], fields[count - 1]);
    fields[TRACK_MBID - 1] = from_to(fields[TRACK_MBID - 1], fields[mbid - 1]);
    fields[TRACK_MBID] = track_mbid;
    fields[TRACK] = track;
    return COLUMNS;
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

/* Everything is checked before a byte of it is shown in a message. */
enum log_line table_row_parse(struct slice line, bool first, struct scrobble *out, struct err *err)
{
    while (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (memchr(line.data, '\0', line.size)) {
        err_set(err, ERR_INPUT, "there is a NUL byte in it");
        return LOG_LINE_BAD;
    }
    if (utf8_valid_prefix(line.data, line.size) < line.size) {
        err_set(err, ERR_INPUT, "it is not valid UTF-8");
        return LOG_LINE_BAD;
    }
    struct slice fields[MAX_COLUMNS];
    size_t count = line_split(line, fields, MAX_COLUMNS);
    if (first && is_header(fields, count))
        return LOG_LINE_SKIP;
    if (count > COLUMNS && count <= MAX_COLUMNS)
        count = join_names(fields, count);
    if (count != COLUMNS) {
        err_set(err, ERR_INPUT, "it has %zu tab-separated field%s, not %d", count,
                count == 1 ? "" : "s", COLUMNS);
        return LOG_LINE_BAD;
    }
    return parse_row(fields, out, err);
}
