/* Kernel KM and KM running against a reference that does the obvious: all values with their
 * weights in one list, sorted, cumulated, searched from the front. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "stream/kernel_km.h"
#include "stream/kernel_weights.h"

#define T0       1241478000 /* seconds */
#define WINDOW   300
#define WEEKDAYS 7

struct weighted {
    uint32_t ms;
    double weight;
};

struct fixture {
    struct km km;
    struct km_pool pool;
    struct past_session past[WINDOW];
    size_t count;
    int64_t start_ms;
    double gap_s;
};

static int by_length(const void *a, const void *b)
{
    uint32_t x = ((const struct weighted *)a)->ms, y = ((const struct weighted *)b)->ms;
    return (x > y) - (x < y);
}

static bool on_weekend(int64_t s)
{
    int64_t day = (s / 86400 + 4) % WEEKDAYS; /* 1970-01-01 was a Thursday */
    return day == 0 || day == 6;
}

/* w_j of model/PREDICTOR.md, term by term. */
static double weight_of(const struct fixture *f, size_t j)
{
    const struct past_session *past = &f->past[j];
    double hour = (past->start_s % 86400) / 3600.0;
    double dh = fabs(hour - (double)(f->start_ms % 86400000) / 3600000.0);
    if (dh > 12)
        dh = 24 - dh;
    double dg = log(past->gap_s) - log(f->gap_s);
    double age = (double)(f->count - 1 - j);
    return (exp(-pow(dh / 1.25, 2) / 2) + .03) *
           (on_weekend(past->start_s) == on_weekend(f->start_ms / 1000) ? 1 : .5) *
           pow(.5, age / 85) * (exp(-pow(dg / 1.5, 2) / 2) + .1);
}

/* @param slack added to the weight to reach: the sums of the kernel's weights are kept as float, so
 * that an answer may be a neighbour where a sum falls on the target */
static void reference(const struct fixture *f, bool kernel, int64_t elapsed_ms, double slack,
                      double out[QUANTILES])
{
    static const double levels[QUANTILES] = {.1, .5, .9}, beyond[QUANTILES] = {0, 1200, 6000};
    struct weighted all[WINDOW + POOL_VALUES];
    size_t n = 0;
    for (size_t j = 0; j < f->count; j++)
        all[n++] = (struct weighted){f->past[j].length_ms, kernel ? weight_of(f, j) : 40};
    for (size_t i = 0; i < POOL_VALUES; i++)
        all[n++] = (struct weighted){f->pool.ms[i], kernel ? 1.5 / POOL_VALUES : 1};
    qsort(all, n, sizeof *all, by_length);
    double below = 0, rest = 0;
    for (size_t i = 0; i < n; i++)
        *(all[i].ms < elapsed_ms ? &below : &rest) += all[i].weight;
    for (int q = 0; q < QUANTILES; q++) {
        double sum = 0;
        out[q] = beyond[q];
        for (size_t i = 0; i < n && rest > 0; i++) {
            sum += all[i].weight;
            if (all[i].ms >= elapsed_ms && sum >= below + (levels[q] - 1e-9) * rest + slack) {
                out[q] = (double)(all[i].ms - elapsed_ms) / 1000.0;
                break;
            }
        }
    }
}

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){.start_ms = (int64_t)T0 * 1000, .gap_s = 7200};
    void *memory = malloc(km_size_bytes(WINDOW));
    assert_non_null(memory);
    km_place(&f->km, memory, WINDOW);
    for (uint32_t i = 0; i < POOL_VALUES; i++)
        f->pool.ms[i] = i * i * 100; /* 0 .. 15,920 s, squarely */
}

static void fixture_release(struct fixture *f)
{
    free(f->km.value);
}

/* @return answers that slack leaves no choice */
static size_t check(struct fixture *f, int64_t elapsed_ms, const char *what)
{
    size_t exact = 0;
    for (int kernel = 0; kernel < 2; kernel++) {
        double least[QUANTILES], most[QUANTILES], got[QUANTILES];
        double slack = kernel && f->count > 0 ? 1e-5 : 0;
        reference(f, kernel, elapsed_ms, -slack, least);
        reference(f, kernel, elapsed_ms, slack, most);
        (kernel ? km_kernel : km_running)(&f->km, &f->pool, elapsed_ms, got);
        for (int q = 0; q < QUANTILES; q++) {
            exact += least[q] == most[q];
            if (!(got[q] >= least[q] && got[q] <= most[q]))
                fail_msg("%s, %zu sessions, kernel %d, elapsed %lld, quantile %d: %g, not %g .. %g",
                         what, f->count, kernel, (long long)elapsed_ms, q, got[q], least[q],
                         most[q]);
        }
    }
    return exact;
}

/* Asks in no order at all: an answer must not depend on the one before. */
static void check_all(struct fixture *f, struct random *random, const char *what)
{
    static const int64_t elapsed[] = {0,       1,        99,       100,       200000,
                                      1000000, 15920099, 15920100, 100000000, INT64_C(5000000000)};
    enum { FIXED = sizeof elapsed / sizeof *elapsed, ASKED = 60 };
    size_t exact = 0;
    km_build(&f->km, &f->pool, f->past, f->count, f->start_ms, f->gap_s);
    for (int k = 0; k < ASKED; k++) {
        int64_t at = elapsed[random_below(random, FIXED)];
        if (f->count > 0 && k % 2)
            at = (int64_t)f->past[random_below(random, f->count)].length_ms - 1 +
                 (int64_t)random_below(random, 3);
        exact += check(f, at < 0 ? 0 : at, what);
    }
    assert_true(exact > (size_t)ASKED * 2 * QUANTILES * 95 / 100);
}

static void fill(struct fixture *f, size_t count, struct random *random, uint32_t unit_ms,
                 uint32_t units)
{
    f->count = count;
    for (size_t j = 0; j < count; j++) {
        f->past[j] = (struct past_session){
            .start_s = (uint32_t)(T0 - (int)(count - j) * 40000 + (int)random_below(random, 30000)),
            .length_ms = (uint32_t)random_below(random, units) * unit_ms,
            .gap_s = 1 + (double)random_below(random, 100000),
        };
    }
}

static void test_kernel_km_random_rings(void **state)
{
    static const size_t counts[] = {1, 2, 3, 64, 255, 256, WINDOW};
    struct fixture f;
    struct random random;
    (void)state;
    fixture_init(&f);
    random_init(&random, 11, 0);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        fill(&f, counts[c], &random, 1, 15000000);
        check_all(&f, &random, "distinct");
        fill(&f, counts[c], &random, 1000000, 8);
        check_all(&f, &random, "ties");
        fill(&f, counts[c], &random, 1, 16000000);
        for (size_t j = 0; j < counts[c]; j++) {
            uint32_t root = (uint32_t)random_below(&random, POOL_VALUES);
            f.past[j].length_ms = root * root * 100;
        }
        check_all(&f, &random, "lengths of the pool");
        fill(&f, counts[c], &random, UINT32_MAX / 4, 5);
        check_all(&f, &random, "up to 49 days");
    }
    fixture_release(&f);
}

static void test_kernel_km_empty_ring(void **state)
{
    struct fixture f;
    struct random random;
    (void)state;
    fixture_init(&f);
    random_init(&random, 3, 0);
    check_all(&f, &random, "the pool alone");
    double got[QUANTILES];
    km_kernel(&f.km, &f.pool, 0, got);
    /* the 40th, 200th and 360th of 400 values */
    assert_true(got[0] == 39 * 3.9 && got[1] == 199 * 19.9 && got[2] == 359 * 35.9);
    fixture_release(&f);
}

static void test_kernel_km_elapsed_past_all(void **state)
{
    struct fixture f;
    struct random random;
    (void)state;
    fixture_init(&f);
    random_init(&random, 5, 0);
    fill(&f, 100, &random, 1000, 100);
    km_build(&f.km, &f.pool, f.past, f.count, f.start_ms, f.gap_s);
    const int64_t past_all[] = {399 * 399 * 100 + 1, UINT32_MAX, (int64_t)UINT32_MAX + 1,
                                INT64_MAX};
    for (size_t e = 0; e < sizeof past_all / sizeof *past_all; e++) {
        double got[QUANTILES];
        km_kernel(&f.km, &f.pool, past_all[e], got);
        assert_true(got[0] == 0 && got[1] == 1200 && got[2] == 6000);
        km_running(&f.km, &f.pool, past_all[e], got);
        assert_true(got[0] == 0 && got[1] == 1200 && got[2] == 6000);
    }
    fixture_release(&f);
}

/* The weight's terms, one at a time: the session that is more like this one counts more. */
static void test_kernel_km_weights(void **state)
{
    /* T0 is a Monday 23:00; the second of two sessions is the one of age 0 */
    static const struct {
        const char *what;
        struct past_session past;
    } table[] = {
        {"the same hour", {T0 - 86400, 1000, 0, 7200}},
        {"six hours off", {T0 - 86400 - 21600, 1000, 0, 7200}},
        {"an hour off, past midnight", {T0 - 86400 + 3600 + 1800, 1000, 0, 7200}},
        {"on a Sunday", {T0 - 86400 - 3600, 1000, 0, 7200}},
        {"on a Saturday", {T0 - 2 * 86400 - 3600, 1000, 0, 7200}},
        {"a gap of a week", {T0 - 7 * 86400, 1000, 0, 604800}},
        {"a gap of a second", {T0 - 7 * 86400, 1000, 0, 1}},
    };
    (void)state;
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        f.past[0] = table[i].past;
        f.past[1] = (struct past_session){T0 - 40000, 2000, 0, 40000};
        f.count = 2;
        km_build(&f.km, &f.pool, f.past, f.count, f.start_ms, f.gap_s);
        for (size_t j = 0; j < 2; j++) {
            double weight = (double)(f.km.value[j].cumulated - (j ? f.km.value[0].cumulated : 0));
            double expected = weight_of(&f, j);
            if (fabs(weight / expected - 1) > 1e-4)
                fail_msg("%s: weight %zu is %.17g, expected %.17g", table[i].what, j, weight,
                         expected);
        }
    }
    fixture_release(&f);
}

static void test_kernel_km_weights_to_13_digits(void **state)
{
    static const size_t counts[] = {1, 7, 256};
    struct fixture f;
    struct random random;
    (void)state;
    fixture_init(&f);
    random_init(&random, 8, 0);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        uint32_t start_s[WINDOW];
        double gap_s[WINDOW], weight[WINDOW];
        fill(&f, counts[c], &random, 1, 1000);
        for (size_t j = 0; j < f.count; j++) {
            start_s[j] = f.past[j].start_s;
            gap_s[j] = f.past[j].gap_s;
        }
        kernel_weights(f.count, start_s, gap_s, hour_of_day(f.start_ms), is_weekend(f.start_ms),
                       f.gap_s, weight);
        for (size_t j = 0; j < f.count; j++)
            assert_true(fabs(weight[j] / weight_of(&f, j) - 1) < 1e-13);
    }
    fixture_release(&f);
}

/* KM static: lengths that are there already, each of one weight. */
static void test_kernel_km_index_of_ascending_lengths(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    static const uint32_t lengths[] = {0, 0, 60000, 60000, 900000, 15920100, 99999999};
    f.count = sizeof lengths / sizeof *lengths;
    for (size_t j = 0; j < f.count; j++) {
        f.past[j] = (struct past_session){.start_s = T0, .length_ms = lengths[j], .gap_s = 1};
        f.km.value[j].length_ms = lengths[j];
    }
    km_index_pool(&f.km, &f.pool, (uint32_t)f.count);
    for (int64_t elapsed = 0; elapsed <= 100000000; elapsed += 59999) {
        double expected[QUANTILES], got[QUANTILES];
        reference(&f, false, elapsed, 0, expected);
        km_running(&f.km, &f.pool, elapsed, got);
        assert_memory_equal(got, expected, sizeof got);
    }
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_km_random_rings),
        cmocka_unit_test(test_kernel_km_empty_ring),
        cmocka_unit_test(test_kernel_km_elapsed_past_all),
        cmocka_unit_test(test_kernel_km_weights),
        cmocka_unit_test(test_kernel_km_weights_to_13_digits),
        cmocka_unit_test(test_kernel_km_index_of_ascending_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
