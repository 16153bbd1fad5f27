/* changelog_history.c - the part that a folded session changes: statistics and rings. */
#include "stream/changelog_body.h"

#define STATS_MAX 96 /* bytes that always suffice for numbers and averages */
#define STEP_MAX  10
#define RING_MAX  (2 * VARINT32_MAX + 1)
#define BINS      (3 * DAYPARTS)

size_t history_body_max(const struct user_layout *layout)
{
    return VARINT32_MAX + STATS_MAX + BINS / 8 + BINS * 2 * sizeof(float) + 1 +
           (size_t)layout->window * RING_MAX + STEP_RING * STEP_MAX;
}

/* Sessions that a ring of this size keeps, and where the oldest of them stands. */
static uint32_t kept(uint32_t finished, uint32_t ring)
{
    return finished < ring ? finished : ring;
}

static uint32_t oldest(uint32_t finished, uint32_t ring)
{
    return (finished - kept(finished, ring)) % ring;
}

/* ---- statistics ---- */

/* The decaying sums, by hour, then by hour of weekdays and of weekends: many a user has only few
 * of these hours. */
static void bins_of(struct history_stats *stats, float *sums[BINS], float *weights[BINS])
{
    for (int b = 0; b < DAYPARTS; b++) {
        sums[b] = &stats->day_z[b];
        weights[b] = &stats->day_n[b];
        for (int kind = 0; kind < 2; kind++) {
            sums[(1 + kind) * DAYPARTS + b] = &stats->kind_z[kind][b];
            weights[(1 + kind) * DAYPARTS + b] = &stats->kind_n[kind][b];
        }
    }
}

/* To the bit: what is left out comes back as +0. */
static bool is_zero(const float *value)
{
    uint32_t bits;
    memcpy(&bits, value, sizeof bits);
    return bits == 0;
}

static uint8_t *put_bins(const struct history_stats *stats, uint8_t *at)
{
    float *sums[BINS], *weights[BINS];
    bins_of((struct history_stats *)(uintptr_t)stats, sums, weights); /* only read */
    uint8_t *there = at;                                              /* a bit an hour */
    memset(there, 0, BINS / 8);
    at += BINS / 8;
    for (int i = 0; i < BINS; i++) {
        if (is_zero(sums[i]) && is_zero(weights[i]))
            continue;
        there[i / 8] |= (uint8_t)(1u << i % 8);
        at = put_bytes(at, sums[i], sizeof(float));
        at = put_bytes(at, weights[i], sizeof(float));
    }
    return at;
}

static void take_bins(struct wire_reader *in, struct history_stats *stats)
{
    float *sums[BINS], *weights[BINS];
    uint8_t there[BINS / 8];
    bins_of(stats, sums, weights);
    take_bytes(in, there, sizeof there);
    for (int i = 0; i < BINS; i++) {
        if (!(there[i / 8] >> i % 8 & 1))
            continue;
        take_bytes(in, sums[i], sizeof(float));
        take_bytes(in, weights[i], sizeof(float));
    }
}

static uint8_t *put_stats(const struct history_stats *stats, uint8_t *at)
{
    const double averages[] = {stats->mean_z, stats->variance_z,  stats->ew10_z,
                               stats->ew30_z, stats->ew20_single, stats->pace};
    at = put_varint(at, stats->finished);
    at = put_varint(at, stats->today);
    at = put_varint(at, stats->before_ring_s);
    at = put_signed(at, stats->total_length_ms);
    at = put_bytes(at, averages, sizeof averages);
    return put_bins(stats, at);
}

static void take_stats(struct wire_reader *in, struct history_stats *stats)
{
    double *const averages[] = {&stats->mean_z, &stats->variance_z,  &stats->ew10_z,
                                &stats->ew30_z, &stats->ew20_single, &stats->pace};
    stats->finished = take_u32(in);
    stats->today = take_u32(in);
    stats->before_ring_s = take_u32(in);
    stats->total_length_ms = take_signed(in);
    for (size_t i = 0; i < sizeof averages / sizeof *averages; i++)
        take_bytes(in, averages[i], sizeof *averages[i]);
    take_bins(in, stats);
}

/* ---- rings ---- */

/* A length is a number of seconds where it can be: twice that, or twice the milliseconds + 1. */
static uint8_t *put_length(uint8_t *at, uint32_t ms)
{
    return put_varint(at, ms % 1000 == 0 ? (uint64_t)ms / 1000 * 2 : (uint64_t)ms * 2 + 1);
}

static uint32_t take_length(struct wire_reader *in)
{
    uint64_t coded = take_varint(in, (uint64_t)UINT32_MAX * 2 + 1);
    uint64_t ms = coded & 1 ? coded / 2 : coded / 2 * 1000;
    in->bad |= ms > UINT32_MAX;
    return (uint32_t)ms;
}

static uint8_t *put_ring(const struct user_layout *layout, const struct user_state *user,
                         uint8_t *at)
{
    struct user_state *u = (struct user_state *)(uintptr_t)user; /* the accessors serve both */
    const uint32_t *start = user_ring_start(layout, u), *length = user_ring_length(layout, u);
    const uint8_t *tail = user_ring_tail(layout, u);
    uint32_t finished = user->history.finished, window = layout->window;
    uint32_t count = kept(finished, window), from = oldest(finished, window), before_s = 0;
    bool tails = false;
    for (uint32_t j = 0; j < count; j++) {
        uint32_t n = from + j < window ? from + j : from + j - window;
        at = put_varint(at, start[n] - before_s); /* they ascend; if not, it wraps and costs more */
        at = put_length(at, length[n]);
        before_s = start[n];
        tails |= tail[n] != 0;
    }
    at = put_varint(at, tails);
    for (uint32_t j = 0; tails && j < count; j++)
        *at++ = tail[from + j < window ? from + j : from + j - window];
    return at;
}

static void take_ring(const struct user_layout *layout, struct wire_reader *in,
                      struct user_state *user)
{
    uint32_t *start = user_ring_start(layout, user), *length = user_ring_length(layout, user);
    uint8_t *tail = user_ring_tail(layout, user);
    uint32_t finished = user->history.finished, window = layout->window;
    uint32_t count = kept(finished, window), from = oldest(finished, window), before_s = 0;
    for (uint32_t j = 0; j < count; j++) {
        uint32_t n = from + j < window ? from + j : from + j - window;
        start[n] = before_s += take_u32(in);
        length[n] = take_length(in);
    }
    bool tails = take_varint(in, 1);
    for (uint32_t j = 0; tails && j < count; j++)
        take_bytes(in, &tail[from + j < window ? from + j : from + j - window], 1);
}

static uint8_t *put_steps(const struct user_state *user, uint8_t *at)
{
    uint32_t finished = user->history.finished, from = oldest(finished, STEP_RING);
    for (uint32_t j = 0; j < kept(finished, STEP_RING); j++) {
        const struct step_entry *step = &user->step[(from + j) % STEP_RING];
        const size_t rest = offsetof(struct step_entry, mean_ln_interval);
        at = put_varint(at, step->scrobbles);
        at = put_bytes(at, (const char *)step + rest, sizeof *step - rest);
    }
    return at;
}

static void take_steps(struct wire_reader *in, struct user_state *user)
{
    uint32_t finished = user->history.finished, from = oldest(finished, STEP_RING);
    for (uint32_t j = 0; j < kept(finished, STEP_RING); j++) {
        struct step_entry *step = &user->step[(from + j) % STEP_RING];
        const size_t rest = offsetof(struct step_entry, mean_ln_interval);
        step->scrobbles = (uint16_t)take_varint(in, UINT16_MAX);
        take_bytes(in, (char *)step + rest, sizeof *step - rest);
    }
}

/* ---- the whole part ---- */

uint8_t *history_body_put(const struct user_layout *layout, const struct user_state *user,
                          uint8_t *at)
{
    at = put_varint(at, layout->window);
    at = put_stats(&user->history, at);
    at = put_ring(layout, user, at);
    return put_steps(user, at);
}

int history_body_take(const struct user_layout *layout, struct wire_reader *in,
                      struct user_state *user, struct err *err)
{
    uint32_t window = take_u32(in);
    if (!in->bad && window != layout->window)
        return err_set(err, ERR_INPUT, "made for a window of %u sessions, not %u", window,
                       layout->window);
    take_stats(in, &user->history);
    take_ring(layout, in, user);
    take_steps(in, user);
    if (in->bad || in->at != in->end)
        return err_set(err, ERR_INPUT, "its history is cut short or too long");
    return 0;
}
