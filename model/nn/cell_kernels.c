#include "nn/cell_kernels.h"

#include <string.h>

#include "nn/activation.h"

/* The tile must lie in registers, so its loops must go before the compiler looks for arrays to
 * split; clang does that by itself and does not know the pragma. */
#ifdef __clang__
#define UNROLL
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

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
#define KERNEL_TARGET __attribute__((target("avx2,fma")))
#define VECTOR_BYTES  32
#define TILE_ROWS     6
#define TILE_VECTORS  2
#include "nn/cell_kernels_body.h"

#define KERNEL(name)  avx512_##name
#define KERNEL_NAME   "avx512"
#define KERNEL_TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx2,fma")))
#define VECTOR_BYTES  64
#define TILE_ROWS     6
#define TILE_VECTORS  4
#include "nn/cell_kernels_body.h"
#endif

size_t cell_kernels_usable(const struct cell_kernels *out[3])
{
    size_t count = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        out[count++] = &avx512_cell_kernels;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        out[count++] = &avx2_cell_kernels;
#endif
    out[count++] = &portable_cell_kernels;
    return count;
}

const struct cell_kernels *cell_kernels_best(void)
{
    const struct cell_kernels *usable[3];
    cell_kernels_usable(usable);
    return usable[0];
}
