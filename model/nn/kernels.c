#include "nn/kernels.h"

#include "nn/activation.h"
#include "core/simd.h"

/* A correction beyond e^+-30 is no prediction but a broken net; clamping there keeps its seconds
 * finite. */
#define CORRECTION_MAX 30.0f

/* Inputs of a product at a time, at most: so much of a panel stays in the first-level cache. */
#define PART_INPUTS 144

/* Where a product stands: inputs first .. first + inputs - 1 of all. */
struct part {
    const struct packed *w;
    size_t rows, first, inputs;
    struct kernel_input x[2]; /* of these inputs */
    bool start_at_y;          /* else at the bias */
    float *y;
    size_t y_stride;
};

/* Those of inputs first .. first + count - 1 that lie in x, which begins at input `begin`. */
static struct kernel_input cut(const struct kernel_input *x, size_t begin, size_t first,
                               size_t count)
{
    size_t end = begin + x->count, from = first > begin ? first : begin;
    size_t to = first + count < end ? first + count : end;
    if (from >= to)
        return (struct kernel_input){x->row, 0, 0};
    return (struct kernel_input){x->row, x->at + from - begin, to - from};
}

/* Moves to the next inputs of x; parts are alike, so that none is short. @return false: no more */
static bool next_part(struct part *part, const struct kernel_input x[2])
{
    size_t all = part->w->inputs, parts = (all + PART_INPUTS - 1) / PART_INPUTS;
    size_t size = parts ? (all + parts - 1) / parts : 0;
    part->first += part->inputs;
    part->start_at_y = part->start_at_y || part->first > 0;
    part->inputs = all - part->first < size ? all - part->first : size;
    part->x[0] = cut(&x[0], 0, part->first, part->inputs);
    part->x[1] = cut(&x[1], x[0].count, part->first, part->inputs);
    return part->inputs > 0;
}

/* The gates' function: gate is a constant, so one of these is left. A hard sigmoid of NaN is 0. */
ACTIVATION_INLINE float gate_float(float bound, const enum gate_function gate, float x)
{
    if (gate == GATE_HARD_FIFTH)
        return clamp_float(x / 5 + .5f, 0, 1);
    if (gate == GATE_HARD_SIXTH)
        return clamp_float(x / 6 + .5f, 0, 1);
    return sigmoid_float(bound, x);
}

/* Sigmoids and tanhs that meet in one formula share its divisions, which cost as much as their
 * exponentials: s(a) = 1 / (1 + u), tanh(b) = (1 - v) / (1 + v) with u = e^-a, v = e^-2b. */

/* (1-z) n + z h of what z and n are functions of. */
ACTIVATION_INLINE float gru_blend_float(float bound, const enum gate_function gate, float z,
                                        float n, float h)
{
    if (gate == GATE_SIGMOID) {
        float u = exp_bounded(bound, -1, z), v = exp_bounded(bound, -2, n);
        return ((1 - v) * u + h * (1 + v)) / ((1 + u) * (1 + v));
    }
    n = tanh_float(bound, n);
    return n + gate_float(bound, gate, z) * (h - n);
}

/* f c + i g, the same. */
ACTIVATION_INLINE float lstm_carry_float(float bound, const enum gate_function gate, float i,
                                         float f, float g, float c)
{
    if (gate == GATE_SIGMOID) {
        float u = 1 + exp_bounded(bound, -1, i), w = 1 + exp_bounded(bound, -1, f),
              v = exp_bounded(bound, -2, g);
        float in = u * (1 + v);
        return (c * in + (1 - v) * w) / (in * w);
    }
    return gate_float(bound, gate, f) * c + gate_float(bound, gate, i) * tanh_float(bound, g);
}

/* o tanh(c), the same. */
ACTIVATION_INLINE float lstm_output_float(float bound, const enum gate_function gate, float o,
                                          float c)
{
    if (gate == GATE_SIGMOID) {
        float v = exp_bounded(bound, -2, c);
        return (1 - v) / ((1 + exp_bounded(bound, -1, o)) * (1 + v));
    }
    return gate_float(bound, gate, o) * tanh_float(bound, c);
}

#define KERNEL(name) portable_##name
#define KERNEL_NAME  "portable"
#define KERNEL_TARGET
#define VECTOR_BYTES 16
#define TILE_ROWS    4
#define TILE_VECTORS 2
#define ROW_VECTORS  8
#include "nn/kernels_body.h"

#ifdef __x86_64__
#define KERNEL(name)  avx2_##name
#define KERNEL_NAME   "avx2"
#define KERNEL_TARGET SIMD_TARGET_AVX2
#define VECTOR_BYTES  32
#define TILE_ROWS     6
#define TILE_VECTORS  2
#define ROW_VECTORS   8
#include "nn/kernels_body.h"

#define KERNEL(name)  avx512_##name
#define KERNEL_NAME   "avx512"
#define KERNEL_TARGET SIMD_TARGET_AVX512
#define VECTOR_BYTES  64
#define TILE_ROWS     8
#define TILE_VECTORS  2
#define ROW_VECTORS   8
#define HALF(name)    avx2_##name
#include "nn/kernels_body.h"
#endif

static const struct kernels *const by_simd[SIMDS] = {
#ifdef __x86_64__
    [SIMD_AVX512] = &avx512_kernels,
    [SIMD_AVX2] = &avx2_kernels,
#endif
    [SIMD_PORTABLE] = &portable_kernels,
};

size_t kernels_usable(const struct kernels *out[SIMDS])
{
    enum simd simd[SIMDS];
    size_t count = simd_usable(simd);
    for (size_t i = 0; i < count; i++)
        out[i] = by_simd[simd[i]];
    return count;
}

const struct kernels *kernels_best(void)
{
    const struct kernels *usable[SIMDS];
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
