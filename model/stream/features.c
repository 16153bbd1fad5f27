#include "stream/features.h"

#include <math.h>

#define DAY_MS      86400000
#define DAY_S       86400
#define WEEK_S      604800
#define LONG_GAP_MS (4 * 3600000)
#define SHRINK      4.0 /* sessions' worth of weight that a daypart gives to what it falls back on */

/* exp(-(d/1.5)^2/2) for the circular distance d = 0 .. 12 of two bins */
static const double bin_kernel[DAYPARTS / 2 + 1] = {
    1,
    0.800737402916808061,
    0.41111229050718745,
    0.135335283236612702,
    0.0285655007845503767,
    0.00386592013947280409,
    0.000335462627902511853,
    1.86644691135205372e-05,
    6.65836146985731503e-07,
    1.52299797447126292e-08,
    2.23363143620315824e-10,
    2.10040929273226021e-12,
    1.26641655490941755e-14,
};

static double daypart(const float *z, const float *n, int bin, double fallback)
{
    double sum = SHRINK * fallback, weight = SHRINK;
    for (int b = 0; b < DAYPARTS; b++) {
        int distance = b > bin ? b - bin : bin - b;
        double k = bin_kernel[distance > DAYPARTS / 2 ? DAYPARTS - distance : distance];
        sum += k * (double)z[b];
        weight += k * (double)n[b];
    }
    return sum / weight;
}

void features_start(const struct user_state *user, const struct history_stats *stats,
                    const struct past_session *past, size_t count, double out[START_FEATURES])
{
    const struct session_sums *now = &user->current;
    double angle = 2 * M_PI * (double)(now->start_ms % DAY_MS) / DAY_MS;
    bool weekend = is_weekend(now->start_ms);
    int bin = (int)hour_of_day(now->start_ms);
    double start_s = (double)now->start_ms / 1000.0;
    double seconds_24h = 0;
    size_t sessions_7d = 0;
    for (size_t j = count; j-- > 0 && past[j].start_s >= start_s - WEEK_S;) {
        sessions_7d++;
        if (past[j].start_s >= start_s - DAY_S)
            seconds_24h += past[j].length_ms / 1000.0;
    }
    double gap_s = (double)now->gap_ms / 1000.0;
    double by_day = daypart(stats->day_z, stats->day_n, bin, stats->ew30_z);
    out[0] = log(gap_s < 1 ? 1 : gap_s);
    out[1] = sin(angle);
    out[2] = cos(angle);
    out[3] = weekend;
    out[4] = sqrt(stats->variance_z);
    out[5] = stats->ew10_z;
    out[6] = stats->ew30_z;
    out[7] = by_day;
    out[8] = daypart(stats->kind_z[weekend], stats->kind_n[weekend], bin, by_day);
    out[9] = stats->ew20_single;
    out[10] = stats->pace;
    out[11] = log(1.0 + (now->gap_ms > LONG_GAP_MS ? 0 : stats->today));
    out[12] = log(30 + seconds_24h);
    out[13] = log(1.0 + (double)sessions_7d);
}

void features_live(const struct user_state *user, const struct play *play,
                   const struct play_memory *memory, double pace, const double kernel_s[QUANTILES],
                   const double running_s[QUANTILES], double out[LIVE_FEATURES])
{
    const struct session_sums *now = &user->current, *before = &user->previous;
    double i = now->scrobbles;
    double last = pace, mean = pace, longest = pace;
    if (now->intervals > 0) {
        last = log(now->last_interval_ms / 1000.0 + 10);
        mean = now->ln_interval_sum / now->intervals;
        longest = log(now->max_interval_ms / 1000.0 + 10);
    }
    /* The session before is finished but not yet folded: its end counts. */
    double track_ends =
        memory->track.ends + (before->number > 0 && before->last_track == play->track);
    double artist_ends =
        memory->artist.ends + (before->number > 0 && before->last_artist == play->artist);
    out[0] = log((double)(now->last_ms - now->start_ms) / 1000.0 + 30);
    out[1] = log(i);
    out[2] = last;
    out[3] = mean;
    out[4] = longest;
    out[5] = last - pace;
    out[6] = now->distinct_artists / i;
    out[7] = memory->track.in_session;
    out[8] = (track_ends + .08) / (memory->track.plays + 1.0);
    out[9] = (artist_ends + .4) / (memory->artist.plays + 5.0);
    for (int q = 0; q < QUANTILES; q++) {
        out[10 + q] = log(kernel_s[q] + 30);
        out[13 + q] = log(running_s[q] + 30);
    }
}
