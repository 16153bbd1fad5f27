#include "cluster/distances.h"

#include <math.h>

#define KERNEL(name) portable_##name
#define KERNEL_NAME  "portable"
#define KERNEL_TARGET
#define VECTOR_BYTES 16
#include "cluster/distances_body.h"

#ifdef __x86_64__
#define KERNEL(name)  avx2_##name
#define KERNEL_NAME   "avx2"
#define KERNEL_TARGET SIMD_TARGET_AVX2
#define VECTOR_BYTES  32
#include "cluster/distances_body.h"

#define KERNEL(name)  avx512_##name
#define KERNEL_NAME   "avx512"
#define KERNEL_TARGET SIMD_TARGET_AVX512
#define VECTOR_BYTES  64
#include "cluster/distances_body.h"
#endif

static const struct distance_kernels *const by_simd[SIMDS] = {
#ifdef __x86_64__
    [SIMD_AVX512] = &avx512_distance_kernels,
    [SIMD_AVX2] = &avx2_distance_kernels,
#endif
    [SIMD_PORTABLE] = &portable_distance_kernels,
};

size_t distance_kernels_usable(const struct distance_kernels *out[SIMDS])
{
    enum simd simd[SIMDS];
    size_t count = simd_usable(simd);
    for (size_t i = 0; i < count; i++)
        out[i] = by_simd[simd[i]];
    return count;
}

const struct distance_kernels *distance_kernels_best(void)
{
    const struct distance_kernels *usable[SIMDS];
    distance_kernels_usable(usable);
    return usable[0];
}
