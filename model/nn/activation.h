/* activation.h - exp, sigmoid and tanh that a compiler turns into vector code: no call, no branch,
 * no table. exp: relative error <= 2e-7 on [-87, 88], clamped outside, so that nothing overflows
 * and a NaN becomes the lower bound. Source: range reduction to 2^n e^r, |r| <= ln 2 / 2, and the
 * polynomial of Cephes expf (S. Moshier). sigmoid, tanh: absolute error <= 1e-6 everywhere, by a
 * shorter 2^x. A loop asks activation_bound() once, before it. Header only. */
#ifndef OUTRO_NN_ACTIVATION_H
#define OUTRO_NN_ACTIVATION_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "nn/real.h"

#define ACTIVATION_INLINE static inline __attribute__((always_inline))

/* Written so that a NaN fails the first comparison. */
ACTIVATION_INLINE float clamp_float(float x, float low, float high)
{
    x = x > low ? x : low;
    return x < high ? x : high;
}

ACTIVATION_INLINE float exp_float(float x)
{
    /* 1.5 * 2^23: adding it leaves the nearest integer in the low bits of the sum. */
    const float round = 12582912.0f;
    x = clamp_float(x, -87.0f, 88.0f);
    float shifted = x * 1.44269504f + round;
    float n = shifted - round;
    float r = x - n * 0.693359375f; /* ln 2 in two parts, the first exact */
    r = r - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits - 0x4b400000u + 127u) << 23; /* 2^n, from the integer in shifted */
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

/** How far the exponents of sigmoid and tanh go, 2^+-40: 1e-12 near the truth, and a product of
 * three stays finite. A loop hands it down: of a bound that it knows a compiler makes comparisons
 * and blends, of another one two instructions, min and max, a third of what a gate costs. */
ACTIVATION_INLINE float activation_bound(void)
{
    static const volatile float bound = 40.0f;
    return bound;
}

/* 2^x, x clamped to +-bound: 2^n 2^f, |f| <= 1/2, the second by the polynomial of fifth degree of
 * least relative error (1e-7), the first added to its exponent. */
ACTIVATION_INLINE float exp2_bounded(float bound, float x)
{
    const float round = 12582912.0f; /* 1.5 * 2^23, as in exp_float() */
    x = clamp_float(x, -bound, bound);
    float shifted = x + round;
    float f = x - (shifted - round);
    float p = 1.326472725e-3f;
    p = p * f + 9.671512688e-3f;
    p = p * f + 5.550733744e-2f;
    p = p * f + 2.402224208e-1f;
    p = p * f + 6.931469776e-1f;
    p = p * f + 1.0f;
    uint32_t bits, n;
    memcpy(&n, &shifted, sizeof n);
    memcpy(&bits, &p, sizeof bits);
    bits += n << 23; /* what round left above n falls out */
    memcpy(&p, &bits, sizeof p);
    return p;
}

/* e^(k x) of a constant k. */
ACTIVATION_INLINE float exp_bounded(float bound, const float k, float x)
{
    return exp2_bounded(bound, x * (k * 1.44269504f));
}

ACTIVATION_INLINE float sigmoid_float(float bound, float x)
{
    return 1.0f / (1.0f + exp_bounded(bound, -1, x));
}

ACTIVATION_INLINE float tanh_float(float bound, float x)
{
    return 2.0f / (1.0f + exp_bounded(bound, -2, x)) - 1.0f;
}

/* What training calls: the approximations, or libm's when the gradient checks run in double. */
#ifdef OUTRO_REAL_DOUBLE
ACTIVATION_INLINE real sigmoid_real(float bound, real x)
{
    (void)bound;
    return 1 / (1 + exp(-x));
}
ACTIVATION_INLINE real tanh_real(float bound, real x)
{
    (void)bound;
    return tanh(x);
}
#else
ACTIVATION_INLINE real sigmoid_real(float bound, real x)
{
    return sigmoid_float(bound, x);
}
ACTIVATION_INLINE real tanh_real(float bound, real x)
{
    return tanh_float(bound, x);
}
#endif

#endif
