#include "data/synth_listener.h"

#include <math.h>

#define SESSION_GAP_S 1800
#define HOUR_S        3600
#define DAY_S         86400
/* Of lengths at one hour, in one mood; a user over all of both comes to about .88. */
#define SHAPE      0.84
#define END_OF_ALL UINT32_MAX /* 2106: later than any scrobble */

static uint64_t next_bits(struct listener *listener)
{
    listener->random += UINT64_C(0x9e3779b97f4a7c15);
    return hash_mix(listener->random);
}

static double uniform(struct listener *listener)
{
    return synth_uniform(next_bits(listener));
}

static double exponential(struct listener *listener)
{
    return -log(1 - uniform(listener));
}

/* Box and Muller's, one of the pair. */
static double normal(struct listener *listener)
{
    double radius = sqrt(2 * exponential(listener));
    return radius * cos(2 * M_PI * uniform(listener));
}

static double between(struct listener *listener, double low, double high)
{
    return (low + (high - low) * uniform(listener));
}

/* 0 Thursday (1970-01-01) .. 6 Wednesday */
static bool is_weekend(uint32_t time_s)
{
    uint32_t day = time_s / DAY_S % 7;
    return day == 2 || day == 3;
}

/* Two hills a day, one of them the person's main one; later and flatter at weekends. */
static void draw_hours(struct listener *listener)
{
    double second = fmod(listener->peak_hour + 9 + 4 * uniform(listener), 24);
    double second_size = 0.7 * uniform(listener);
    double narrow = 2 + 2 * uniform(listener);
    double later = 3 * uniform(listener);
    for (int weekend = 0; weekend < 2; weekend++) {
        double weight[24], sum = 0;
        for (int hour = 0; hour < 24; hour++) {
            double shift = weekend ? later : 0;
            double main_angle = (hour - listener->peak_hour - shift) * M_PI / 12;
            double second_angle = (hour - second) * M_PI / 12;
            weight[hour] = 0.03 + exp(narrow * (cos(main_angle) - 1)) +
                           second_size * exp(narrow * (cos(second_angle) - 1));
            sum += weight[hour];
        }
        for (int hour = 0; hour < 24; hour++)
            listener->hour_weight[24 * weekend + hour] =
                (uint8_t)(1.5 + fmin(250, 24 * 32 * weight[hour] / sum));
    }
}

static uint32_t pick_artist(struct listener *listener)
{
    if (uniform(listener) >= listener->favourite_share)
        return synth_artist_at(uniform(listener));
    double rank = uniform(listener);
    uint64_t favourite = (uint64_t)(60 * rank * rank * rank);
    return synth_artist_at(synth_uniform(synth_hash(listener->taste, 0, favourite)));
}

static struct synth_track pick_track(struct listener *listener, uint64_t world_seed)
{
    struct synth_track track = {.artist = pick_artist(listener)};
    double rank = uniform(listener);
    track.number = (uint32_t)(synth_track_count(world_seed, track.artist) * rank * rank);
    return track;
}

/* Rate of starting anew while idle such that sessions come as often as wanted: of the time between
 * two such starts, the listening and the short breaks are not idle. */
static double idle_rate_per_hour(const struct listener *listener, double sessions_per_day)
{
    double run = 1 / (1 - listener->resume_share); // sessions in a row
    double cycle_h = 24 * run / sessions_per_day;
    double length_h = exp(listener->ln_scale_s) / HOUR_S;
    double busy_h = run * length_h + (run - 1) * 1.3 + 0.6;
    return 1 / fmax(cycle_h - busy_h, 0.2 * cycle_h);
}

/* The first start after from_s: a Poisson process whose rate changes by the hour, walked hour by
 * hour. */
static uint32_t next_start(struct listener *listener, uint32_t from_s)
{
    double budget = exponential(listener);
    uint64_t time_s = from_s;
    while (time_s < END_OF_ALL) {
        unsigned row = is_weekend((uint32_t)time_s) ? 24 : 0;
        double rate = listener->starts_per_hour / (32.0 * HOUR_S) *
                      listener->hour_weight[row + time_s / HOUR_S % 24];
        double left_s = HOUR_S - time_s % HOUR_S;
        if (budget < rate * left_s)
            return (uint32_t)(time_s + (uint64_t)(budget / rate));
        budget -= rate * left_s;
        time_s += (uint64_t)left_s;
    }
    return END_OF_ALL;
}

static void open_session(struct listener *listener, uint32_t start_s)
{
    double hour = start_s % DAY_S / (double)HOUR_S;
    double ln_s = listener->ln_scale_s + listener->mood +
                  listener->hour_swing * cos((hour - listener->peak_hour) * M_PI / 12) +
                  (is_weekend(start_s) ? listener->weekend_shift : 0);
    listener->mood = (0.9 * listener->mood + 0.12 * normal(listener));
    listener->planned_s = (exp(ln_s) * pow(exponential(listener), 1 / SHAPE));
    if (uniform(listener) < listener->single_share)
        listener->planned_s = -1;
    listener->time_s = listener->session_start_s = start_s;
    listener->at_start = true;
    listener->ending = false;
}

/* After the last scrobble of a session, whose track lasted until end_s. (Scrobbles end with 2099
 * and seconds do not overflow before 2106.) */
static void close_session(struct listener *listener, uint32_t end_s)
{
    uint32_t from_s = end_s + SESSION_GAP_S + 1;
    bool soon = uniform(listener) < listener->resume_share;
    open_session(listener, soon ? from_s + (uint32_t)(2700 * exponential(listener))
                                : next_start(listener, from_s));
}

void listener_init(struct listener *listener, uint64_t world_seed, uint64_t seed, uint32_t start_s,
                   double sessions_per_day)
{
    *listener = (struct listener){.random = hash_mix(seed)};
    listener->taste = next_bits(listener);
    listener->ln_scale_s = (8.15 + 0.58 * normal(listener));
    listener->peak_hour = fmod(24 + 19 + 4 * normal(listener), 24);
    listener->hour_swing = between(listener, 0.1, 0.6);
    listener->weekend_shift = between(listener, -0.2, 0.5);
    listener->single_share = between(listener, 0.04, 0.16);
    listener->resume_share = between(listener, 0.2, 0.5);
    listener->stay_share = between(listener, 0.1, 0.9);
    listener->favourite_share = between(listener, 0.5, 0.95);
    listener->goodnight_share = uniform(listener) < 0.25 ? between(listener, 0.3, 0.8) : 0;
    draw_hours(listener);
    listener->goodnight = pick_track(listener, world_seed);
    double spread = exp(0.5 * normal(listener) - 0.125); // of mean 1
    listener->starts_per_hour = idle_rate_per_hour(listener, sessions_per_day * spread);
    open_session(listener, next_start(listener, start_s));
}

static void choose_track(struct listener *listener, uint64_t world_seed)
{
    uint32_t count = synth_track_count(world_seed, listener->track.artist);
    if (listener->ending)
        listener->track = listener->goodnight;
    else if (!listener->at_start && uniform(listener) < listener->stay_share)
        listener->track.number = (listener->track.number + 1) % count;
    else
        listener->track = pick_track(listener, world_seed);
}

/* Seconds until the next scrobble would start: most tracks are heard out, some skipped, rarely
 * there is a break. */
static uint32_t interval_s(struct listener *listener, uint32_t track_s)
{
    double chance = uniform(listener);
    double interval = track_s + 3 * uniform(listener);
    if (chance < 0.15)
        interval = 5 + track_s * uniform(listener);
    else if (chance > 0.97)
        interval += 900 * uniform(listener);
    return (uint32_t)fmin(interval, SESSION_GAP_S - 1);
}

/* Whether the scrobble of now_s is the last: the next would start nearer behind the planned end
 * than this one before. */
static bool is_over(const struct listener *listener, uint32_t now_s, uint32_t interval)
{
    double elapsed_s = now_s - listener->session_start_s;
    return listener->ending || elapsed_s + interval / 2.0 > listener->planned_s;
}

uint32_t listener_play(struct listener *listener, uint64_t world_seed)
{
    uint32_t now_s = listener->time_s;
    choose_track(listener, world_seed);
    uint32_t track_s = (uint32_t)(synth_track_ms(world_seed, listener->track) / 1000);
    uint32_t interval = interval_s(listener, track_s);
    bool over = is_over(listener, now_s, interval);
    if (over && !listener->ending && listener->planned_s > 0 &&
        uniform(listener) < listener->goodnight_share) {
        listener->ending = true;
        over = false;
    }
    listener->at_start = false;
    if (over)
        close_session(listener, now_s + track_s);
    else
        listener->time_s = now_s + interval;
    return now_s;
}
