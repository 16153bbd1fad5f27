#include "data/scrobble_spotify.h"

#include <string.h>

#include "data/json_direct.h"
#include "data/scrobble_json_parts.h"
#include "data/timestamp.h"

struct names {
    const char *end, *played, *track, *artist, *user;
};

static const struct names EXTENDED = {"ts", "ms_played", "master_metadata_track_name",
                                      "master_metadata_album_artist_name", "username"};
static const struct names ACCOUNT = {"endTime", "msPlayed", "trackName", "artistName", "username"};

static const char MINUTES[] = "2023-01-05 13:37";

static enum timestamp_result parse_end(struct slice text, const struct names *names,
                                       struct event_time *end)
{
    char full[] = "2023-01-05T13:37:00Z";
    if (names == &ACCOUNT && text.size == sizeof MINUTES - 1 && text.data[10] == ' ') {
        memcpy(full, text.data, 10);
        memcpy(full + 11, text.data + 11, 5);
        text = (struct slice){full, sizeof full - 1};
    }
    return timestamp_parse(text.data, text.size, end);
}

static enum reject_reason need_end(json_t *root, const struct names *names, struct event_time *end,
                                   struct err *detail)
{
    struct slice text;
    enum reject_reason reason = scrobble_need_text(root, names->end, &text, detail);
    if (reason)
        return reason;
    switch (parse_end(text, names, end)) {
    case TIMESTAMP_OK:
        return REJECT_NONE;
    case TIMESTAMP_OUT_OF_RANGE:
        return scrobble_refuse(REJECT_TIME_OUT_OF_RANGE, detail, "%s is not between 1970 and 2099",
                               names->end);
    case TIMESTAMP_NO_SUCH_TIME:
        return scrobble_refuse(REJECT_BAD_FIELD, detail, "%s does not exist in the calendar",
                               names->end);
    default:
        return scrobble_refuse(REJECT_BAD_FIELD, detail, "%s is not a time of the form %s",
                               names->end, names == &ACCOUNT ? MINUTES : "2023-01-05T13:37:11Z");
    }
}

static enum reject_reason need_played(json_t *root, const struct names *names, int64_t *played_ms,
                                      struct err *detail)
{
    json_t *value = scrobble_field(root, names->played);
    if (!value)
        return scrobble_refuse(REJECT_MISSING_FIELD, detail, "%s is missing: milliseconds played",
                               names->played);
    if (!scrobble_whole_number(value, played_ms) || *played_ms < 0 || *played_ms > DURATION_MAX_MS)
        return scrobble_refuse(REJECT_BAD_FIELD, detail,
                               "%s must be an integer: milliseconds, of a day at most",
                               names->played);
    return REJECT_NONE;
}

static enum reject_reason read_play(json_t *root, const struct names *names, struct scrobble *out,
                                    bool *no_listen, struct err *detail)
{
    struct event_time end;
    int64_t played_ms = 0;
    struct scrobble play = {0};
    enum reject_reason reason;
    if ((reason = need_end(root, names, &end, detail)) ||
        (reason = need_played(root, names, &played_ms, detail)))
        return reason;
    *no_listen = played_ms == 0 ||
                 (!scrobble_field(root, names->track) && !scrobble_field(root, names->artist));
    if (*no_listen)
        return REJECT_NONE;
    if ((reason = scrobble_take_user(root, names->user, &play.user_id, detail)) ||
        (reason = scrobble_need_text(root, names->artist, &play.artist, detail)) ||
        (reason = scrobble_need_text(root, names->track, &play.track, detail)))
        return reason;
    play.time.ms = end.ms - played_ms;
    if (!event_time_valid(play.time))
        return scrobble_refuse(REJECT_TIME_OUT_OF_RANGE, detail, "it began before 1970");
    play.duration_ms = played_ms;
    *out = play;
    return REJECT_NONE;
}

enum reject_reason scrobble_from_spotify_general(const char *json, size_t size,
                                                 struct scrobble_scratch *scratch,
                                                 struct scrobble *out, bool *no_listen,
                                                 struct err *detail)
{
    *no_listen = false;
    enum reject_reason reason = scrobble_load_object(json, size, scratch, detail);
    if (reason)
        return reason;
    bool extended = scrobble_field(scratch->root, EXTENDED.played) != NULL;
    return read_play(scratch->root, extended ? &EXTENDED : &ACCOUNT, out, no_listen, detail);
}

/* Of the direct reader: the four of one form, then those of the other. */
enum { END, PLAYED, TRACK, ARTIST, OF_ACCOUNT, USER = 2 * OF_ACCOUNT, SLOTS };

static const struct json_want WANTS[] = {
    JSON_WANT("ts", END, false, NULL),
    JSON_WANT("ms_played", PLAYED, false, NULL),
    JSON_WANT("master_metadata_track_name", TRACK, false, NULL),
    JSON_WANT("master_metadata_album_artist_name", ARTIST, false, NULL),
    JSON_WANT("endTime", OF_ACCOUNT + END, false, NULL),
    JSON_WANT("msPlayed", OF_ACCOUNT + PLAYED, false, NULL),
    JSON_WANT("trackName", OF_ACCOUNT + TRACK, false, NULL),
    JSON_WANT("artistName", OF_ACCOUNT + ARTIST, false, NULL),
    JSON_WANT("username", USER, false, NULL),
};
static const struct json_shape SHAPE = {WANTS, sizeof WANTS / sizeof *WANTS};

static bool is_text(const struct json_slot *slot, size_t max)
{
    return slot->kind == JSON_KIND_TEXT && slot->text.size >= 1 && slot->text.size <= max;
}

/* As the general reader, without allocation. @return false when the record is unusual, or when
 * there is something to refuse: the general reader has the last word */
static bool read_direct(const char *json, size_t size, struct scrobble *out, bool *no_listen)
{
    struct json_slot slots[SLOTS];
    memset(slots, 0, sizeof slots);
    if (!json_direct_read(json, size, &SHAPE, slots))
        return false;
    bool extended = slots[PLAYED].kind != JSON_KIND_ABSENT;
    const struct json_slot *play = extended ? slots : slots + OF_ACCOUNT, *user = &slots[USER];
    int64_t played_ms = play[PLAYED].integer;
    struct event_time end;
    if (!is_text(&play[END], SCROBBLE_TEXT_MAX) ||
        parse_end(play[END].text, extended ? &EXTENDED : &ACCOUNT, &end) != TIMESTAMP_OK ||
        play[PLAYED].kind != JSON_KIND_INTEGER || played_ms < 0 || played_ms > DURATION_MAX_MS)
        return false;
    *no_listen = played_ms == 0 ||
                 (play[TRACK].kind == JSON_KIND_ABSENT && play[ARTIST].kind == JSON_KIND_ABSENT);
    if (*no_listen)
        return true;
    const struct event_time start = {end.ms - played_ms};
    if (!is_text(&play[TRACK], SCROBBLE_TEXT_MAX) || !is_text(&play[ARTIST], SCROBBLE_TEXT_MAX) ||
        (user->kind != JSON_KIND_ABSENT && !is_text(user, USER_ID_MAX)) || !event_time_valid(start))
        return false;
    *out = (struct scrobble){.user_id = user->text,
                             .time = start,
                             .artist = play[ARTIST].text,
                             .track = play[TRACK].text,
                             .duration_ms = played_ms};
    return true;
}

enum reject_reason scrobble_from_spotify(const char *json, size_t size,
                                         struct scrobble_scratch *scratch, struct scrobble *out,
                                         bool *no_listen, struct err *detail)
{
    if (size <= SCROBBLE_JSON_MAX && read_direct(json, size, out, no_listen))
        return REJECT_NONE;
    return scrobble_from_spotify_general(json, size, scratch, out, no_listen, detail);
}
