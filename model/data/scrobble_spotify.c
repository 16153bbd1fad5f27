#include "data/scrobble_spotify.h"

#include <string.h>

#include "data/scrobble_json_parts.h"
#include "data/timestamp.h"

struct names {
    const char *end, *played, *track, *artist, *user;
};

static const struct names EXTENDED = {"ts", "ms_played", "master_metadata_track_name",
                                      "master_metadata_album_artist_name", "username"};
static const struct names ACCOUNT = {"endTime", "msPlayed", "trackName", "artistName", "username"};

static enum reject_reason need_end(json_t *root, const struct names *names, struct event_time *end,
                                   struct err *detail)
{
    static const char MINUTES[] = "2023-01-05 13:37";
    struct slice text;
    enum reject_reason reason = scrobble_need_text(root, names->end, &text, detail);
    if (reason)
        return reason;
    char full[] = "2023-01-05T13:37:00Z";
    if (names == &ACCOUNT && text.size == sizeof MINUTES - 1 && text.data[10] == ' ') {
        memcpy(full, text.data, 10);
        memcpy(full + 11, text.data + 11, 5);
        text = (struct slice){full, sizeof full - 1};
    }
    switch (timestamp_parse(text.data, text.size, end)) {
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

enum reject_reason scrobble_from_spotify(const char *json, size_t size,
                                         struct scrobble_scratch *scratch, struct scrobble *out,
                                         bool *no_listen, struct err *detail)
{
    *no_listen = false;
    enum reject_reason reason = scrobble_load_object(json, size, scratch, detail);
    if (reason)
        return reason;
    bool extended = scrobble_field(scratch->root, EXTENDED.played) != NULL;
    return read_play(scratch->root, extended ? &EXTENDED : &ACCOUNT, out, no_listen, detail);
}
