#include "nn/kernels.h"

#include "nn/activation.h"

/* A correction beyond e^+-30 is no prediction but a broken net; clamping there keeps its seconds
 * finite. */
#define CORRECTION_MAX 30.0f

#define PART_INPUTS 128 /* of a product at a time: 16 KiB of a panel */

/* The gates' function: gate is a constant, so one of these is left. A hard sigmoid of NaN is 0. */
ACTIVATION_INLINE float gate_float(const enum gate_function gate, float x)
{
    if (gate == GATE_HARD_FIFTH)
        return clamp_float(x / 5 + .5f, 0, 1);
    if (gate == GATE_HARD_SIXTH)
        return clamp_float(x / 6 + .5f, 0, 1);
    return sigmoid_float(x);
}

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
#define ROW_VECTORS  8
#include "nn/kernels_body.h"

/* Chosen by hand rather than by target_clones: its resolvers run before a sanitizer is ready. */
#ifdef __x86_64__
#define KERNEL(name)  avx2_##name
#define KERNEL_NAME   "avx2"
#define KERNEL_TARGET __attribute__((target("avx2,fma")))
#define VECTOR_BYTES  32
#define TILE_ROWS     6
#define TILE_VECTORS  2
#define ROW_VECTORS   8
#include "nn/kernels_body.h"

#define KERNEL(name)  avx512_##name
#define KERNEL_NAME   "avx512"
#define KERNEL_TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx2,fma")))
#define VECTOR_BYTES  64
#define TILE_ROWS     8
#define TILE_VECTORS  2
#define ROW_VECTORS   8
#include "nn/kernels_body.h"
#endif

size_t kernels_usable(const struct kernels *out[3])
{
    size_t count = 0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        out[count++] = &avx512_kernels;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        out[count++] = &avx2_kernels;
#endif
    out[count++] = &portable_kernels;
    return count;
}

const struct kernels *kernels_best(void)
{
    const struct kernels *usable[3];
    kernels_usable(usable);
    return usable[0];
}

void packed_add(const struct packed *to, size_t first_input, size_t first_output, const float *w,
                size_t w_stride, size_t outputs, size_t inputs)
{
    for (size_t o = 0; o < outputs; o++) {
        size_t column = first_output + o;
        float *panel = to->panels + column / KERNEL_PANEL * to->inputs * KERNEL_PANEL;
        for (size_t i = 0; i < inputs; i++)
            panel[(first_input + i) * KERNEL_PANEL + column % KERNEL_PANEL] += w[o * w_stride + i];
    }
}
