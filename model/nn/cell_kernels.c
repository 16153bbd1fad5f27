#include "nn/cell_kernels.h"

#include <string.h>

#include "nn/activation.h"
#include "core/simd.h"

#define KERNEL(name) portable_##name
#define KERNEL_NAME  "portable"
#define KERNEL_TARGET
#define VECTOR_BYTES 16
#define TILE_ROWS    4
#define TILE_VECTORS 2
#include "nn/cell_kernels_body.h"

#ifdef __x86_64__
#define KERNEL(name)  avx2_##name
#define KERNEL_NAME   "avx2"
#define KERNEL_TARGET SIMD_TARGET_AVX2
#define VECTOR_BYTES  32
#define TILE_ROWS     6
#define TILE_VECTORS  2
#include "nn/cell_kernels_body.h"

#define KERNEL(name)  avx512_##name
#define KERNEL_NAME   "avx512"
#define KERNEL_TARGET SIMD_TARGET_AVX512
#define VECTOR_BYTES  64
#define TILE_ROWS     6
#define TILE_VECTORS  4
#include "nn/cell_kernels_body.h"
#endif

static const struct cell_kernels *const by_simd[SIMDS] = {
#ifdef __x86_64__
    [SIMD_AVX512] = &avx512_cell_kernels,
    [SIMD_AVX2] = &avx2_cell_kernels,
#endif
    [SIMD_PORTABLE] = &portable_cell_kernels,
};

size_t cell_kernels_usable(const struct cell_kernels *out[SIMDS])
{
    enum simd simd[SIMDS];
    size_t count = simd_usable(simd);
    for (size_t i = 0; i < count; i++)
        out[i] = by_simd[simd[i]];
    return count;
}

const struct cell_kernels *cell_kernels_best(void)
{
    const struct cell_kernels *usable[SIMDS];
    cell_kernels_usable(usable);
    return usable[0];
}
