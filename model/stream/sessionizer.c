#include "stream/sessionizer.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/hash.h"

/* 48 bits of (time, track): two different scrobbles among 32 share them once in 10^13. */
static uint64_t fingerprint(const struct play *play)
{
    uint64_t h =
        hash_mix((uint64_t)play->time.ms ^ hash_mix(play->track)) & UINT64_C(0xffffffffffff);
    return h ? h : 1;
}

static bool is_duplicate(const struct user_state *user, const struct play *play)
{
    uint64_t print = fingerprint(play);
    uint32_t low = (uint32_t)print;
    for (int i = 0; i < RECENT; i++)
        if (user->recent_low[i] == low && user->recent_high[i] == (uint16_t)(print >> 32))
            return true;
    return false;
}

static void remember(struct user_state *user, const struct play *play)
{
    uint64_t print = fingerprint(play);
    user->recent_low[user->recent_next] = (uint32_t)print;
    user->recent_high[user->recent_next] = (uint16_t)(print >> 32);
    user->recent_next = (uint8_t)((user->recent_next + 1) % RECENT);
}

static bool within_gap(const struct session_sums *session, int64_t ms, int64_t gap_ms)
{
    return ms >= session->start_ms - gap_ms && ms <= session_end_ms(session) + gap_ms;
}

/* A start that was moved back may have come within the gap of the session before. What is not
 * behind that one's last scrobble is no part of this one, or the two would overlap. */
static bool behind(const struct session_sums *before, int64_t ms)
{
    return before->number == 0 || ms > before->last_ms;
}

/* The same for `previous`, whose session before is folded: its gap says where that one ended. */
static bool behind_folded(const struct session_sums *previous, int64_t ms)
{
    return previous->number == 1 || ms > previous->start_ms - previous->gap_ms;
}

bool session_rule_opens(int64_t diff_ms, int64_t duration_ms, int64_t gap_ms)
{
    return diff_ms - duration_ms > gap_ms; /* covers d unknown; diff <= d never passes it */
}

static bool past_gap(const struct session_sums *session, int64_t ms, int64_t gap_ms)
{
    return session_rule_opens(ms - session->last_ms, session->last_duration_ms, gap_ms);
}

static enum placement place_in_open(const struct stream_params *params,
                                    const struct user_state *user, int64_t ms, bool in_time)
{
    const struct session_sums *current = &user->current, *previous = &user->previous;
    if (ms >= current->last_ms)
        return past_gap(current, ms, params->gap_ms) ? PLACE_OPENS : PLACE_CONTINUES;
    if (ms >= current->start_ms)
        return PLACE_INSIDE;
    if (current->start_ms - ms <= params->gap_ms && behind(previous, ms))
        return PLACE_BEFORE;
    if (previous->number > 0 && within_gap(previous, ms, params->gap_ms) && in_time &&
        behind_folded(previous, ms))
        return PLACE_PREVIOUS;
    return PLACE_LATE;
}

enum placement sessionizer_place(const struct stream_params *params, const struct user_state *user,
                                 const struct play *play, struct event_time stream_time)
{
    const struct session_sums *current = &user->current;
    int64_t ms = play->time.ms;
    if (current->number == 0)
        return PLACE_OPENS;
    /* Only a scrobble not newer than the newest can have been there before. */
    if (!params->keep_duplicates && ms <= current->last_ms && is_duplicate(user, play))
        return PLACE_DUPLICATE;
    bool in_time = event_time_diff_ms(stream_time, play->time) <= params->allowed_lateness_ms;
    if (current->open)
        return place_in_open(params, user, ms, in_time);
    if (past_gap(current, ms, params->gap_ms))
        return PLACE_OPENS;
    if (within_gap(current, ms, params->gap_ms) && in_time && behind(&user->previous, ms))
        return PLACE_REOPENS;
    return PLACE_LATE;
}

void sessionizer_open(const struct user_layout *layout, struct user_state *user,
                      const struct play *play)
{
    assert(!user->current.open);
    history_fold_previous(layout, user);
    user->previous = user->current;
    uint32_t number = user->previous.number + 1;
    int64_t gap_ms = number > 1 ? play->time.ms - user->previous.last_ms : FIRST_GAP_MS;
    user->current = (struct session_sums){
        .number = number,
        .open = 1,
        .start_ms = play->time.ms,
        .last_ms = play->time.ms,
        .gap_ms = gap_ms,
    };
}

static void saturating_increment(uint16_t *counter)
{
    if (*counter < UINT16_MAX)
        (*counter)++;
}

static uint32_t saturating_ms(int64_t ms)
{
    return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

static void move_times(struct session_sums *session, const struct play *play)
{
    int64_t ms = play->time.ms;
    if (ms < session->start_ms) {
        if (session->number > 1) /* the first one's is a definition */
            session->gap_ms -= session->start_ms - ms;
        session->start_ms = ms;
    } else if (ms >= session->last_ms) {
        if (session->scrobbles > 0) {
            session->last_interval_ms = saturating_ms(ms - session->last_ms);
            if (session->last_interval_ms > session->max_interval_ms)
                session->max_interval_ms = session->last_interval_ms;
            session->ln_interval_sum += log(session->last_interval_ms / 1000.0 + 10);
            session->intervals++;
            if (session->last_artist == play->artist)
                saturating_increment(&session->same_artist);
        }
        session->last_ms = ms;
        session->last_duration_ms = saturating_ms(play->duration_ms);
        session->last_track = play->track;
        session->last_artist = play->artist;
    }
}

struct play_memory sessionizer_count(const struct user_layout *layout, struct user_state *user,
                                     struct session_sums *session, const struct play *play,
                                     struct event_time stream_time)
{
    struct play_memory memory = {
        sketch_play(user_tracks(layout, user), play->track, session->number),
        sketch_play(user_artists(layout, user), play->artist, session->number),
    };
    if (!memory.artist.in_session)
        saturating_increment(&session->distinct_artists);
    if (memory.artist.plays == 0)
        saturating_increment(&session->new_artists);
    move_times(session, play);
    session->scrobbles++;
    session->arrival_ms = stream_time.ms;
    remember(user, play);
    return memory;
}

struct event_time sessionizer_due(const struct stream_params *params,
                                  const struct session_sums *session)
{
    int64_t end_ms = session_end_ms(session);
    int64_t from_ms = end_ms > session->arrival_ms ? end_ms : session->arrival_ms;
    return (struct event_time){from_ms + params->gap_ms};
}

bool sessionizer_forgets(const struct stream_params *params, const struct user_state *user,
                         struct event_time stream_time)
{
    const struct session_sums *current = &user->current, *previous = &user->previous;
    if (params->ttl_ms == 0 || current->number == 0 || current->open)
        return false;
    int64_t heard_ms = current->arrival_ms; /* a late scrobble may have come for the one before */
    if (previous->number > 0 && previous->arrival_ms > heard_ms)
        heard_ms = previous->arrival_ms;
    return stream_time.ms - heard_ms > params->ttl_ms;
}

void sessionizer_record(const struct user_state *user, const struct session_sums *session,
                        struct session *out)
{
    memcpy(out->user_id, user->user_id, user->user_id_size);
    out->user_id[user->user_id_size] = '\0';
    out->number = session->number;
    out->revision = session->revision;
    out->start = (struct event_time){session->start_ms};
    out->end = (struct event_time){session_end_ms(session)};
    out->length_ms = session_length_ms(session);
    out->scrobbles = session->scrobbles;
}
