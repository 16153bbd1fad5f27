#include "data/synth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/synth_listener.h"

#define SESSIONS_PER_DAY_MILLI     1500
#define SESSIONS_PER_DAY_MILLI_MAX 6000
#define SCROBBLES_PER_SESSION      20 /* a careful guess, for the question whether 2099 comes first */
#define DAY_S                      86400

struct synth {
    uint64_t seed;
    uint64_t rows_left;
    struct event_time start;
    struct listener *listeners; // (users)
    uint64_t *heap;             // next scrobble of each: epoch seconds << 32 | user, least first
    size_t heap_size;
    uint64_t played[SYNTH_ARTISTS]; // bit of each track
    char user_id[USER_ID_MAX + 1];
    char artist[SYNTH_NAME_MAX], track[SYNTH_NAME_MAX];
    char artist_mbid[SYNTH_MBID_SIZE], track_mbid[SYNTH_MBID_SIZE];
};

static void heap_sink(uint64_t *heap, size_t size, size_t at)
{
    uint64_t key = heap[at];
    for (size_t child; (child = 2 * at + 1) < size; at = child) {
        if (child + 1 < size && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= key)
            break;
        heap[at] = heap[child];
    }
    heap[at] = key;
}

static uint64_t next_key(const struct synth *synth, uint32_t user)
{
    return (uint64_t)synth->listeners[user].time_s << 32 | user;
}

static int check_options(const struct synth_options *options, double per_day, struct err *err)
{
    if (options->users < 1 || options->users > SYNTH_USERS_MAX)
        return err_set(err, ERR_USAGE, "%" PRIu32 " users: choose 1 to %d", options->users,
                       SYNTH_USERS_MAX);
    if (options->sessions_per_day_milli > SESSIONS_PER_DAY_MILLI_MAX)
        return err_set(err, ERR_USAGE, "%" PRIu32 " sessions in 1000 days: choose at most %d",
                       options->sessions_per_day_milli, SESSIONS_PER_DAY_MILLI_MAX);
    if (!event_time_valid(options->start))
        return err_set(err, ERR_USAGE, "the first day must be in 1970 to 2099");
    double left_days = (double)(EVENT_TIME_END_MS - options->start.ms) / (1000.0 * DAY_S);
    double days = 30 + (double)options->rows / options->users / (per_day * SCROBBLES_PER_SESSION);
    if (days > left_days)
        return err_set(err, ERR_USAGE,
                       "%" PRIu64 " scrobbles of %" PRIu32 " users take some %.0f days and 2099 "
                       "ends in %.0f: choose more users or an earlier first day",
                       options->rows, options->users, days, left_days);
    return 0;
}

struct synth *synth_new(const struct synth_options *options, struct err *err)
{
    uint32_t milli = options->sessions_per_day_milli;
    double per_day = (milli ? milli : SESSIONS_PER_DAY_MILLI) / 1000.0;
    if (check_options(options, per_day, err) != 0)
        return NULL;
    struct synth *synth = calloc(1, sizeof *synth);
    if (synth) {
        synth->listeners = calloc(options->users, sizeof *synth->listeners);
        synth->heap = calloc(options->users, sizeof *synth->heap);
    }
    if (!synth || !synth->listeners || !synth->heap) {
        synth_free(synth);
        err_set(err, ERR_MEMORY, "out of memory for %" PRIu32 " users", options->users);
        return NULL;
    }
    synth->seed = hash_mix(options->seed + 1);
    synth->rows_left = options->rows;
    synth->start = options->start;
    synth->heap_size = options->users;
    for (uint32_t user = 0; user < options->users; user++) {
        listener_init(&synth->listeners[user], synth->seed, synth_hash(synth->seed, 0, user),
                      (uint32_t)(options->start.ms / 1000), per_day);
        synth->heap[user] = next_key(synth, user);
    }
    for (size_t at = synth->heap_size / 2; at-- > 0;)
        heap_sink(synth->heap, synth->heap_size, at);
    return synth;
}

static void describe_track(struct synth *synth, struct synth_track track, struct scrobble *out)
{
    uint64_t seed = synth->seed;
    out->artist =
        (struct slice){synth->artist, synth_artist_name(seed, track.artist, synth->artist)};
    out->track = (struct slice){synth->track, synth_track_name(seed, track, synth->track)};
    out->duration_ms = synth_track_ms_known(seed, track) ? synth_track_ms(seed, track) : 0;
}

/* user_000001 and on */
static size_t put_user_id(uint32_t user, char *out)
{
    char *p = out + 5;
    memcpy(out, "user_", 5);
    uint32_t number = user + 1;
    int digits = 6;
    for (uint32_t rest = number / 1000000; rest; rest /= 10)
        digits++;
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        p[i] = (char)('0' + number % 10);
    p[digits] = '\0';
    return 5 + (size_t)digits;
}

int synth_next_play(struct synth *synth, struct synth_play *out)
{
    if (!synth->rows_left || !synth->heap_size)
        return 0;
    synth->rows_left--;
    uint32_t user = (uint32_t)synth->heap[0];
    struct listener *listener = &synth->listeners[user];
    *out = (struct synth_play){.user = user, .time_s = listener_play(listener, synth->seed)};
    out->track = listener->track;
    synth->played[out->track.artist] |= UINT64_C(1) << out->track.number;
    if (listener->time_s < EVENT_TIME_END_MS / 1000)
        synth->heap[0] = next_key(synth, user);
    else
        synth->heap[0] = synth->heap[--synth->heap_size];
    heap_sink(synth->heap, synth->heap_size, 0);
    return 1;
}

void synth_open_play(struct synth *synth, const struct synth_play *play, struct scrobble *out)
{
    struct synth_track track = play->track;
    *out = (struct scrobble){.time.ms = INT64_C(1000) * play->time_s};
    describe_track(synth, track, out);
    out->user_id = (struct slice){synth->user_id, put_user_id(play->user, synth->user_id)};
    out->artist_mbid = (struct slice){
        synth->artist_mbid, synth_artist_mbid(synth->seed, track.artist, synth->artist_mbid)};
    out->track_mbid =
        (struct slice){synth->track_mbid, synth_track_mbid(synth->seed, track, synth->track_mbid)};
}

int synth_next(struct synth *synth, struct scrobble *out)
{
    struct synth_play play;
    if (!synth_next_play(synth, &play))
        return 0;
    synth_open_play(synth, &play, out);
    return 1;
}

int synth_next_duration(struct synth *synth, uint64_t *cursor, struct scrobble *out)
{
    for (; *cursor < (uint64_t)SYNTH_ARTISTS * SYNTH_TRACKS_MAX; ++*cursor) {
        struct synth_track track = {(uint32_t)(*cursor / SYNTH_TRACKS_MAX),
                                    (uint32_t)(*cursor % SYNTH_TRACKS_MAX)};
        if (!(synth->played[track.artist] >> track.number & 1) ||
            !synth_track_ms_known(synth->seed, track))
            continue;
        *out = (struct scrobble){0};
        describe_track(synth, track, out);
        ++*cursor;
        return 1;
    }
    return 0;
}

void synth_profile(const struct synth *synth, uint32_t user, struct profile *out)
{
    static const char *const countries[] = {"Germany", "Japan",  "Brazil", "Poland",
                                            "Canada",  "Mexico", "Norway", "New Zealand"};
    uint64_t hash = synth_hash(synth->seed, 1, user);
    *out = (struct profile){.gender = -1};
    put_user_id(user, out->user_id);
    if (hash % 10 < 8)
        out->gender = hash % 3 ? 1 : 0;
    if ((hash >> 8) % 10 < 3)
        out->age = 16 + (int)((hash >> 16) % 30);
    if ((hash >> 24) % 10 < 9)
        strcpy(out->country, countries[(hash >> 32) % 8]);
    int64_t day = synth->start.ms / 1000 / DAY_S - (int64_t)((hash >> 40) % 1000);
    if ((hash >> 56) % 20 && day > 0)
        out->registered_s = day * DAY_S;
}

void synth_free(struct synth *synth)
{
    if (!synth)
        return;
    free(synth->listeners);
    free(synth->heap);
    free(synth);
}
