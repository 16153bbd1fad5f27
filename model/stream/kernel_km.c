#include "stream/kernel_km.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "stream/kernel_weights.h"

static const double levels[QUANTILES] = {.1, .5, .9};
static const double beyond_s[QUANTILES] = {0, 1200, 6000};

size_t km_size_bytes(uint32_t window)
{
    return window * (sizeof(struct km_value) + sizeof(uint16_t));
}

void km_place(struct km *km, void *memory, uint32_t window)
{
    km->value = memory;
    km->pool_le = (uint16_t *)(km->value + window);
}

enum { DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS };

struct key {
    uint32_t length_ms, place;
};

/* One pass of a radix sort, by the eight bits of the length above shift. */
static void sort_by(const struct key *from, struct key *to, size_t count, int shift)
{
    uint32_t at[DIGITS] = {0};
    for (size_t j = 0; j < count; j++)
        at[from[j].length_ms >> shift & (DIGITS - 1)]++;
    uint32_t sum = 0;
    for (int d = 0; d < DIGITS; d++) {
        uint32_t n = at[d];
        at[d] = sum;
        sum += n;
    }
    for (size_t j = 0; j < count; j++)
        to[at[from[j].length_ms >> shift & (DIGITS - 1)]++] = from[j];
}

/* Ascending by length: two radix passes over the sixteen highest bits that differ, which leaves
 * little for the insertion sort behind them. */
static void sort_keys(struct key *keys, struct key *other, size_t count)
{
    uint32_t all = 1;
    for (size_t j = 0; j < count; j++)
        all |= keys[j].length_ms;
    int high = 32 - __builtin_clz(all), shift = high > 2 * DIGIT_BITS ? high - 2 * DIGIT_BITS : 0;
    sort_by(keys, other, count, shift);
    sort_by(other, keys, count, shift + DIGIT_BITS);
    for (size_t j = 1; j < count; j++) {
        struct key key = keys[j];
        size_t at = j;
        for (; at > 0 && keys[at - 1].length_ms > key.length_ms; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

void km_build(struct km *km, const struct km_pool *pool, const struct past_session *past,
              size_t count, int64_t start_ms, double gap_s)
{
    uint32_t start_s[WINDOW_MAX];
    double gaps_s[WINDOW_MAX], weight[WINDOW_MAX];
    struct key keys[WINDOW_MAX], other[WINDOW_MAX];
    assert(count <= WINDOW_MAX);
    for (size_t j = 0; j < count; j++) {
        start_s[j] = past[j].start_s;
        gaps_s[j] = past[j].gap_s;
        keys[j] = (struct key){past[j].length_ms, (uint32_t)j};
    }
    kernel_weights(count, start_s, gaps_s, hour_of_day(start_ms), is_weekend(start_ms), gap_s,
                   weight);
    if (count > 1)
        sort_keys(keys, other, count);
    double sum = 0;
    for (size_t j = 0; j < count; j++) {
        sum += weight[keys[j].place];
        km->value[j].length_ms = keys[j].length_ms;
        km->value[j].cumulated = (float)sum;
    }
    km_index_pool(km, pool, (uint32_t)count);
}

void km_index_pool(struct km *km, const struct km_pool *pool, uint32_t count)
{
    uint32_t pool_le = 0;
    for (uint32_t j = 0; j < count; j++) {
        while (pool_le < POOL_VALUES && pool->ms[pool_le] <= km->value[j].length_ms)
            pool_le++;
        km->pool_le[j] = (uint16_t)pool_le;
    }
    km->count = count;
    km->below = km->pool_below = 0;
    memset(km->kernel_at, 0, sizeof km->kernel_at);
    memset(km->running_at, 0, sizeof km->running_at);
}

/* What is asked of a place j: whether it has what is looked for. Monotone in j. */
struct question {
    const struct km *km;
    const uint32_t *pool;   /* for at_least_pool */
    double each, pool_each; /* weights; each 0: the kernel's */
    double target;          /* cumulated weight to reach */
    uint32_t elapsed_ms;
};

/* Cumulated weight of the past sessions 0 .. j - 1: by the kernel, or each `each`. */
static inline double weight_before(const struct km *km, uint32_t j, double each)
{
    if (each > 0)
        return each * j;
    return j ? (double)km->value[j - 1].cumulated : 0;
}

static inline bool at_least(const struct question *q, uint32_t j)
{
    return q->km->value[j].length_ms >= q->elapsed_ms;
}

static inline bool at_least_pool(const struct question *q, uint32_t j)
{
    return q->pool[j] >= q->elapsed_ms;
}

static inline bool reached(const struct question *q, uint32_t j)
{
    return weight_before(q->km, j + 1, q->each) + q->pool_each * q->km->pool_le[j] >= q->target;
}

/* The first place in low .. count - 1 that says yes, or count; looked for from guess outwards,
 * since it is most often there or a little behind. */
static inline __attribute__((always_inline)) uint32_t
first_yes(const struct question *q, bool (*yes)(const struct question *, uint32_t), uint32_t low,
          uint32_t count, uint32_t guess)
{
    uint32_t high = count;
    guess = guess < low ? low : guess;
    if (guess < count && yes(q, guess)) {
        if (guess == low || !yes(q, guess - 1))
            return guess;
        high = guess - 1;
    } else {
        uint32_t step = 1;
        while (guess < count && !yes(q, guess)) {
            low = guess + 1;
            guess += step;
            step *= 2;
        }
        high = guess < count ? guess : count;
    }
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        bool is_yes = yes(q, middle);
        high = is_yes ? middle : high;
        low = is_yes ? low : middle + 1;
    }
    return low;
}

/* The value at which the target is reached: past session `at`'s length, or a pool value before it,
 * from pool_below on. */
static inline uint32_t value_at(const struct question *q, const struct km_pool *pool, uint32_t at,
                                uint32_t pool_below)
{
    const struct km *km = q->km;
    uint32_t end = at < km->count ? km->pool_le[at] : POOL_VALUES;
    double before = weight_before(km, at, q->each);
    /* Pool values up to i weigh before + pool_each (i + 1); the division is only nearly right. */
    double guess = (q->target - before) / q->pool_each;
    uint32_t i = guess >= end ? end : guess <= pool_below + 1 ? pool_below : (uint32_t)guess - 1;
    while (i > pool_below && before + q->pool_each * i >= q->target)
        i--;
    while (i < end && before + q->pool_each * (i + 1) < q->target)
        i++;
    if (at == km->count)
        return pool->ms[i < POOL_VALUES ? i : POOL_VALUES - 1];
    return i < end && pool->ms[i] < km->value[at].length_ms ? pool->ms[i] : km->value[at].length_ms;
}

/* Quantile level q is the smallest v whose cumulated weight is >= S + (q - 1e-9) R, S the weight of
 * what is below the elapsed time, R the rest. Past sessions and pool are two ascending arrays;
 * pool_le makes them one. */
static inline __attribute__((always_inline)) void
conditional(struct km *km, const struct km_pool *pool, double each, double pool_each,
            int64_t elapsed_ms, uint32_t at[QUANTILES], double out[QUANTILES])
{
    struct question q = {.km = km, .pool = pool->ms, .each = each, .pool_each = pool_each};
    q.elapsed_ms = elapsed_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)elapsed_ms;
    uint32_t below = first_yes(&q, at_least, 0, km->count, km->below);
    uint32_t pool_below = first_yes(&q, at_least_pool, 0, POOL_VALUES, km->pool_below);
    km->below = below;
    km->pool_below = pool_below;
    if ((below == km->count && pool_below == POOL_VALUES) || elapsed_ms > UINT32_MAX) {
        memcpy(out, beyond_s, sizeof beyond_s);
        return;
    }
    double total = weight_before(km, km->count, each) + pool_each * POOL_VALUES;
    double passed = weight_before(km, below, each) + pool_each * pool_below;
    for (int l = 0; l < QUANTILES; l++) {
        q.target = passed + (levels[l] - 1e-9) * (total - passed);
        uint32_t found = first_yes(&q, reached, below, km->count, at[l]);
        at[l] = found;
        out[l] = (double)(value_at(&q, pool, found, pool_below) - q.elapsed_ms) / 1000.0;
    }
}

void km_kernel(struct km *km, const struct km_pool *pool, int64_t elapsed_ms, double out[QUANTILES])
{
    conditional(km, pool, 0, KERNEL_POOL_WEIGHT / POOL_VALUES, elapsed_ms, km->kernel_at, out);
}

void km_running(struct km *km, const struct km_pool *pool, int64_t elapsed_ms,
                double out[QUANTILES])
{
    /* In units of one pool value, so that sums are exact: these weights tie. */
    conditional(km, pool, POOL_VALUES / RUNNING_POOL_WEIGHT, 1, elapsed_ms, km->running_at, out);
}
