/* Listens of ListenBrainz and recent tracks of Last.fm as they nearly always come, by
 * json_direct.h. What is missing, wrong or unusual is left to scrobble_json_general.c, which alone
 * refuses. */
#include <string.h>

#include "data/json_direct.h"
#include "data/scrobble_json_parts.h"

enum slot {
    USER_NAME,
    LISTENED_AT,
    TRACK_METADATA,
    ARTIST_NAME,
    TRACK_NAME,
    INFO,
    ARTIST_MBIDS,
    RECORDING_MBID,
    DURATION_MS,
    DURATION,
    USER,
    DATE,
    UTS,
    ARTIST,
    ARTIST_TEXT,
    ARTIST_NAME_EXTENDED,
    ARTIST_MBID,
    NAME,
    MBID,
    SLOTS
};

#define SHAPE(wants)                                                                               \
    {                                                                                              \
        wants, sizeof(wants) / sizeof *(wants)                                                     \
    }

static const struct json_want INFO_WANTS[] = {
    JSON_WANT("artist_mbids", ARTIST_MBIDS, true, NULL),
    JSON_WANT("recording_mbid", RECORDING_MBID, false, NULL),
    JSON_WANT("duration_ms", DURATION_MS, false, NULL),
    JSON_WANT("duration", DURATION, false, NULL),
};
static const struct json_shape INFO_SHAPE = SHAPE(INFO_WANTS);
static const struct json_want METADATA_WANTS[] = {
    JSON_WANT("artist_name", ARTIST_NAME, false, NULL),
    JSON_WANT("track_name", TRACK_NAME, false, NULL),
    JSON_WANT("additional_info", INFO, false, &INFO_SHAPE),
};
static const struct json_shape METADATA_SHAPE = SHAPE(METADATA_WANTS);
static const struct json_want DATE_WANTS[] = {JSON_WANT("uts", UTS, false, NULL)};
static const struct json_shape DATE_SHAPE = SHAPE(DATE_WANTS);
static const struct json_want ARTIST_WANTS[] = {
    JSON_WANT("#text", ARTIST_TEXT, false, NULL),
    JSON_WANT("name", ARTIST_NAME_EXTENDED, false, NULL),
    JSON_WANT("mbid", ARTIST_MBID, false, NULL),
};
static const struct json_shape ARTIST_SHAPE = SHAPE(ARTIST_WANTS);
static const struct json_want ROOT_WANTS[] = {
    JSON_WANT("user_name", USER_NAME, false, NULL),
    JSON_WANT("listened_at", LISTENED_AT, false, NULL),
    JSON_WANT("track_metadata", TRACK_METADATA, false, &METADATA_SHAPE),
    JSON_WANT("user", USER, false, NULL),
    JSON_WANT("date", DATE, false, &DATE_SHAPE),
    JSON_WANT("artist", ARTIST, false, &ARTIST_SHAPE),
    JSON_WANT("name", NAME, false, NULL),
    JSON_WANT("mbid", MBID, false, NULL),
};
static const struct json_shape ROOT_SHAPE = SHAPE(ROOT_WANTS);

/* A text that may be absent. */
static bool take_text(const struct json_slot *slot, size_t min, size_t max, struct slice *out)
{
    if (slot->kind == JSON_KIND_ABSENT)
        return true;
    *out = slot->text;
    return slot->kind == JSON_KIND_TEXT && out->size >= min && out->size <= max;
}

static bool need_text(const struct json_slot *slot, struct slice *out)
{
    return slot->kind == JSON_KIND_TEXT && take_text(slot, 1, SCROBBLE_TEXT_MAX, out);
}

static bool set_seconds(int64_t seconds, struct scrobble *out)
{
    out->time.ms = seconds >= 0 && seconds < EVENT_TIME_END_MS / 1000 ? seconds * 1000 : -1;
    return out->time.ms >= 0;
}

/* What clients wrote there, if it is of a kind that can be used. */
static bool take_info(const struct json_slot *slots, struct scrobble *out)
{
    const struct json_slot *ms = &slots[DURATION_MS], *s = &slots[DURATION];
    if (slots[ARTIST_MBIDS].kind == JSON_KIND_TEXT &&
        slots[ARTIST_MBIDS].text.size <= SCROBBLE_TEXT_MAX)
        out->artist_mbid = slots[ARTIST_MBIDS].text;
    if (slots[RECORDING_MBID].kind == JSON_KIND_TEXT &&
        slots[RECORDING_MBID].text.size <= SCROBBLE_TEXT_MAX)
        out->track_mbid = slots[RECORDING_MBID].text;
    if (ms->kind == JSON_KIND_INTEGER && ms->integer > 0) {
        out->duration_ms = scrobble_plausible_duration_ms(ms->integer);
        return true;
    }
    if (ms->kind == JSON_KIND_OTHER || s->kind == JSON_KIND_OTHER)
        return false; /* fractions */
    if (s->kind == JSON_KIND_INTEGER && s->integer > 0 && s->integer <= DURATION_MAX_MS / 1000)
        out->duration_ms = s->integer * 1000;
    return true;
}

static bool take_listen(const struct json_slot *slots, struct scrobble *out)
{
    return take_text(&slots[USER_NAME], 1, USER_ID_MAX, &out->user_id) &&
           slots[LISTENED_AT].kind == JSON_KIND_INTEGER &&
           set_seconds(slots[LISTENED_AT].integer, out) &&
           need_text(&slots[ARTIST_NAME], &out->artist) &&
           need_text(&slots[TRACK_NAME], &out->track) && take_info(slots, out);
}

static bool take_uts(const struct json_slot *slot, struct scrobble *out)
{
    int64_t seconds = slot->integer;
    if (slot->kind == JSON_KIND_TEXT) {
        if (slot->text.size < 1 || slot->text.size > 18)
            return false;
        for (size_t i = 0; i < slot->text.size; i++) {
            if ((unsigned char)(slot->text.data[i] - '0') > 9)
                return false;
            seconds = seconds * 10 + (slot->text.data[i] - '0');
        }
    } else if (slot->kind != JSON_KIND_INTEGER) {
        return false;
    }
    return set_seconds(seconds, out);
}

static bool take_recent_track(const struct json_slot *slots, struct scrobble *out)
{
    const struct json_slot *artist = &slots[ARTIST_TEXT];
    if (artist->kind == JSON_KIND_ABSENT)
        artist = &slots[ARTIST_NAME_EXTENDED];
    return take_text(&slots[USER], 1, USER_ID_MAX, &out->user_id) &&
           slots[DATE].kind == JSON_KIND_OBJECT && take_uts(&slots[UTS], out) &&
           need_text(artist, &out->artist) && need_text(&slots[NAME], &out->track) &&
           take_text(&slots[ARTIST_MBID], 0, SCROBBLE_TEXT_MAX, &out->artist_mbid) &&
           take_text(&slots[MBID], 0, SCROBBLE_TEXT_MAX, &out->track_mbid);
}

bool scrobble_read_nested(const char *json, size_t size, struct scrobble *out)
{
    struct json_slot slots[SLOTS];
    struct scrobble scrobble = {0};
    memset(slots, 0, sizeof slots);
    if (!json_direct_read(json, size, &ROOT_SHAPE, slots))
        return false;
    bool is_good = false;
    if (slots[TRACK_METADATA].kind == JSON_KIND_OBJECT)
        is_good = take_listen(slots, &scrobble);
    else if (slots[TRACK_METADATA].kind == JSON_KIND_ABSENT &&
             slots[ARTIST].kind == JSON_KIND_OBJECT)
        is_good = take_recent_track(slots, &scrobble);
    if (is_good)
        *out = scrobble;
    return is_good;
}
