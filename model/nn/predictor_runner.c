#include <assert.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "nn/activation.h"
#include "nn/kernels.h"
#include "nn/predictor.h"
#include "nn/scaler.h"

#define ALIGN 64 /* of the packed weights: a cache line, the widest vector */

/* Weights are turned to (inputs, outputs), so that a vector holds neighbouring outputs, and padded
 * with zeros: padded gates keep padded states at zero, padded outputs are never read. H and D below
 * are padded; G = 4 H: r, z, hU_n, xW_n. */
struct predictor_runner {
    const struct predictor *predictor; /* borrowed */
    const struct kernels *kernels;
    size_t rows_max;
    size_t hidden, dense; /* H, D */
    float *memory;        /* owned; what follows points into it */
    float *gates_bias;    /* (G) */
    float *gates_x;       /* (13,G), third block empty */
    float *gates_h;       /* (H,G), fourth block empty */
    float *base_w;        /* (H+14,D) */
    float *base_b;        /* (D) */
    float *live_w;        /* (16,D) */
    float *middle_w;      /* (D,D) */
    float *middle_b;      /* (D) */
    float *last_w;        /* (D,KERNEL_PAD) */
    float *last_b;        /* (KERNEL_PAD) */
    /* scratch, KERNEL_ROWS rows of each */
    float *input;  /* (H+14), padded */
    float *gates;  /* (G) */
    float *states; /* (H) */
    float *first;  /* (D) */
    float *second; /* (D) */
    float *output; /* (KERNEL_PAD) */
};

static size_t padded(size_t width)
{
    return (width + KERNEL_PAD - 1) / KERNEL_PAD * KERNEL_PAD;
}

static size_t input_stride(const struct predictor_runner *runner)
{
    return padded(net_output_width(&runner->predictor->spec) + START_FEATURES);
}

/* One block for everything, zeroed: the padding counts on it. */
static int runner_allocate(struct predictor_runner *runner)
{
    size_t h = runner->hidden, d = runner->dense, rows = KERNEL_ROWS;
    size_t inputs = input_stride(runner);
    const struct {
        float **at;
        size_t floats;
    } parts[] = {
        {&runner->gates_bias, 4 * h},
        {&runner->gates_x, STEP_INPUTS * 4 * h},
        {&runner->gates_h, h * 4 * h},
        {&runner->base_w, inputs * d},
        {&runner->base_b, d},
        {&runner->live_w, LIVE_FEATURES * d},
        {&runner->middle_w, d * d},
        {&runner->middle_b, d},
        {&runner->last_w, d * KERNEL_PAD},
        {&runner->last_b, KERNEL_PAD},
        {&runner->input, rows * inputs},
        {&runner->gates, rows * 4 * h},
        {&runner->states, rows * h},
        {&runner->first, rows * d},
        {&runner->second, rows * d},
        {&runner->output, rows * KERNEL_PAD},
    };
    size_t floats = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        floats += parts[i].floats;
    runner->memory = aligned_alloc(ALIGN, floats * sizeof(float));
    if (!runner->memory)
        return -1;
    memset(runner->memory, 0, floats * sizeof(float));
    float *cursor = runner->memory;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].at = cursor;
        cursor += parts[i].floats;
    }
    return 0;
}

/* out (columns,out_stride) = the transpose of w (rows of w_stride, columns of them taken from w
 * on). */
static void pack(float *out, size_t out_stride, const float *w, size_t w_stride, size_t rows,
                 size_t columns)
{
    for (size_t o = 0; o < rows; o++)
        for (size_t i = 0; i < columns; i++)
            out[i * out_stride + o] = w[o * w_stride + i];
}

/* PyTorch's blocks r z n become r z at 0 and 1, n's recurrent part at 2 and its input part at 3:
 * those stay apart until r is known. */
static void pack_gru(struct predictor_runner *runner, const struct net_tensor *tensor)
{
    const float *params = runner->predictor->params;
    size_t h = net_output_width(&runner->predictor->spec), hp = runner->hidden;
    const float *w_ih = params + tensor[0].offset, *w_hh = params + tensor[1].offset;
    const float *b_ih = params + tensor[2].offset, *b_hh = params + tensor[3].offset;
    for (size_t gate = 0; gate < 3; gate++) {
        size_t x_block = gate == 2 ? 3 : gate;
        pack(runner->gates_x + x_block * hp, 4 * hp, w_ih + gate * h * STEP_INPUTS, STEP_INPUTS, h,
             STEP_INPUTS);
        pack(runner->gates_h + gate * hp, 4 * hp, w_hh + gate * h * h, h, h, h);
        for (size_t j = 0; j < h; j++) {
            runner->gates_bias[x_block * hp + j] += b_ih[gate * h + j];
            runner->gates_bias[gate * hp + j] += b_hh[gate * h + j];
        }
    }
}

static void pack_head(struct predictor_runner *runner, const struct net_tensor *tensor)
{
    const float *params = runner->predictor->params;
    size_t h = net_output_width(&runner->predictor->spec),
           d = runner->predictor->spec.dense[0].width;
    size_t dp = runner->dense, inputs = h + START_FEATURES + LIVE_FEATURES;
    const float *first = params + tensor[0].offset;
    pack(runner->base_w, dp, first, inputs, d, h + START_FEATURES);
    pack(runner->live_w, dp, first + h + START_FEATURES, inputs, d, LIVE_FEATURES);
    memcpy(runner->base_b, params + tensor[1].offset, d * sizeof(float));
    pack(runner->middle_w, dp, params + tensor[2].offset, d, d, d);
    memcpy(runner->middle_b, params + tensor[3].offset, d * sizeof(float));
    pack(runner->last_w, KERNEL_PAD, params + tensor[4].offset, d, QUANTILES, d);
    memcpy(runner->last_b, params + tensor[5].offset, QUANTILES * sizeof(float));
}

/* The one network that is served: a GRU or none, two ReLU layers of one width, quantiles. */
static bool is_served(const struct net_spec *spec)
{
    struct net_spec known = PREDICTOR_SPEC((uint32_t)net_output_width(spec), spec->dense[0].width);
    char net[2][NET_TEXT_MAX], head[2][NET_TEXT_MAX];
    net_spec_print(spec, net[0], head[0]);
    net_spec_print(&known, net[1], head[1]);
    return strcmp(net[0], net[1]) == 0 && strcmp(head[0], head[1]) == 0;
}

struct predictor_runner *predictor_runner_new(const struct predictor *predictor, size_t rows_max,
                                              struct err *err)
{
    if (!is_served(&predictor->spec)) {
        err_set(err, ERR_SHAPE, "one GRU and two ReLU layers of one width are served, no others");
        return NULL;
    }
    struct predictor_runner *runner = calloc(1, sizeof *runner);
    if (!runner)
        goto fail;
    runner->predictor = predictor;
    runner->kernels = kernels_best();
    runner->rows_max = rows_max;
    runner->hidden = padded(net_output_width(&predictor->spec));
    runner->dense = padded(predictor->spec.dense[0].width);
    if (runner_allocate(runner))
        goto fail;
    struct net_tensor tensor[NET_TENSORS_MAX];
    net_tensors(&predictor->spec, tensor);
    if (runner->hidden)
        pack_gru(runner, tensor);
    pack_head(runner, tensor + (runner->hidden ? 4 : 0));
    return runner;
fail:
    free(runner);
    err_set(err, ERR_MEMORY, "no memory to run a predictor");
    return NULL;
}

void predictor_runner_free(struct predictor_runner *runner)
{
    if (!runner)
        return;
    free(runner->memory);
    free(runner);
}

void predictor_runner_use(struct predictor_runner *runner, const struct kernels *kernels)
{
    runner->kernels = kernels;
}

static void fill_rows(size_t rows, size_t width, const float *value, float *out)
{
    for (size_t row = 0; row < rows; row++)
        memcpy(out + row * width, value, width * sizeof(float));
}

static size_t at_most(size_t rows, size_t limit)
{
    return rows < limit ? rows : limit;
}

static void step_block(struct predictor_runner *runner, size_t rows, const float *x,
                       float *const *h)
{
    const struct kernels *k = runner->kernels;
    const struct predictor_scaler *scaler = &runner->predictor->scaler;
    size_t units = net_output_width(&runner->predictor->spec), hp = runner->hidden, g = 4 * hp;
    size_t stride = input_stride(runner);
    for (size_t row = 0; row < rows; row++)
        memcpy(runner->states + row * hp, h[row], units * sizeof(float));
    scaler_apply(rows, STEP_INPUTS, x, scaler->step_mean, scaler->step_inverse_sd, runner->input,
                 stride);
    fill_rows(rows, g, runner->gates_bias, runner->gates);
    k->product(rows, STEP_INPUTS, 2 * hp, runner->input, stride, runner->gates_x, g, runner->gates,
               g);
    k->product(rows, STEP_INPUTS, hp, runner->input, stride, runner->gates_x + 3 * hp, g,
               runner->gates + 3 * hp, g);
    k->product(rows, units, 3 * hp, runner->states, hp, runner->gates_h, g, runner->gates, g);
    k->gru_gates(rows, hp, runner->gates, runner->states);
    for (size_t row = 0; row < rows; row++)
        memcpy(h[row], runner->states + row * hp, units * sizeof(float));
}

void predictor_step(struct predictor_runner *runner, size_t rows, const float *x, float *const *h)
{
    assert(rows <= runner->rows_max);
    if (!runner->hidden)
        return;
    for (size_t done = 0; done < rows; done += KERNEL_ROWS)
        step_block(runner, at_most(rows - done, KERNEL_ROWS), x + done * STEP_INPUTS, h + done);
}

static void base_block(struct predictor_runner *runner, size_t rows, const float *const *h,
                       const float *start, float *const *base)
{
    const struct predictor_scaler *scaler = &runner->predictor->scaler;
    const struct net_spec *spec = &runner->predictor->spec;
    size_t units = net_output_width(spec);
    size_t stride = input_stride(runner);
    for (size_t row = 0; h && row < rows; row++)
        memcpy(runner->input + row * stride, h[row], units * sizeof(float));
    scaler_apply(rows, START_FEATURES, start, scaler->start_mean, scaler->start_inverse_sd,
                 runner->input + units, stride);
    fill_rows(rows, runner->dense, runner->base_b, runner->first);
    runner->kernels->product(rows, units + START_FEATURES, runner->dense, runner->input, stride,
                             runner->base_w, runner->dense, runner->first, runner->dense);
    for (size_t row = 0; row < rows; row++)
        memcpy(base[row], runner->first + row * runner->dense,
               spec->dense[0].width * sizeof(float));
}

void predictor_base(struct predictor_runner *runner, size_t rows, const float *const *h,
                    const float *start, float *const *base)
{
    assert(rows <= runner->rows_max);
    for (size_t done = 0; done < rows; done += KERNEL_ROWS)
        base_block(runner, at_most(rows - done, KERNEL_ROWS), runner->hidden ? h + done : NULL,
                   start + done * START_FEATURES, base + done);
}

static void sort_two(float *a, float *b)
{
    float low = *a < *b ? *a : *b, high = *a < *b ? *b : *a;
    *a = low;
    *b = high;
}

/* R_q = max(e^(ln(kernel_q + 30) + d_q) - 30, 0) = max((kernel_q + 30) e^d_q - 30, 0), sorted. */
static void remaining_seconds(const struct predictor_runner *runner, size_t rows,
                              const float *kernel, float *remaining)
{
    float correction[KERNEL_ROWS * 4] = {0};
    for (size_t row = 0; row < rows; row++)
        for (size_t q = 0; q < QUANTILES; q++)
            correction[row * 4 + q] = runner->output[row * KERNEL_PAD + q];
    runner->kernels->exponentials(correction);
    for (size_t row = 0; row < rows; row++, kernel += QUANTILES, remaining += QUANTILES) {
        for (size_t q = 0; q < QUANTILES; q++) {
            float base_s = clamp_float(kernel[q], 0, FLT_MAX);
            remaining[q] = clamp_float((base_s + REMAINING_OFFSET_S) * correction[row * 4 + q] -
                                           REMAINING_OFFSET_S,
                                       0, FLT_MAX);
        }
        sort_two(&remaining[0], &remaining[1]);
        sort_two(&remaining[1], &remaining[2]);
        sort_two(&remaining[0], &remaining[1]);
    }
}

static void live_block(struct predictor_runner *runner, size_t rows, const float *const *base,
                       const float *live, const float *kernel, float *remaining)
{
    const struct kernels *k = runner->kernels;
    const struct predictor_scaler *scaler = &runner->predictor->scaler;
    size_t units = runner->predictor->spec.dense[0].width, d = runner->dense;
    for (size_t row = 0; row < rows; row++)
        memcpy(runner->first + row * d, base[row], units * sizeof(float));
    scaler_apply(rows, LIVE_FEATURES, live, scaler->live_mean, scaler->live_inverse_sd,
                 runner->input, LIVE_FEATURES);
    k->product(rows, LIVE_FEATURES, d, runner->input, LIVE_FEATURES, runner->live_w, d,
               runner->first, d);
    k->relu(rows * d, runner->first);
    fill_rows(rows, d, runner->middle_b, runner->second);
    k->product(rows, units, d, runner->first, d, runner->middle_w, d, runner->second, d);
    k->relu(rows * d, runner->second);
    fill_rows(rows, KERNEL_PAD, runner->last_b, runner->output);
    k->product(rows, units, QUANTILES, runner->second, d, runner->last_w, KERNEL_PAD,
               runner->output, KERNEL_PAD);
    remaining_seconds(runner, rows, kernel, remaining);
}

void predictor_live(struct predictor_runner *runner, size_t rows, const float *const *base,
                    const float *live, const float *kernel, float *remaining)
{
    assert(rows <= runner->rows_max);
    for (size_t done = 0; done < rows; done += KERNEL_ROWS)
        live_block(runner, at_most(rows - done, KERNEL_ROWS), base + done,
                   live + done * LIVE_FEATURES, kernel + done * QUANTILES,
                   remaining + done * QUANTILES);
}
