#include "stream/history.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define DAY_MS      86400000
#define WEEK_S      604800
#define THURSDAY_S  345600 /* 1970-01-01 was a Thursday: four days after a Sunday 00:00 */
#define LN_SCALE    5000.0
#define LONG_GAP_MS (4 * 3600000)
#define DAY_DECAY   0.98623270449335921 /* .5^(1/50) */
#define KIND_DECAY  0.99309249543703593 /* .5^(1/100) */

double hour_of_day(int64_t ms)
{
    return (double)(ms % DAY_MS) / 3600000.0;
}

bool is_weekend(int64_t ms)
{
    int64_t weekday = (ms / DAY_MS + 4) % 7; /* 0 Sunday */
    return weekday == 0 || weekday == 6;
}

static uint16_t saturate16(double x)
{
    return x >= UINT16_MAX ? UINT16_MAX : x <= 0 ? 0 : (uint16_t)(x + .5);
}

/* The duration of a session's last track in one byte, by its root: 3.6 hours at most, a track of
 * four minutes to 7 s, a gap (over 1,800 s) to .4 %. Unknown durations stay 0, and what follows
 * from them exact. */
static uint8_t tail_code(uint32_t duration_ms)
{
    double code = sqrt(duration_ms / 1000.0 * 5);
    return code >= UINT8_MAX ? UINT8_MAX : (uint8_t)(code + .5);
}

static double tail_s(uint8_t code)
{
    return code * code / 5.0;
}

/* Last start of a session in the ring, epoch seconds; what the tail rounds never takes it before
 * the first. */
static double last_start_s(uint32_t start_s, uint32_t length_ms, uint8_t tail)
{
    return start_s + fmax(length_ms / 1000.0 - tail_s(tail), 0);
}

struct past_session history_previous(const struct user_layout *layout,
                                     const struct user_state *user)
{
    struct user_state *u = (struct user_state *)(uintptr_t)user; /* the accessors serve both */
    const struct session_sums *previous = &user->previous;
    int64_t length = session_length_ms(previous);
    struct past_session past = {
        .start_s = (uint32_t)(previous->start_ms / 1000),
        .length_ms = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length,
        .tail = tail_code(previous->last_duration_ms),
        .gap_s = FIRST_GAP_MS / 1000.0,
    };
    uint32_t finished = user->history.finished;
    if (finished > 0) {
        /* Not the exact gap that `previous` has: what the ring will say, so that a hidden state
         * recomputed from the ring is the one that was carried. */
        uint32_t at = (finished - 1) % layout->window;
        double gap_s = past.start_s - last_start_s(user_ring_start(layout, u)[at],
                                                   user_ring_length(layout, u)[at],
                                                   user_ring_tail(layout, u)[at]);
        past.gap_s = gap_s < 1 ? 1 : gap_s;
    }
    return past;
}

size_t history_ring(const struct user_layout *layout, const struct user_state *user, size_t most,
                    struct past_session *out)
{
    struct user_state *u = (struct user_state *)(uintptr_t)user; /* the accessors serve both */
    const uint32_t *start = user_ring_start(layout, u);
    const uint32_t *length = user_ring_length(layout, u);
    const uint8_t *tail = user_ring_tail(layout, u);
    uint32_t finished = user->history.finished;
    size_t kept = finished < layout->window ? finished : layout->window;
    size_t count = kept < most ? kept : most;
    double before_s = user->history.before_ring_s;
    if (count < kept) {
        uint32_t at = (uint32_t)((finished - count - 1) % layout->window);
        before_s = last_start_s(start[at], length[at], tail[at]);
    }
    uint32_t at = (uint32_t)((finished - count) % layout->window);
    for (size_t j = 0; j < count; j++) {
        double gap_s = start[at] - before_s;
        if (j == 0 && count == finished)
            gap_s = FIRST_GAP_MS / 1000.0;
        out[j] = (struct past_session){start[at], length[at], tail[at], gap_s < 1 ? 1 : gap_s};
        before_s = last_start_s(start[at], length[at], tail[at]);
        if (++at == layout->window)
            at = 0;
    }
    return count;
}

struct step_entry step_entry_of(const struct session_sums *session, double pace)
{
    double n = session->scrobbles;
    double mean = session->intervals ? session->ln_interval_sum / session->intervals : pace;
    double longest = log(session->max_interval_ms / 1000.0 + 10);
    return (struct step_entry){
        .scrobbles = saturate16(n),
        .mean_ln_interval = saturate16(mean * LN_SCALE),
        .max_ln_interval = saturate16(longest * LN_SCALE),
        .distinct = (uint8_t)(session->distinct_artists / n * 255 + .5),
        .same = (uint8_t)(session->same_artist / n * 255 + .5),
        .new_ = (uint8_t)(session->new_artists / n * 255 + .5),
    };
}

void step_inputs(const struct past_session *session, const struct step_entry *entry,
                 float out[STEP_INPUTS])
{
    const double turn = 2 * M_PI;
    double day = turn * (session->start_s % 86400) / 86400.0;
    double week = turn * (((uint64_t)session->start_s + THURSDAY_S) % WEEK_S) / WEEK_S;
    double end_s = last_start_s(session->start_s, session->length_ms, session->tail);
    double end = turn * fmod(end_s, 86400) / 86400.0;
    const double inputs[STEP_INPUTS] = {
        log(session->length_ms / 1000.0 + 30),
        log(entry->scrobbles),
        log(session->gap_s),
        sin(day),
        cos(day),
        sin(week),
        cos(week),
        entry->mean_ln_interval / LN_SCALE,
        entry->distinct / 255.0,
        entry->same / 255.0,
        entry->new_ / 255.0,
        entry->max_ln_interval / LN_SCALE,
        sin(end),
    };
    for (int i = 0; i < STEP_INPUTS; i++)
        out[i] = (float)inputs[i];
}

/* Exponentially weighted mean that starts as a plain one; n sessions were finished before this. */
static void fold_mean(double *v, double x, double half_life_rate, uint32_t n)
{
    double rate = fmax(half_life_rate, 1.0 / (n + 2.0));
    *v += rate * (x - *v);
}

static void fold_dayparts(struct history_stats *stats, int bin, bool weekend, double z)
{
    for (int b = 0; b < DAYPARTS; b++) {
        stats->day_z[b] *= (float)DAY_DECAY;
        stats->day_n[b] *= (float)DAY_DECAY;
        for (int kind = 0; kind < 2; kind++) {
            stats->kind_z[kind][b] *= (float)KIND_DECAY;
            stats->kind_n[kind][b] *= (float)KIND_DECAY;
        }
    }
    stats->day_z[bin] += (float)z;
    stats->day_n[bin] += 1;
    stats->kind_z[weekend][bin] += (float)z;
    stats->kind_n[weekend][bin] += 1;
}

void history_stats_fold(struct history_stats *stats, const struct session_sums *session)
{
    /* 1 - .5^(1/h) */
    const double rate10 = 0.066967008463192590, rate20 = 0.034063671075154400,
                 rate30 = 0.022840031565754093;
    uint32_t n = stats->finished;
    int64_t length_ms = session_length_ms(session);
    double z = log((double)length_ms / 1000.0 + 30);
    double d = z - stats->mean_z;
    stats->mean_z += d / (n + 3.0);
    stats->variance_z += (d * d - stats->variance_z) / (n + 5.0);
    fold_mean(&stats->ew10_z, z, rate10, n);
    fold_mean(&stats->ew30_z, z, rate30, n);
    fold_mean(&stats->ew20_single, session->scrobbles == 1, rate20, n);
    if (session->intervals > 0)
        fold_mean(&stats->pace, session->ln_interval_sum / session->intervals, rate20, n);
    fold_dayparts(stats, (int)hour_of_day(session->start_ms), is_weekend(session->start_ms), z);
    stats->today = session->gap_ms > LONG_GAP_MS ? 1 : stats->today + 1;
    stats->total_length_ms += length_ms;
    stats->finished = n + 1;
}

void history_fold_previous(const struct user_layout *layout, struct user_state *user)
{
    const struct session_sums *previous = &user->previous;
    if (previous->number == 0)
        return;
    uint32_t n = user->history.finished;
    assert(previous->number == n + 1);
    uint32_t *start = user_ring_start(layout, user);
    uint32_t *length = user_ring_length(layout, user);
    uint8_t *tail = user_ring_tail(layout, user);
    uint32_t at = n % layout->window;
    if (n >= layout->window)
        user->history.before_ring_s = (uint32_t)last_start_s(start[at], length[at], tail[at]);
    struct past_session past = history_previous(layout, user);
    start[at] = past.start_s;
    length[at] = past.length_ms;
    tail[at] = past.tail;
    user->step[n % STEP_RING] = step_entry_of(previous, user->history.pace);
    history_stats_fold(&user->history, previous);
    sketch_end(user_tracks(layout, user), previous->last_track);
    sketch_end(user_artists(layout, user), previous->last_artist);
}
