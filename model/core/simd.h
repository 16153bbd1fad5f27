/* simd.h - which vector instructions this CPU has, for loops that are compiled once a width
 * (nn/kernels.c, cluster/distances.c). Chosen by hand rather than by target_clones: its resolvers
 * run before a sanitizer is ready. */
#ifndef OUTRO_CORE_SIMD_H
#define OUTRO_CORE_SIMD_H

#include <stddef.h>

/* The widest first. */
enum simd { SIMD_AVX512, SIMD_AVX2, SIMD_PORTABLE, SIMDS };

#define SIMD_TARGET_AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx2,fma")))
#define SIMD_TARGET_AVX2   __attribute__((target("avx2,fma")))

/* A tile must lie in registers, so its loops must go before the compiler looks for arrays to
 * split; clang does that by itself and does not know the pragma. */
#ifdef __clang__
#define UNROLL
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/** Those of this CPU, the widest first. @return how many, at least 1 */
static inline size_t simd_usable(enum simd out[SIMDS])
{
    size_t count = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        out[count++] = SIMD_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        out[count++] = SIMD_AVX2;
#endif
    out[count++] = SIMD_PORTABLE;
    return count;
}

#endif
