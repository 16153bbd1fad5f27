#include "data/tsv_write.h"

#include <stdint.h>
#include <stdio.h>

#include "data/json_text.h"

#define DAY_S 86400

struct date {
    int year, month, day;
};

/* Source: H. Hinnant, chrono-Compatible Low-Level Date Algorithms: years begin in March, eras of
 * 400 years repeat. */
static struct date date_of(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int day_of_era = (int)(shifted - era * 146097);
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (5 * day_of_year + 2) / 153;
    struct date date = {.year = year_of_era + (int)era * 400 + (month >= 10),
                        .month = month < 10 ? month + 3 : month - 9,
                        .day = day_of_year - (153 * month + 2) / 5 + 1};
    return date;
}

static char *put_two(char *p, int number)
{
    *p++ = (char)('0' + number / 10);
    *p++ = (char)('0' + number % 10);
    return p;
}

/* 2009-05-04T23:08:57Z */
static char *put_time(char *p, struct event_time time)
{
    struct date date = date_of(time.ms / 1000 / DAY_S);
    int second = (int)(time.ms / 1000 % DAY_S);
    p = put_two(put_two(p, date.year / 100), date.year % 100);
    *p++ = '-';
    p = put_two(p, date.month);
    *p++ = '-';
    p = put_two(p, date.day);
    *p++ = 'T';
    p = put_two(p, second / 3600);
    *p++ = ':';
    p = put_two(p, second / 60 % 60);
    *p++ = ':';
    p = put_two(p, second % 60);
    *p++ = 'Z';
    return p;
}

static char *put_field(char *p, struct slice text, char behind)
{
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        p[i] = byte == '\t' || byte == '\n' || byte == '\r' ? ' ' : byte;
    }
    p[text.size] = behind;
    return p + text.size + 1;
}

size_t scrobble_to_tsv(const struct scrobble *scrobble, char *out, size_t capacity)
{
    size_t need = scrobble->user_id.size + scrobble->artist_mbid.size + scrobble->artist.size +
                  scrobble->track_mbid.size + scrobble->track.size + sizeof "2009-05-04T23:08:57Z" +
                  6;
    if (need > capacity)
        return (size_t)-1;
    char *p = put_field(out, scrobble->user_id, '\t');
    p = put_time(p, scrobble->time);
    *p++ = '\t';
    p = put_field(p, scrobble->artist_mbid, '\t');
    p = put_field(p, scrobble->artist, '\t');
    p = put_field(p, scrobble->track_mbid, '\t');
    p = put_field(p, scrobble->track, '\n');
    return (size_t)(p - out);
}

size_t duration_to_tsv(const struct scrobble *scrobble, char *out, size_t capacity)
{
    if (scrobble->artist.size + scrobble->track.size + JSON_NUMBER_MAX + 3 > capacity)
        return (size_t)-1;
    char *p = put_field(out, scrobble->artist, '\t');
    p = put_field(p, scrobble->track, '\t');
    p = json_put_integer(p, scrobble->duration_ms);
    *p++ = '\n';
    return (size_t)(p - out);
}

size_t profile_to_tsv(const struct profile *profile, char *out, size_t capacity)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const char *gender = profile->gender == 1 ? "m" : profile->gender == 0 ? "f" : "";
    struct date date = date_of(profile->registered_s / DAY_S);
    char age[12] = "", registered[24] = "";
    if (profile->age > 0)
        snprintf(age, sizeof age, "%d", profile->age);
    if (profile->registered_s)
        snprintf(registered, sizeof registered, "%s %d, %d", months[date.month - 1], date.day,
                 date.year);
    int size = snprintf(out, capacity, "%s\t%s\t%s\t%s\t%s\n", profile->user_id, gender, age,
                        profile->country, registered);
    return size < 0 || (size_t)size >= capacity ? (size_t)-1 : (size_t)size;
}
