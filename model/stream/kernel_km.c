#include "stream/kernel_km.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double levels[QUANTILES] = {.1, .5, .9};
static const double beyond_s[QUANTILES] = {0, 1200, 6000};

size_t km_size_bytes(uint32_t window)
{
    return window * (sizeof(double) + sizeof(uint32_t) + sizeof(uint16_t));
}

void km_place(struct km *km, void *memory, uint32_t window)
{
    km->cumulated = memory;
    km->length_ms = (uint32_t *)(km->cumulated + window);
    km->pool_le = (uint16_t *)(km->length_ms + window);
}

/* exp(x) for -700 < x <= 0 by 2^k * p(r), written so that the compiler turns the loop over sessions
 * into vectors; relative error below 1e-15 (Taylor to r^13 on |r| <= ln 2 / 2). */
static inline double exp_negative(double x)
{
    const double log2e = 1.4426950408889634, ln2_high = 0x1.62e42fefa39efp-1,
                 ln2_low = 0x1.abc9e3b39803fp-56, shift = 0x1.8p52;
    double k = x * log2e + shift; /* rounds to the nearest integer, which the low bits then hold */
    int64_t bits;
    memcpy(&bits, &k, sizeof bits);
    k -= shift;
    double r = (x - k * ln2_high) - k * ln2_low;
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    int64_t scale_bits = (int64_t)((uint64_t)bits << 52) + (INT64_C(1023) << 52);
    double scale;
    memcpy(&scale, &scale_bits, sizeof scale);
    return p * scale;
}

/* w_j = (exp(-(dh/1.25)^2/2) + .03) * (1 if both or neither on a weekend else .5) * .5^(a/85)
 *       * (exp(-((ln g_j - ln g_k)/1.5)^2/2) + .1) */
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"))) static void
weigh(size_t count, const double *hour, const double *kind, const double *ln_gap, double hour_now,
      double ln_gap_now, double *weight)
{
    const double age_rate = -M_LN2 / 85;
    for (size_t j = 0; j < count; j++) {
        double dh = fabs(hour[j] - hour_now);
        dh = (dh > 12 ? 24 - dh : dh) / 1.25;
        double dg = (ln_gap[j] - ln_gap_now) / 1.5;
        double by_hour = exp_negative(-.5 * dh * dh) + .03;
        double by_gap = exp_negative(-.5 * dg * dg) + .1;
        double by_age = exp_negative((double)(count - 1 - j) * age_rate);
        weight[j] = by_hour * kind[j] * by_age * by_gap;
    }
}

/* Ascending by length, least significant byte first; the low half of a key is the session's place,
 * which stays put. */
static uint64_t *sort_keys(uint64_t *keys, uint64_t *other, size_t count)
{
    uint64_t all_or = 0;
    for (size_t j = 0; j < count; j++)
        all_or |= keys[j];
    for (int shift = 32; shift < 64; shift += 8) {
        if (((all_or >> shift) & 0xff) == 0)
            continue;
        uint32_t place[256] = {0};
        for (size_t j = 0; j < count; j++)
            place[(keys[j] >> shift) & 0xff]++;
        uint32_t at = 0;
        for (int b = 0; b < 256; b++) {
            uint32_t n = place[b];
            place[b] = at;
            at += n;
        }
        for (size_t j = 0; j < count; j++)
            other[place[(keys[j] >> shift) & 0xff]++] = keys[j];
        uint64_t *sorted = other;
        other = keys;
        keys = sorted;
    }
    return keys;
}

enum { WINDOW_MAX = 4096 };

void km_build(struct km *km, const struct km_pool *pool, const struct past_session *past,
              size_t count, int64_t start_ms, double gap_s)
{
    double hour[WINDOW_MAX], kind[WINDOW_MAX], ln_gap[WINDOW_MAX], weight[WINDOW_MAX];
    uint64_t keys[WINDOW_MAX], other[WINDOW_MAX];
    assert(count <= WINDOW_MAX);
    bool weekend = is_weekend(start_ms);
    for (size_t j = 0; j < count; j++) {
        int64_t ms = (int64_t)past[j].start_s * 1000;
        hour[j] = hour_of_day(ms);
        kind[j] = is_weekend(ms) == weekend ? 1 : .5;
        ln_gap[j] = log(past[j].gap_s);
        keys[j] = (uint64_t)past[j].length_ms << 32 | j;
    }
    weigh(count, hour, kind, ln_gap, hour_of_day(start_ms), log(gap_s), weight);
    const uint64_t *sorted = sort_keys(keys, other, count);
    double sum = 0;
    for (size_t j = 0; j < count; j++) {
        sum += weight[(uint32_t)sorted[j]];
        km->length_ms[j] = (uint32_t)(sorted[j] >> 32);
        km->cumulated[j] = sum;
    }
    km_index_pool(km, pool, (uint32_t)count);
}

void km_index_pool(struct km *km, const struct km_pool *pool, uint32_t count)
{
    uint32_t pool_le = 0;
    for (uint32_t j = 0; j < count; j++) {
        while (pool_le < POOL_VALUES && pool->ms[pool_le] <= km->length_ms[j])
            pool_le++;
        km->pool_le[j] = (uint16_t)pool_le;
    }
    km->count = count;
}

/* How many of count ascending values are below limit. */
static uint32_t count_below(const uint32_t *values, uint32_t count, uint32_t limit)
{
    uint32_t at = 0;
    while (count > 0) {
        uint32_t half = count / 2;
        bool below = values[at + half] < limit;
        at = below ? at + half + 1 : at;
        count = below ? count - half - 1 : half;
    }
    return at;
}

/* Cumulated weight of the past sessions 0 .. j - 1: by the kernel, or each `each`. */
static inline double weight_before(const struct km *km, uint32_t j, double each)
{
    if (each > 0)
        return each * j;
    return j ? km->cumulated[j - 1] : 0;
}

/* Quantile q is the smallest v whose cumulated weight is >= S + (q - 1e-9) R, S the weight of what
 * is below the elapsed time, R the rest. Past sessions and pool are two ascending arrays; pool_le
 * makes them one. */
static inline void conditional(const struct km *km, const struct km_pool *pool, double each,
                               double pool_each, int64_t elapsed_ms, double out[QUANTILES])
{
    uint32_t elapsed = elapsed_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)elapsed_ms;
    uint32_t below = count_below(km->length_ms, km->count, elapsed);
    uint32_t pool_below = count_below(pool->ms, POOL_VALUES, elapsed);
    if ((below == km->count && pool_below == POOL_VALUES) || elapsed_ms > UINT32_MAX) {
        memcpy(out, beyond_s, sizeof beyond_s);
        return;
    }
    double total = weight_before(km, km->count, each) + pool_each * POOL_VALUES;
    double passed = weight_before(km, below, each) + pool_each * pool_below;
    for (int q = 0; q < QUANTILES; q++) {
        double target = passed + (levels[q] - 1e-9) * (total - passed);
        uint32_t low = below, high = km->count;
        while (low < high) {
            uint32_t middle = (low + high) / 2;
            bool reached =
                weight_before(km, middle + 1, each) + pool_each * km->pool_le[middle] >= target;
            high = reached ? middle : high;
            low = reached ? low : middle + 1;
        }
        /* The answer is session `low`'s length, or a pool value before it. */
        uint32_t pool_low = pool_below,
                 pool_high = low < km->count ? km->pool_le[low] : POOL_VALUES;
        double before = weight_before(km, low, each);
        while (pool_low < pool_high) {
            uint32_t middle = (pool_low + pool_high) / 2;
            bool reached = before + pool_each * (middle + 1) >= target;
            pool_high = reached ? middle : pool_high;
            pool_low = reached ? pool_low : middle + 1;
        }
        uint32_t value = low < km->count ? km->length_ms[low] : pool->ms[POOL_VALUES - 1];
        if (pool_low < POOL_VALUES && pool->ms[pool_low] < value &&
            before + pool_each * (pool_low + 1) >= target)
            value = pool->ms[pool_low];
        out[q] = (double)(value - elapsed) / 1000.0;
    }
}

void km_kernel(const struct km *km, const struct km_pool *pool, int64_t elapsed_ms,
               double out[QUANTILES])
{
    conditional(km, pool, 0, KERNEL_POOL_WEIGHT / POOL_VALUES, elapsed_ms, out);
}

void km_running(const struct km *km, const struct km_pool *pool, int64_t elapsed_ms,
                double out[QUANTILES])
{
    /* In units of one pool value, so that sums are exact: these weights tie. */
    conditional(km, pool, POOL_VALUES / RUNNING_POOL_WEIGHT, 1, elapsed_ms, out);
}
