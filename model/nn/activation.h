/* activation.h - exp, sigmoid and tanh that a compiler turns into vector code: no call, no branch,
 * no table. exp: relative error <= 2e-7 on [-87, 88], clamped outside, so that nothing overflows
 * and a NaN becomes the lower bound. sigmoid, tanh: absolute error <= 1e-6 everywhere. Source:
 * range reduction to 2^n e^r, |r| <= ln 2 / 2, and the polynomial of Cephes expf (S. Moshier).
 * Header only. */
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

ACTIVATION_INLINE float sigmoid_float(float x)
{
    return 1.0f / (1.0f + exp_float(-x));
}

ACTIVATION_INLINE float tanh_float(float x)
{
    return 2.0f / (1.0f + exp_float(-2.0f * x)) - 1.0f;
}

/* What training calls: the approximations, or libm's when the gradient checks run in double. */
#ifdef OUTRO_REAL_DOUBLE
ACTIVATION_INLINE real sigmoid_real(real x)
{
    return 1 / (1 + exp(-x));
}
ACTIVATION_INLINE real tanh_real(real x)
{
    return tanh(x);
}
#else
ACTIVATION_INLINE real sigmoid_real(real x)
{
    return sigmoid_float(x);
}
ACTIVATION_INLINE real tanh_real(real x)
{
    return tanh_float(x);
}
#endif

#endif
