#include "stream/kernel_weights.h"

#include <math.h>
#include <string.h>

#define HOUR_WIDTH  1.25
#define GAP_WIDTH   1.5
#define AGE_HALF    85.0
#define HOUR_FLOOR  .03
#define GAP_FLOOR   .1
#define OTHER_KIND  .5 /* factor when one is on a weekend and the other is not */
#define SIGNIFICAND (INT64_C(1) << 52)

#define INLINE static inline __attribute__((always_inline))

INLINE int64_t bits_of(double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

INLINE double double_of(int64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp(x) for -700 < x <= 0 as 2^k p(r): Taylor to r^13 on |r| <= ln 2 / 2. */
INLINE double exp_negative(double x)
{
    const double log2e = 1.4426950408889634, ln2_high = 0x1.62e42fefa39efp-1,
                 ln2_low = 0x1.abc9e3b39803fp-56, shift = 0x1.8p52;
    double k = x * log2e + shift; /* rounds to the nearest integer, which the low bits then hold */
    int64_t scale = (int64_t)((uint64_t)bits_of(k) << 52) + INT64_C(1023) * SIGNIFICAND;
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
    return p * double_of(scale);
}

/* ln x for finite x >= 1: x = 2^k m with m in [sqrt 1/2, sqrt 2), ln m = 2 artanh((m - 1)/(m + 1))
 * by its series. */
INLINE double ln_positive(double x)
{
    const double ln2 = 0x1.62e42fefa39efp-1, shift = 0x1.8p52;
    const int64_t half_root = INT64_C(0x3fe6a09e667f3bcd); /* of sqrt 1/2 */
    int64_t k = (bits_of(x) - half_root) >> 52;
    double m = double_of(bits_of(x) - k * SIGNIFICAND);
    double k_double = double_of(bits_of(shift) + k) -
                      shift; /* no conversion of 64-bit integers without AVX-512 */
    double s = (m - 1) / (m + 1), t = s * s;
    double p = 1.0 / 19;
    p = p * t + 1.0 / 17;
    p = p * t + 1.0 / 15;
    p = p * t + 1.0 / 13;
    p = p * t + 1.0 / 11;
    p = p * t + 1.0 / 9;
    p = p * t + 1.0 / 7;
    p = p * t + 1.0 / 5;
    p = p * t + 1.0 / 3;
    p = p * t + 1.0;
    return k_double * ln2 + 2 * s * p;
}

/* w_j = (exp(-(dh/1.25)^2/2) + .03) * (1 if both or neither on a weekend else .5) * .5^(a/85)
 *       * (exp(-((ln g_j - ln g_k)/1.5)^2/2) + .1) */
INLINE void weigh(size_t count, const uint32_t *start_s, const double *gap_s, double hour_now,
                  uint32_t weekend_now, double ln_gap_now, double *weight)
{
    const double age_rate = -M_LN2 / AGE_HALF;
    for (size_t j = 0; j < count; j++) {
        uint32_t day = start_s[j] / 86400;
        double hour = (double)(int32_t)(start_s[j] - day * 86400) / 3600.0;
        uint32_t weekday = (day + 4) % 7; /* 0 Sunday */
        uint32_t weekend = (weekday == 0) | (weekday == 6);
        double dh = fabs(hour - hour_now);
        dh = (dh > 12 ? 24 - dh : dh) / HOUR_WIDTH;
        double dg = (ln_positive(gap_s[j]) - ln_gap_now) / GAP_WIDTH;
        double age = (double)(int32_t)(count - 1 - j);
        weight[j] = (exp_negative(-.5 * dh * dh) + HOUR_FLOOR) *
                    (weekend == weekend_now ? 1 : OTHER_KIND) * exp_negative(age * age_rate) *
                    (exp_negative(-.5 * dg * dg) + GAP_FLOOR);
    }
}

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512dq,avx512vl,fma"))) static void
weigh_avx512(size_t count, const uint32_t *start_s, const double *gap_s, double hour_now,
             uint32_t weekend_now, double ln_gap_now, double *weight)
{
    weigh(count, start_s, gap_s, hour_now, weekend_now, ln_gap_now, weight);
}

__attribute__((target("avx2,fma"))) static void weigh_avx2(size_t count, const uint32_t *start_s,
                                                           const double *gap_s, double hour_now,
                                                           uint32_t weekend_now, double ln_gap_now,
                                                           double *weight)
{
    weigh(count, start_s, gap_s, hour_now, weekend_now, ln_gap_now, weight);
}
#endif

void kernel_weights(size_t count, const uint32_t *start_s, const double *gap_s, double hour_now,
                    bool weekend_now, double gap_now_s, double *weight)
{
    double ln_gap_now = log(gap_now_s);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        weigh_avx512(count, start_s, gap_s, hour_now, weekend_now, ln_gap_now, weight);
        return;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        weigh_avx2(count, start_s, gap_s, hour_now, weekend_now, ln_gap_now, weight);
        return;
    }
#endif
    weigh(count, start_s, gap_s, hour_now, weekend_now, ln_gap_now, weight);
}
