#include "stream/panel.h"

#include <math.h>

#define DAY_S        86400
#define THURSDAY     4      /* 1970-01-01, when Sunday is 0 */
#define FIRST_MEAN_S 1200.0 /* before there is a session: where ew10_z and ew30_z start */

int band_of(double hour)
{
    return hour < 5 || hour >= 22 ? 3 : hour < 12 ? 0 : hour < 17 ? 1 : 2;
}

/* What a feature is computed from. */
struct seen {
    const struct user_state *user;
    const struct history_stats *stats;
    const struct past_session *past; /* (count) oldest first */
    size_t count;
    const struct holidays *holidays;
};

static double ln_length(double seconds)
{
    return log(seconds + 30);
}

static double ln_silence(double seconds)
{
    return log(seconds < 1 ? 1 : seconds);
}

static double mean_all(const struct seen *seen)
{
    return seen->stats->finished
               ? (double)seen->stats->total_length_ms / 1000.0 / seen->stats->finished
               : FIRST_MEAN_S;
}

/* Of the last n lengths, or of as many as there are. */
static double mean_last(const struct seen *seen, size_t n)
{
    double sum = 0;
    n = n < seen->count ? n : seen->count;
    for (size_t j = seen->count - n; j < seen->count; j++)
        sum += seen->past[j].length_ms / 1000.0;
    return n ? sum / (double)n : FIRST_MEAN_S;
}

static double mean_band(const struct seen *seen)
{
    int band = band_of(hour_of_day(seen->user->current.start_ms));
    double sum = 0;
    size_t n = 0;
    for (size_t j = 0; j < seen->count; j++)
        if (band_of(seen->past[j].start_s % DAY_S / 3600.0) == band) {
            sum += seen->past[j].length_ms / 1000.0;
            n++;
        }
    return n ? sum / (double)n : mean_all(seen);
}

/* From the end of the session before, its last track counted, to the start. */
static double absence_s(const struct seen *seen)
{
    const struct session_sums *now = &seen->user->current, *before = &seen->user->previous;
    int64_t ms = before->number ? now->start_ms - session_end_ms(before) : FIRST_GAP_MS;
    return (double)ms / 1000.0;
}

/* The absence that the session before ended. */
static double previous_absence_s(const struct seen *seen)
{
    const struct past_session *last = seen->past + seen->count - 1;
    if (seen->count == 0)
        return FIRST_GAP_MS / 1000.0;
    return seen->count == 1 ? last->gap_s
                            : last->start_s - (last[-1].start_s + last[-1].length_ms / 1000.0);
}

static double feature(enum panel_feature which, const struct seen *seen)
{
    int64_t start_ms = seen->user->current.start_ms;
    int weekday = (int)((start_ms / 1000 / DAY_S + THURSDAY) % 7);
    switch (which) {
    case PANEL_PREVIOUS_LENGTH:
        return ln_length(mean_last(seen, 1));
    case PANEL_MEAN_ALL:
        return ln_length(mean_all(seen));
    case PANEL_MEAN_30:
        return ln_length(mean_last(seen, 30));
    case PANEL_MEAN_10:
        return ln_length(mean_last(seen, 10));
    case PANEL_MEAN_5:
        return ln_length(mean_last(seen, 5));
    case PANEL_MEAN_BAND:
        return ln_length(mean_band(seen));
    case PANEL_ABSENCE:
        return ln_silence(absence_s(seen));
    case PANEL_PREVIOUS_ABSENCE:
        return ln_silence(previous_absence_s(seen));
    case PANEL_HOLIDAY:
        return holidays_has(seen->holidays, (struct event_time){start_ms});
    case PANEL_MORNING:
    case PANEL_AFTERNOON:
    case PANEL_EVENING:
    case PANEL_NIGHT:
        return band_of(hour_of_day(start_ms)) == (int)(which - PANEL_MORNING);
    default:
        return weekday == (int)(which - PANEL_SUNDAY);
    }
}

void panel_features(uint32_t panel, const struct user_state *user,
                    const struct history_stats *stats, const struct past_session *past,
                    size_t count, const struct holidays *holidays, double *out)
{
    const struct seen seen = {user, stats, past, count, holidays};
    for (int i = 0; i < PANEL_FEATURES; i++)
        if (panel_has(panel, (enum panel_feature)i))
            *out++ = feature((enum panel_feature)i, &seen);
}
