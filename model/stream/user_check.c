#include "stream/user_check.h"

/* Bounds of what a true record can hold: logarithms of seconds, the decaying sums of them (at most
 * 145 sessions' worth), the milliseconds of a life, counts that no life overflows. */
#define LN_MAX       32.0
#define DECAYING_MAX 8192.0f
#define TOTAL_MAX    (INT64_MAX / 4)
#define COUNT_MAX    (UINT32_MAX / 2)

static bool session_possible(const struct session_sums *s)
{
    return s->number <= COUNT_MAX && s->scrobbles > 0 && s->scrobbles <= COUNT_MAX &&
           s->open <= 1 && s->intervals < s->scrobbles && s->start_ms <= s->last_ms &&
           event_time_valid((struct event_time){s->start_ms}) &&
           event_time_valid((struct event_time){s->last_ms}) &&
           event_time_valid((struct event_time){s->arrival_ms}) &&
           event_time_valid((struct event_time){s->gap_ms}) && s->ln_interval_sum >= 0 &&
           s->ln_interval_sum <= LN_MAX * s->intervals && s->distinct_artists <= s->scrobbles &&
           s->same_artist < s->scrobbles && s->new_artists <= s->scrobbles;
}

bool user_open_possible(const struct user_state *user)
{
    const struct session_sums *current = &user->current, *previous = &user->previous;
    return user->recent_next < RECENT && current->number > 0 &&
           previous->number + 1 == current->number && session_possible(current) &&
           (previous->number == 0 || (session_possible(previous) && !previous->open));
}

static bool all_within(const float *values, size_t count, float low, float high)
{
    for (size_t i = 0; i < count; i++)
        if (!(values[i] >= low && values[i] <= high))
            return false;
    return true;
}

static bool stats_possible(const struct history_stats *h)
{
    const double ln[] = {h->mean_z, h->ew10_z, h->ew30_z, h->pace};
    for (size_t i = 0; i < sizeof ln / sizeof *ln; i++)
        if (!(ln[i] >= 0 && ln[i] <= LN_MAX))
            return false;
    return h->finished <= COUNT_MAX && h->variance_z >= 0 && h->variance_z <= LN_MAX * LN_MAX &&
           h->ew20_single >= 0 && h->ew20_single <= 1 && h->total_length_ms >= 0 &&
           h->total_length_ms < TOTAL_MAX && all_within(h->day_z, DAYPARTS, 0, DECAYING_MAX) &&
           all_within(h->day_n, DAYPARTS, 0, DECAYING_MAX) &&
           all_within(h->kind_z[0], 2 * DAYPARTS, 0, DECAYING_MAX) &&
           all_within(h->kind_n[0], 2 * DAYPARTS, 0, DECAYING_MAX);
}

bool user_history_possible(const struct user_layout *layout, const struct user_state *user)
{
    const uint32_t *start_s = (const uint32_t *)((const char *)user + layout->ring_start);
    for (uint32_t j = 0; j < layout->window; j++)
        if (start_s[j] >= EVENT_TIME_END_MS / 1000)
            return false;
    for (uint32_t j = 0; j < STEP_RING && j < user->history.finished; j++)
        if (user->step[j].scrobbles == 0) /* its logarithm is an input of the net */
            return false;
    return stats_possible(&user->history);
}

bool user_parts_fit(const struct user_state *user)
{
    const struct session_sums *previous = &user->previous;
    return user->current.number > 0 &&
           user->history.finished + (previous->number > 0) == previous->number;
}
